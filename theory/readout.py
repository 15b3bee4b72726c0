"""The read-out: (Vh, Qh, mh) -> order parameters, from traces over the feature spectrum.

With R = (lam + Vh Omega)^{-1} and T the square of the teacher's cross-covariance (feature_laws.py),

    V = <Omega R>,   m = mh <T R>,
    q = Qh <Omega R^2> + mh^2 <T R^2>,   p = Qh <S Omega R^2> + mh^2 <T S R^2>,
    Q = kappa_1^2 p + kappa_star^2 q,    r = m / kappa_1.

All terms are positive. The nonlinear dependence is on Vh alone; its derivative is taken by a complex
step, exact to rounding for these rational functions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.channel import Conjugates
from theory.feature_laws import Traces
from theory.problem import Problem

__all__ = ["OrderParameters", "Points", "order_parameters", "readout"]

Array = NDArray[np.float64]

_STEP = 1e-25  # relative complex step: no subtraction, so no lower limit but underflow


class Points(NamedTuple):
    """Grid points as flat arrays of one shape (points,)."""

    overparam: Array
    alpha_T: Array
    lam: Array

    @property
    def alpha(self) -> Array:
        """P/N."""
        return 1.0 / self.overparam

    @property
    def c(self) -> Array:
        """N/D."""
        return self.alpha_T * self.overparam

    def take(self, index: NDArray[np.intp]) -> Points:
        """The points of an index array."""
        return Points(*(a[index] for a in self))


class OrderParameters(NamedTuple):
    """Zero-temperature order parameters, with the traces at the solution."""

    V: Array
    q: Array
    p: Array
    r: Array
    Q: Array
    m: Array


def _traces(problem: Problem, points: Points, Vh: Array) -> Traces:
    moments = problem.activation.moments
    return problem.features.traces(
        points.c, moments.kappa_1, moments.kappa_star, problem.teacher.rho, points.lam, Vh
    )


def readout(problem: Problem, points: Points, hats: Conjugates) -> tuple[Array, Array]:
    """(V, Q, m) and their Jacobian in (Vh, Qh, mh).

    Returns
    -------
    overlaps : ndarray of shape (points, 3)
    jacobian : ndarray of shape (points, 3, 3)
    """
    moments = problem.activation.moments
    k1, ks = moments.kappa_1**2, moments.kappa_star**2
    step = _STEP * hats.Vh
    t = _traces(problem, points, hats.Vh + 1j * step)
    noise = k1 * t.SOmegaR2 + ks * t.OmegaR2
    signal = k1 * t.TSR2 + ks * t.TR2
    Q = hats.Qh * noise + hats.mh**2 * signal
    m = hats.mh * t.TR
    overlaps = np.stack([t.OmegaR.real, Q.real, m.real], axis=-1)
    jacobian = np.zeros((*step.shape, 3, 3))
    jacobian[..., 0, 0] = t.OmegaR.imag / step
    jacobian[..., 1, 0] = Q.imag / step
    jacobian[..., 2, 0] = m.imag / step
    jacobian[..., 1, 1] = noise.real
    jacobian[..., 1, 2] = 2.0 * hats.mh * signal.real
    jacobian[..., 2, 2] = t.TR.real
    return overlaps, jacobian


def order_parameters(problem: Problem, points: Points, hats: Conjugates) -> OrderParameters:
    """All order parameters at given conjugates."""
    moments = problem.activation.moments
    t = _traces(problem, points, hats.Vh)
    q = hats.Qh * t.OmegaR2 + hats.mh**2 * t.TR2
    p = hats.Qh * t.SOmegaR2 + hats.mh**2 * t.TSR2
    m = hats.mh * t.TR
    Q = moments.kappa_1**2 * p + moments.kappa_star**2 * q
    return OrderParameters(t.OmegaR, q, p, m / moments.kappa_1, Q, m)
