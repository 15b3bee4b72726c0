"""Exact draws of the Boltzmann measure over weights, where it is Gaussian.

The measure p(w) ~ exp(-beta [sum_mu l(y_mu, X_mu w) + lam |w|^2 / 2]) sees X only. In the coordinates of
its right singular vectors, w = V v + w_0 with w_0 orthogonal to every pattern: v has min(N, P) entries
and feels the data, and w_0 is independent of it and keeps the prior N(0, 1 / (beta lam)). For the square
loss v is Gaussian as well, with independent entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["SeenSpace", "gaussian_draws", "gaussian_mean"]


@dataclass(frozen=True)
class SeenSpace:
    """The space that the patterns see: the thin singular value decomposition of a design.

    One decomposition serves every lam and beta.

    Attributes
    ----------
    left : Tensor of shape (P, k)
    singular : Tensor of shape (k,)
    right : Tensor of shape (k, N)
        X = left diag(singular) right, k = min(N, P).
    """

    left: Tensor
    singular: Tensor
    right: Tensor

    @classmethod
    def of(cls, X: Tensor) -> SeenSpace:
        """Decompose a design of shape (P, N)."""
        return cls(*torch.linalg.svd(X, full_matrices=False))

    @property
    def design(self) -> Tensor:
        """C with X w = C v, shape (P, k)."""
        return self.left * self.singular

    def coordinates(self, W: Tensor) -> Tensor:
        """v of weights of shape (N, columns); shape (k, columns)."""
        v: Tensor = self.right @ W
        return v

    def lift(self, v: Tensor, noise: Tensor, precision: float) -> Tensor:
        """Weights with given v, and a draw of the prior where no pattern sees.

        Parameters
        ----------
        v : Tensor of shape (k, columns)
        noise : Tensor of shape (N, columns)
            Standard normals, independent of v or of which v uses ``right @ noise`` alone.
        precision : float
            beta lam.
        """
        w: Tensor = noise / precision**0.5
        return w + self.right.T @ (v - self.right @ w)


def gaussian_mean(space: SeenSpace, y: Tensor, lam: float, scale: float = 1.0) -> Tensor:
    """Mean of the measure with l = (y - t)^2 / (2 scale), at every beta; shape (N,).

    It is (X^T X + scale lam)^{-1} X^T y, the minimiser.
    """
    s = space.singular
    w: Tensor = space.right.T @ (s / (s**2 + scale * lam) * (space.left.T @ y))
    return w


def gaussian_draws(
    space: SeenSpace, y: Tensor, lam: float, beta: float, noise: Tensor, scale: float = 1.0
) -> Tensor:
    """Independent draws of the measure with l = (y - t)^2 / (2 scale); shape of ``noise``.

    Parameters
    ----------
    space : SeenSpace
        Of the design.
    y : Tensor of shape (P,)
        Labels.
    lam, beta : float
        Ridge penalty and inverse temperature, > 0.
    noise : Tensor of shape (N, draws)
        Standard normals. The same ones at another lam or beta give draws that differ smoothly.
    scale : float
        ``Loss.quadratic``, > 0.

    Notes
    -----
    The covariance is (X^T X / scale + lam)^{-1} / beta, and its symmetric root is applied to the noise.
    """
    spread = (beta * (space.singular**2 / scale + lam)) ** -0.5
    mean = space.coordinates(gaussian_mean(space, y, lam, scale))
    v = mean[:, None] + spread[:, None] * (space.right @ noise)
    return space.lift(v, noise, beta * lam)
