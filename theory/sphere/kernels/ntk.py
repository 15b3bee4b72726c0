"""The neural tangent kernel of one hidden layer of ReLU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.sphere.harmonics import log_power_coefficient
from twinpeaks.theory.sphere.kernels.base import NetworkKernel

__all__ = ["NTK"]


@dataclass(frozen=True)
class NTK(NetworkKernel):
    r"""Both layers of a wide ReLU network trained lazily: K = [sin u + 2 (pi - u) cos u] / (2 pi), angle u.

    Scale: f(x) = sum_h w_h relu(theta_h.x) / sqrt(H) with w ~ N(0, 1) and theta ~ N(0, I_d), so that
    K(x, x) = 1 in every dimension; the Gram matrices of the authors of arXiv 2206.12314 are K / d. It matters
    once lam > 0.

    Notes
    -----
    K = (kappa_1 + t kappa_0)/2 with kappa_0 = (pi - u)/pi and kappa_1 = (sin u + (pi - u) cos u)/pi (Cho &
    Saul 2009), t = cos u. The eigenvalue on an even degree is d mu_k^2 + [k g_{k-1} + (k+d-2) g_{k+1}] /
    (2k+d-2), mu_k the coefficient of (t)_+ and g_k the square of that of the step function;
    lambda_k k^d -> 2^{d-2} Gamma(d/2)^2 / pi^2.

    Examples
    --------
    >>> from twinpeaks.theory.sphere import NTK, eigenvalues
    >>> eigenvalues(NTK(), 3, 2).round(7).tolist()  # 1/4, 1/6, 5/128
    [0.25, 0.1666667, 0.0390625]
    """

    @property
    def smoothness(self) -> float:
        """nu = 1/2."""
        return 0.5

    def value(self, d: int, angle: Array) -> Array:
        """[sin u + 2 (pi - u) cos u] / (2 pi)."""
        u = np.asarray(angle, dtype=float)
        return np.asarray((np.sin(u) + 2.0 * (np.pi - u) * np.cos(u)) / (2.0 * np.pi))

    def even(self, d: int, degrees: Array) -> Array:
        """Both layers; degree 0 has no neighbour below."""
        k = np.asarray(degrees, dtype=float)
        outer = np.log(d) + 2.0 * log_power_coefficient(d, 1.0, k)
        below = np.where(k > 0, k, 2.0)
        down = 2.0 * log_power_coefficient(d, 0.0, below - 1.0)
        up = 2.0 * log_power_coefficient(d, 0.0, k + 1.0)
        low = k / np.where(k > 0, 2.0 * k + d - 2, 1.0)
        with np.errstate(divide="ignore"):
            inner = np.logaddexp(np.log(low) + down, np.log1p(-low) + up)
        return np.asarray(np.logaddexp(outer, inner))

    def first(self, d: int) -> float:
        """1/(4d) of each layer."""
        return 0.5 / d
