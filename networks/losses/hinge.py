"""Hinge loss of several classes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from twinpeaks.networks.losses.base import ClassLoss, labels_like
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.losses.hinge import Hinge

__all__ = ["ClassHinge"]


@dataclass(frozen=True)
class ClassHinge(ClassLoss):
    """Mean over rows of max(0, 1 + max_{c != y} f_c - f_y) (Crammer & Singer, JMLR 2, 265 (2001)).

    Examples
    --------
    >>> import torch
    >>> value, slope = ClassHinge()(torch.tensor([[1.0, 0.5, 0.0]]), torch.tensor([0]))
    >>> float(value), slope.tolist()
    (0.5, [[-1.0, 1.0, 0.0]])
    """

    def __call__(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Value, and slope +1 at the largest wrong output and -1 at the right one while that is too small."""
        places = labels_like(outputs, labels)
        right = outputs.gather(-1, places)
        rest = outputs.scatter(-1, places, -float("inf"))
        most, where = rest.max(-1, keepdim=True)
        short = 1.0 + most - right
        active = (short > 0).to(outputs.dtype) / outputs.shape[-2]
        slope = outputs.new_zeros(outputs.shape)
        slope.scatter_(-1, where, active).scatter_add_(-1, places, -active)
        return short.clamp(min=0.0).squeeze(-1).mean(-1), slope

    @property
    def of_margins(self) -> Loss:
        """max(0, 1 - y f)."""
        return Hinge()
