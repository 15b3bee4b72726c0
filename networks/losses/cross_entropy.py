"""Cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from twinpeaks.networks.losses.base import ClassLoss, labels_like
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.losses.logistic import Logistic

__all__ = ["CrossEntropy"]


@dataclass(frozen=True)
class CrossEntropy(ClassLoss):
    """Mean over rows of log sum_c exp(f_c) - f_y.

    Examples
    --------
    >>> import torch
    >>> value, slope = CrossEntropy()(torch.zeros(1, 2), torch.tensor([0]))
    >>> slope.tolist()
    [[-0.5, 0.5]]
    """

    def __call__(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Value and slope (softmax(f) - e_y) / rows."""
        places = labels_like(outputs, labels)
        logs = torch.log_softmax(outputs, -1)
        value = -logs.gather(-1, places).squeeze(-1).mean(-1)
        slope = logs.exp_()
        target = slope.new_zeros(*labels.shape, slope.shape[-1]).scatter_(
            -1, labels.unsqueeze(-1), 1.0
        )
        return value, slope.sub_(target).div_(outputs.shape[-2])

    @property
    def of_margins(self) -> Loss:
        """log(1 + exp(-y f))."""
        return Logistic()
