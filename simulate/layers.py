"""The frozen part of a finite model: its layers of random features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from twinpeaks.theory.activations import Activation

__all__ = ["Layers"]


@dataclass(frozen=True)
class Layers:
    """z(x) = sigma(F_L^T h_{L-1} / sqrt(N_{L-1})) with h_l the centred, normalised layer l, h_0 = x.

    Attributes
    ----------
    activation : Activation
        sigma, the same in every layer; h_l = (sigma - kappa_0) / sqrt(kappa_1^2 + kappa_star^2).
    matrices : tuple of Tensor
        F_1 of shape (D, N_1), ..., F_L of shape (N_{L-1}, N), in the coordinates in which inputs are
        i.i.d. of variance 1.
    """

    activation: Activation
    matrices: tuple[Tensor, ...]

    @property
    def D(self) -> int:
        """Input size."""
        return int(self.matrices[0].shape[0])

    @property
    def N(self) -> int:
        """Number of features."""
        return int(self.matrices[-1].shape[1])

    @property
    def widest(self) -> int:
        """Largest layer above the inputs."""
        return max(int(F.shape[1]) for F in self.matrices)

    def __call__(self, x: Tensor) -> Tensor:
        """Features of inputs of shape (n, D), shape (n, N)."""
        return self.above((x @ self.matrices[0]).div_(self.D**0.5))

    def above(self, u: Tensor) -> Tensor:
        """Features from the pre-activations of the first layer, shape (n, N_1), which are kept."""
        moments = self.activation.moments
        scale = (moments.kappa_1**2 + moments.kappa_star**2) ** -0.5
        for F in self.matrices[1:]:
            hidden = (self.activation(u) - moments.kappa_0) * scale
            u = (hidden @ F).div_(F.shape[0] ** 0.5)
        z: Tensor = self.activation(u)
        return z

    def project(self, W: Tensor) -> Tensor:
        """F w / sqrt(N) through the linear part of every layer, shape (D, columns)."""
        moments = self.activation.moments
        linear = moments.kappa_1 / (moments.kappa_1**2 + moments.kappa_star**2) ** 0.5
        s: Tensor = self.matrices[-1] @ W / self.N**0.5
        for F in self.matrices[-2::-1]:
            s = linear * (F @ s) / F.shape[1] ** 0.5
        return s

    def linear_norm(self, W: Tensor) -> Tensor:
        """p = w^T S w / N for every column, S the covariance of the last pre-activations.

        By C_l = (kappa_1^2 F_l^T C_{l-1} F_l / N_{l-1} + kappa_star^2) / (kappa_1^2 + kappa_star^2).
        """
        moments = self.activation.moments
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        v: Tensor = self.matrices[-1] @ W / self.matrices[-1].numel() ** 0.5
        total: Tensor = torch.zeros_like(v[0])
        weight = 1.0
        for F in self.matrices[-2::-1]:
            total = total + weight * ks / (k1 + ks) * (v * v).sum(0)
            weight *= k1 / (k1 + ks)
            v = F @ v / F.shape[0] ** 0.5
        return total + weight * (v * v).sum(0)
