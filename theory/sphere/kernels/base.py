"""What a kernel on the sphere is: a zonal function of two inputs, through its eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.errors import InvalidProblem

__all__ = ["Kernel", "ListedKernel", "NetworkKernel"]


class Kernel:
    """A positive definite zonal function on S^{d-1}.

    Derive from ``NetworkKernel`` (infinitely many eigenvalues on the even degrees, in closed form) or from
    ``ListedKernel`` (a finite list).
    """

    def value(self, d: int, angle: Array) -> Array:
        """K at an angle between two inputs, in [0, pi].

        The angle and not its cosine: near 0, arccos of a rounded cosine has an error of 1e-8.
        """
        raise NotImplementedError

    def eigenvalues(self, d: int, degrees: Array | Index) -> Array:
        """The eigenvalue on each of some whole degrees >= 0; K = sum_k lambda_k N(d, k) P_k."""
        raise NotImplementedError


class NetworkKernel(Kernel):
    """Of a network of one hidden layer of ReLU without bias: even degrees, and degree 1.

    Attributes
    ----------
    smoothness : float
        nu: eigenvalues fall like k^{-2 nu - (d-1)}.
    """

    @property
    def smoothness(self) -> float:
        """As above."""
        raise NotImplementedError

    def even(self, d: int, degrees: Array) -> Array:
        """ln lambda_k as an analytic function of k >= 0, right at the even degrees."""
        raise NotImplementedError

    def first(self, d: int) -> float:
        """lambda_1."""
        raise NotImplementedError

    def trace(self, d: int) -> float:
        """K at angle 0, sum_k lambda_k N(d, k)."""
        return float(self.value(d, np.zeros(1))[0])

    def eigenvalues(self, d: int, degrees: Array | Index) -> Array:
        """The eigenvalue on each of some whole degrees >= 0; 0 on odd ones from 3 on."""
        k = np.asarray(degrees)
        out = np.where(k % 2 == 0, np.exp(self.even(d, np.where(k % 2 == 0, k, 0.0))), 0.0)
        return np.where(k == 1, self.first(d), out)


class ListedKernel(Kernel):
    """With eigenvalues on finitely many degrees."""

    def listed(self, d: int) -> Array:
        """lambda_0, lambda_1, ..., lambda_K."""
        raise NotImplementedError

    def eigenvalues(self, d: int, degrees: Array | Index) -> Array:
        """The eigenvalue on each of some whole degrees >= 0; 0 beyond the list."""
        k, known = np.asarray(degrees), self.listed(d)
        inside = k < known.size
        return np.where(inside, known[np.where(inside, k, 0)], 0.0)

    def value(self, d: int, angle: Array) -> Array:
        """Sum_k lambda_k N(d, k) P_k(cos angle)."""
        from twinpeaks.theory.sphere.harmonics import gegenbauer, log_multiplicity

        known = self.listed(d)
        weights = known * np.exp(log_multiplicity(d, np.arange(known.size, dtype=float)))
        values = gegenbauer(d, np.cos(angle), known.size - 1)
        return np.asarray(np.tensordot(weights, values, 1))


def check_dimension(d: Any) -> int:
    """Return d as an int, or refuse it.

    Raises
    ------
    InvalidProblem
        If it is no whole number >= 2: S^0 has two points.
    """
    whole = isinstance(d, int | np.integer) and not isinstance(d, bool)
    if not whole or d < 2:
        raise InvalidProblem(f"d = {d!r}: give a whole number >= 2, inputs lie on S^(d-1)")
    return int(d)
