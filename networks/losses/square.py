"""Square loss on one-hot labels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from twinpeaks.networks.losses.base import ClassLoss
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.losses.square import Square

__all__ = ["SquareOneHot"]


@dataclass(frozen=True)
class SquareOneHot(ClassLoss):
    """Mean over rows and classes of (f - e_y)^2, e_y the one-hot vector of the class.

    Examples
    --------
    >>> import torch
    >>> value, slope = SquareOneHot()(torch.tensor([[1.0, 1.0]]), torch.tensor([0]))
    >>> float(value)
    0.5
    """

    def __call__(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Value and slope 2 (f - e_y) / (rows classes)."""
        rows, classes = outputs.shape[-2:]
        target = outputs.new_zeros(*labels.shape, classes).scatter_(-1, labels.unsqueeze(-1), 1.0)
        off = outputs - target
        value = off.square().sum((-2, -1)) / (rows * classes)
        return value, off.mul_(2.0 / (rows * classes))

    @property
    def of_margins(self) -> Loss:
        """(y - f)^2."""
        return Square()
