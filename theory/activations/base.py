"""Activations and their Hermite coefficients.

With g ~ N(0, 1) and He_k the probabilists' Hermite polynomials,

    kappa_k = E[sigma(g) He_k(g)] / sqrt(k!),
    kappa_star^2  = E[sigma^2] - kappa_0^2 - kappa_1^2 = sum_{k >= 2} kappa_k^2,
    dkappa_star^2 = E[sigma'^2] - kappa_1^2            = sum_{k >= 2} k kappa_k^2

(Gaussian equivalence: Mei & Montanari, arXiv 1908.05355; Gerace et al., arXiv 2002.09339; the last
one is the numerator of the mean dimension, arXiv 2401.12610).

A new activation is one file of this folder: give it ``__call__`` and its ``kinks``; override ``moments``
where there is a closed form, and the contract tests hold it to the quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.numerics.correlation import correlation
from twinpeaks.theory.numerics.piecewise import PiecewisePolynomial, approximate

__all__ = ["Activation", "HermiteMoments"]

_CUTOFF = 12.0  # Gaussian mass beyond: 4e-33
_ROUNDING = 1e-12  # by which a computed correlation may exceed 1


@dataclass(frozen=True)
class HermiteMoments:
    """The four numbers through which an activation enters the theory.

    Attributes
    ----------
    kappa_0, kappa_1, kappa_star, dkappa_star : float
        As defined in the module docstring. ``dkappa_star`` (kappa'_star) is infinite for an
        activation that jumps.
    error : float
        Estimate of the relative error from the last coefficients of every piece; 0 for closed
        forms. A feature narrower than the first mesh (width 1) can escape it.
    """

    kappa_0: float
    kappa_1: float
    kappa_star: float
    dkappa_star: float
    error: float = 0.0


class Activation:
    """A scalar function applied to every pre-activation.

    Subclasses are frozen dataclasses that implement ``__call__`` for any array that follows the
    Python array API (numpy and torch alike) and declare ``kinks``, the points where the function
    or one of its derivatives jumps. ``traceable`` says whether torch can differentiate ``__call__``.
    """

    kinks: tuple[float, ...] = ()
    traceable: bool = True

    def __call__(self, x: Any) -> Any:
        """Apply the activation elementwise to a numpy or torch array."""
        raise NotImplementedError

    @cached_property
    def moments(self) -> HermiteMoments:
        """Hermite moments by adaptive piecewise-polynomial quadrature, with an error estimate."""
        return self._pieces_moments()

    def hermite(self, degree: int) -> Array:
        """Normalised Hermite coefficients kappa_0 .. kappa_degree.

        Parameters
        ----------
        degree : int
            Highest degree wanted, >= 0.

        Returns
        -------
        ndarray of shape (degree + 1,)
            kappa_k = E[sigma(g) He_k(g)] / sqrt(k!).
        """
        if degree < 0:
            raise ValueError(f"degree = {degree}: give an integer >= 0")
        pieces = self._pieces
        x, weight, value = pieces.nodes, pieces.weights * _gauss(pieces.nodes), pieces.values
        return np.array([np.sum(weight * value * h) for h in _hermite_functions(x, degree)])

    def correlation(self, rho: ArrayLike) -> Array:
        """Covariance kernel under correlated normals.

        Parameters
        ----------
        rho : array_like
            Correlations in [-1, 1]; what rounding left outside, by up to 1e-12, is +-1.

        Returns
        -------
        ndarray of the shape of rho
            K(rho) = E[sigma(g) sigma(g_rho)] = sum_k kappa_k^2 rho^k (Mehler), g and g_rho standard
            normal of correlation rho; closed form where there is one, quadrature otherwise.

        Raises
        ------
        ValueError
            If a correlation is outside [-1, 1].
        """
        values = np.asarray(rho, dtype=float)
        inside = np.abs(values) <= 1.0 + _ROUNDING  # false for NaN
        if not np.all(inside):
            raise ValueError(f"rho = {values[~inside].flat[0]:.17g}: give correlations in [-1, 1]")
        return self._correlation(np.clip(values, -1.0, 1.0))

    def closed_moments(self, ctx: Any) -> tuple[Any, Any, Any] | None:
        """kappa_1, kappa_star^2 and kappa'_star^2 in closed form, if there is one.

        Parameters
        ----------
        ctx : module
            The arithmetic: ``mpmath.mp`` or ``mpmath.iv``.
        """
        return None

    def enclosed_moments(self, digits: int) -> tuple[Any, Any, Any] | None:
        """The same as intervals of ``mpmath.iv``, of about that many digits, if they can be proven."""
        from mpmath import iv  # type: ignore[import-untyped]

        return self.closed_moments(iv)

    def in_mpmath(self, x: Any) -> tuple[Any, Any]:
        """The function and its derivative at an mpmath number, where the moments are not closed form."""
        raise ValueError(
            f"activation = {self!r} has no mpmath formula: describe it as a Custom whose callable "
            "accepts mpmath numbers, or give its class a method in_mpmath"
        )

    def _correlation(self, rho: Array) -> Array:
        def function(x: Array) -> Array:
            return np.asarray(self(x), dtype=float)

        return correlation(function, self._pieces, rho)

    def _pieces_moments(self) -> HermiteMoments:
        pieces = self._pieces
        weight = pieces.weights * _gauss(pieces.nodes)
        x, s = pieces.nodes, pieces.values
        power = np.sum(weight * s**2, axis=1)
        thin = pieces.weights.sum(axis=1) < 1e-9
        far = np.abs(x).max(axis=1) > _CUTOFF - 1.0  # what grows there goes on growing
        lost = power[thin].sum() + power[far].sum()
        if not np.isfinite(power.sum()) or lost > 1e-6 * power.sum():
            at = pieces.nodes[np.argmax(power), 0]
            raise InvalidProblem(
                f"activation = {self!r}: E[sigma^2] does not exist or overflows, near x = {at:.4g}; "
                "give a function that is square-integrable under N(0, 1)"
            )
        k0, k1 = np.sum(weight * s), np.sum(weight * s * x)
        # The residual is squared after the subtraction: E[s^2] - k0^2 - k1^2 would cancel.
        star2 = np.sum(weight * (s - k0 - k1 * x) ** 2)
        dstar2 = np.inf if pieces.jumps else np.sum(weight * (pieces.slopes - k1) ** 2)
        scale = float(np.sqrt(np.sum(weight * s**2)))
        star, dstar = float(np.sqrt(star2)), float(np.sqrt(dstar2))
        if star <= 1e-13 * scale:
            star = dstar = 0.0  # the rounding of a linear function
        return HermiteMoments(float(k0), float(k1), star, dstar, pieces.error)

    @cached_property
    def _pieces(self) -> PiecewisePolynomial:
        try:
            return approximate(
                lambda x: np.asarray(self(x), dtype=float), -_CUTOFF, _CUTOFF, self.kinks
            )
        except ValueError as error:
            raise InvalidProblem(f"activation = {self!r}: {error}") from error


def _gauss(x: Array) -> Array:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi))


def _hermite_functions(x: Array, degree: int) -> list[Array]:
    """He_k(x) / sqrt(k!) for k = 0 .. degree, by the stable three-term recurrence."""
    out = [np.ones_like(x), x]
    for k in range(1, degree):
        out.append((x * out[k] - np.sqrt(k) * out[k - 1]) / np.sqrt(k + 1))
    return out[: degree + 1]
