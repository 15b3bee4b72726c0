"""Orthogonal (Haar) features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.feature_laws.base import FeatureLaw, Kernel, Traces, on_sphere
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.feature_laws.pairs import Pairs, Ridge, discrete
from twinpeaks.theory.random import Random

__all__ = ["Orthogonal"]


@dataclass(frozen=True)
class Orthogonal(FeatureLaw):
    """Haar-distributed F: orthogonal columns of norm sqrt(D) for N <= D, orthogonal rows beyond.

    S has the eigenvalue 1 for c <= 1; for c > 1 the eigenvalue c on a share 1/c and 0 on the rest.
    """

    @staticmethod
    def _atoms(c: Any) -> tuple[tuple[Any, Any], ...]:
        """(eigenvalue, weight) pairs."""
        wide = c > 1
        return (
            (np.where(wide, c, 1.0), np.where(wide, 1.0 / c, 1.0)),
            (0.0, np.where(wide, 1.0 - 1.0 / c, 0.0)),
        )

    def traces(self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any) -> Traces:
        """Sums over at most two eigenvalues."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        total = Traces(*([0.0] * 8))
        for s, weight in self._atoms(c):
            omega = k1 * s + ks
            # with linear features and no ridge the null space has no resolvent; it has no weight
            R = 1.0 / np.where(weight > 0, ridge + Vh * omega, 1.0)
            t = c * rho * k1 * s
            smooth = [R, s * R, omega * R, omega * R**2, s * omega * R**2]
            terms = [*smooth, t * R, t * R**2, t * s * R**2]
            total = Traces(*(a + weight * b for a, b in zip(total, terms, strict=True)))
        return total

    def pairs(
        self, c: float, moments: HermiteMoments, rho: float, one: Ridge, other: Ridge
    ) -> Pairs:
        """Sums over at most two eigenvalues."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        s, weight = (
            np.array([float(a) for a in part]) for part in zip(*self._atoms(c), strict=True)
        )
        return discrete(k1 * s + ks, s, weight, c * rho * k1 * s * weight, k1, one.u, other.u)

    def log_det(self, c: Array, moments: HermiteMoments, ridge: Array, Vh: Array) -> Array:
        """Sum over at most two eigenvalues."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        total = np.zeros(np.shape(Vh))
        for s, weight in self._atoms(c):
            inside = ridge + Vh * (k1 * s + ks)
            total = total + weight * np.log(np.where(weight > 0, inside, 1.0))
        return total

    def kernel(
        self, alpha_T: Any, moments: HermiteMoments, rho: float, ridge: Any, slope: Any
    ) -> Kernel:
        """The same as for Gaussian features: rows become orthogonal anyway."""
        return Gaussian().kernel(alpha_T, moments, rho, ridge, slope)

    def sampling_numbers(self, D: int, N: int) -> int:
        """Gaussian matrix, its two factors and Q with its signs fixed."""
        return 3 * D * N + min(D, N) ** 2

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[tuple[Any, ...], Any]:
        """Orthogonalise a Gaussian matrix; signs fixed so that the law is Haar."""
        tall = random.normal(max(D, N), min(D, N))
        xp = array_namespace(tall)
        Q, R = xp.linalg.qr(tall)
        Q = Q * xp.sign(xp.linalg.diagonal(R))
        F = Q * D**0.5 if N <= D else Q.T * N**0.5
        return (F,), on_sphere(random.normal(D), rho)
