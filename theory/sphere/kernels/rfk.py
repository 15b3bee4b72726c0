"""The kernel of random ReLU features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.sphere.harmonics import log_power_coefficient
from twinpeaks.theory.sphere.kernels.base import NetworkKernel

__all__ = ["RFK"]


@dataclass(frozen=True)
class RFK(NetworkKernel):
    r"""Infinitely many ReLU features with frozen weights: K = [sin u + (pi - u) cos u] / (2 pi), angle u.

    Scale: features relu(theta.x) with theta ~ N(0, I_d), so that K(x, x) = 1/2 in every dimension (arXiv
    2206.12314). With theta on the unit sphere it is K / d. It matters once lam > 0.

    Notes
    -----
    Eigenvalues d mu_k^2, mu_k the coefficient of (t)_+ on degree k; lambda_k k^{d+2} -> 2^{d-2} Gamma(d/2)^2
    d / pi^2 on even degrees, and 0 on odd degrees from 3 on.

    Examples
    --------
    >>> from twinpeaks.theory.sphere import RFK, eigenvalues
    >>> eigenvalues(RFK(), 3, 2).round(9).tolist()  # 3/16, 1/12, 3/256
    [0.1875, 0.083333333, 0.01171875]
    """

    @property
    def smoothness(self) -> float:
        """nu = 3/2."""
        return 1.5

    def value(self, d: int, angle: Array) -> Array:
        """[sin u + (pi - u) cos u] / (2 pi)."""
        u = np.asarray(angle, dtype=float)
        return np.asarray((np.sin(u) + (np.pi - u) * np.cos(u)) / (2.0 * np.pi))

    def even(self, d: int, degrees: Array) -> Array:
        """Twice the logarithm of mu_k, and ln d."""
        return np.asarray(np.log(d) + 2.0 * log_power_coefficient(d, 1.0, degrees))

    def first(self, d: int) -> float:
        """d mu_1^2, mu_1 = 1/(2d)."""
        return 0.25 / d
