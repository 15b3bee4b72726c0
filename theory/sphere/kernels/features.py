"""The kernel of random features of any activation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import roots_gegenbauer

from twinpeaks.theory.activations import Activation
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.harmonics import gegenbauer
from twinpeaks.theory.sphere.kernels.base import ListedKernel

__all__ = ["Features"]

_NODES = 2000
_ROUNDING = 1e-13  # coefficients below this share of the largest are none


@dataclass(frozen=True)
class Features(ListedKernel):
    """Infinitely many features sigma(theta.x), theta uniform on the sphere of radius sqrt(d).

    Scale: that radius, at which theta.x has variance 1; for a homogeneous sigma such as ReLU it is the
    kernel of theta ~ N(0, I_d), and ``RFK`` has all its degrees.

    Parameters
    ----------
    activation : Activation
        sigma, of ``twinpeaks.theory.activations``.
    degrees : int
        Last degree kept. What an analytic activation has beyond 60 is below rounding.

    Notes
    -----
    lambda_k = mu_k^2, mu_k = E[sigma(sqrt(d) t) P_k(t)] (Funk-Hecke), by a Gauss-Gegenbauer rule of 2000
    nodes; coefficients below 1e-13 of the largest are 0.

    Examples
    --------
    >>> from twinpeaks.theory import Tanh
    >>> from twinpeaks.theory.sphere import Features, eigenvalues
    >>> eigenvalues(Features(Tanh()), 5, 3).round(6).tolist()
    [0.0, 0.082956, 0.0, 0.000511]
    """

    activation: Activation
    degrees: int = 60

    def __post_init__(self) -> None:
        """Check both."""
        if not isinstance(self.activation, Activation):
            raise InvalidProblem(
                f"activation = {self.activation!r}: give an Activation, such as Tanh()"
            )
        if not isinstance(self.degrees, int) or not 0 <= self.degrees <= _NODES // 2:
            raise InvalidProblem(
                f"degrees = {self.degrees!r}: give an integer from 0 to {_NODES // 2}"
            )

    def coefficients(self, d: int) -> Array:
        """mu_0, ..., mu_degrees."""
        return _coefficients(self.activation, d, self.degrees)

    def listed(self, d: int) -> Array:
        """Their squares."""
        return np.asarray(self.coefficients(d) ** 2)


@lru_cache(maxsize=64)
def _coefficients(activation: Activation, d: int, degrees: int) -> Array:
    if d == 2:
        t = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        weights = np.full(_NODES, 1.0 / _NODES)
    else:
        t, weights = roots_gegenbauer(_NODES, 0.5 * d - 1.0)
        weights = weights / weights.sum()
    found = gegenbauer(d, t, degrees) @ (weights * activation(np.sqrt(d) * t))
    found[np.abs(found) < _ROUNDING * np.abs(found).max()] = 0.0
    found.setflags(write=False)
    return np.asarray(found)
