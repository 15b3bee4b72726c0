"""The solution of least squares that is nearest to a start.

Gradient descent on the summed square loss keeps the part of its start that the design X does not see,
w = X^+ y + (1 - X^+ X) w_init. Both terms come from one singular value decomposition of X, and the
second is linear in the start, so that one draw serves every scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["NearestSolution"]


@dataclass(frozen=True)
class NearestSolution:
    """argmin_w |y - X w|^2 / 2 + lam |w - w_init|^2 / 2, and its limit lam -> 0.

    Attributes
    ----------
    left : Tensor of shape (P, k)
    singular : Tensor of shape (k,)
    right : Tensor of shape (k, N)
        X = left diag(singular) right.
    lam : float
        >= 0. At 0 singular values that are rounding count as zero.
    """

    left: Tensor
    singular: Tensor
    right: Tensor
    lam: float

    @classmethod
    def of(cls, X: Tensor, lam: float = 0.0) -> NearestSolution:
        """Decompose a design of shape (P, N)."""
        left, singular, right = torch.linalg.svd(X, full_matrices=False)
        rounding = max(X.shape) * torch.finfo(X.dtype).eps * singular[0]
        seen = singular > rounding
        return cls(left[:, seen], singular[seen], right[seen], lam)

    def from_zero(self, y: Tensor) -> Tensor:
        """The solution of labels y of shape (P,) from w_init = 0; shape (N,)."""
        s = self.singular
        w: Tensor = self.right.T @ (s / (s**2 + self.lam) * (self.left.T @ y))
        return w

    def kept(self, starts: Tensor) -> Tensor:
        """What the solution keeps of starts of shape (N, n)."""
        s2 = self.singular[:, None] ** 2
        out: Tensor = starts - self.right.T @ (s2 / (s2 + self.lam) * (self.right @ starts))
        return out
