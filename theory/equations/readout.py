"""The read-out: conjugates -> order parameters, from traces over the feature spectrum.

With R = (lam + Vh Omega)^{-1} and T the teacher's squared cross-covariance (feature_laws/base.py),

    V = <Omega R>,   m = mh <T R>,
    q_0 = Qh <Omega R^2> + mh^2 <T R^2>,   p_0 = Qh <S Omega R^2> + mh^2 <T S R^2>,
    Q = kappa_1^2 p + kappa_star^2 q,      r = m / kappa_1,
    q_d = q_0 + temperature <R>,           p_d = p_0 + temperature <S R>,

in the units of zero temperature, where only the last line knows beta. All terms are positive. The
nonlinear dependence is on Vh alone; its derivative is taken by a complex step, exact to rounding for
these analytic functions. Points with N/P = infinity use the law's kernel limit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Axes
from twinpeaks.theory.equations.channel import Conjugates
from twinpeaks.theory.feature_laws.base import Form, Traces
from twinpeaks.theory.names import AXES
from twinpeaks.theory.problem import Problem

__all__ = ["OrderParameters", "Points", "order_parameters", "readout", "traces"]

# Vh below this share of lam changes nothing in R, and its complex step would divide rounding by it.
_FLOOR = 1e-18
_STEP = 1e-25  # relative complex step: no subtraction, so no lower limit but underflow


class Points(NamedTuple):
    """Grid points as flat arrays of one shape (points,); overparam is finite for all or for none."""

    overparam: Array
    alpha_T: Array
    lam: Array
    temperature: Array

    @staticmethod
    def of(axes: Axes, **others: Array) -> Points:
        """All points of some axes, in C order; axes that are not among them are given flat."""
        flat = {name: axes.flat(name) if name in axes else others[name] for name in AXES}
        return Points(flat["overparam"], flat["alpha_T"], flat["lam"], 1.0 / flat["beta"])

    @property
    def alpha(self) -> Array:
        """P/N."""
        return 1.0 / self.overparam

    @property
    def c(self) -> Array:
        """N/D."""
        return self.alpha_T * self.overparam

    @property
    def kernel(self) -> bool:
        """Whether these are points of the limit N/P -> infinity."""
        return bool(self.overparam.size and np.isinf(self.overparam[0]))

    def take(self, index: Index) -> Points:
        """The points of an index array."""
        return Points(*(a[index] for a in self))


class OrderParameters(NamedTuple):
    """Order parameters of a typical sample (d) and of two replicas (0).

    ``forms`` are w^T M_j w / N for the matrices of the feature law.
    """

    V: Array
    q_0: Array
    q_d: Array
    p_0: Array
    p_d: Array
    Q_0: Array
    Q_d: Array
    m: Array
    r: Array
    forms_0: tuple[Array, ...]
    forms_d: tuple[Array, ...]


def traces(problem: Problem, points: Points, Vh: Array) -> Traces:
    """Traces of the problem's feature law at conjugate Vh (alpha included)."""
    # A kink that no pattern reaches gives Vh = 0 exactly; the resolvents want a scale.
    Vh = np.where(np.abs(Vh) < _FLOOR * points.lam, _FLOOR * points.lam, Vh)
    return problem.features.traces(
        points.c, problem.activation.moments, problem.teacher.rho, points.lam, Vh
    )


def readout(problem: Problem, points: Points, hats: Conjugates) -> tuple[Array, Array]:
    """(V, Q, m) and their Jacobian in (Vh, Qh, mh), conjugates counted per pattern.

    Returns
    -------
    overlaps : ndarray of shape (points, 3)
    jacobian : ndarray of shape (points, 3, 3)
    """
    moments = problem.activation.moments
    floor = _FLOOR * points.lam
    Vh = np.where(np.abs(hats.Vh) < floor, floor, hats.Vh)
    step = _STEP * Vh
    moved = Vh + 1j * step
    if points.kernel:
        V, noise, signal, drift, _ = problem.features.kernel(
            points.alpha_T, moments, problem.teacher.rho, points.lam, moved
        )
    else:
        k1, ks, alpha = moments.kappa_1**2, moments.kappa_star**2, points.alpha
        t = traces(problem, points, alpha * moved)
        V = t.OmegaR
        noise = alpha * (k1 * t.SOmegaR2 + ks * t.OmegaR2)
        signal = alpha**2 * (k1 * t.TSR2 + ks * t.TR2)
        drift = alpha * t.TR
    Q = hats.Qh * noise + hats.mh**2 * signal
    m = hats.mh * drift
    overlaps = np.stack([V.real, Q.real, m.real], axis=-1)
    jacobian = np.zeros((*step.shape, 3, 3))
    jacobian[..., 0, 0] = V.imag / step
    jacobian[..., 1, 0] = Q.imag / step
    jacobian[..., 2, 0] = m.imag / step
    jacobian[..., 1, 1] = noise.real
    jacobian[..., 1, 2] = 2.0 * hats.mh * signal.real
    jacobian[..., 2, 2] = drift.real
    return overlaps, jacobian


def order_parameters(problem: Problem, points: Points, hats: Conjugates) -> OrderParameters:
    """All order parameters at given conjugates, counted per pattern."""
    moments = problem.activation.moments
    k1, ks, T = moments.kappa_1**2, moments.kappa_star**2, points.temperature
    if points.kernel:
        (V, Q, m), _ = (a.T for a in readout(problem, points, hats))
        none, Q_d = np.zeros_like(V), Q + T * V
        # q = |w|^2/N vanishes like 1/N; the thermal part of Q_d keeps its nonlinear share
        q_d = T / points.lam
        r, p_0, p_d = m / moments.kappa_1, Q / k1, (Q_d - ks * q_d) / k1
        forms = problem.features.kernel(
            points.alpha_T, moments, problem.teacher.rho, points.lam, hats.Vh
        ).forms
        return OrderParameters(
            V, none, q_d, p_0, p_d, Q, Q_d, m, r, *_student_forms(forms, hats.Qh, hats.mh, T)
        )
    alpha = points.alpha
    t = traces(problem, points, alpha * hats.Vh)
    Qh, mh = alpha * hats.Qh, alpha * hats.mh
    q_0 = Qh * t.OmegaR2 + mh**2 * t.TR2
    p_0 = Qh * t.SOmegaR2 + mh**2 * t.TSR2
    m = mh * t.TR
    q_d, p_d = q_0 + T * t.R, p_0 + T * t.SR
    Vh = np.maximum(alpha * hats.Vh, _FLOOR * points.lam)
    forms = problem.features.forms(points.c, moments, problem.teacher.rho, points.lam, Vh)
    forms_0, forms_d = _student_forms(forms, Qh, mh, T)
    return OrderParameters(
        V=t.OmegaR,
        q_0=q_0,
        q_d=q_d,
        p_0=p_0,
        p_d=p_d,
        Q_0=k1 * p_0 + ks * q_0,
        Q_d=k1 * p_d + ks * q_d,
        m=m,
        r=m / moments.kappa_1,
        forms_0=forms_0,
        forms_d=forms_d,
    )


def _student_forms(
    forms: tuple[Form, ...], Qh: Array, mh: Array, T: Array
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """w^T M_j w / N between two replicas and of one sample."""
    two = tuple(np.asarray(Qh * a.noise + mh**2 * a.signal) for a in forms)
    return two, tuple(b + T * a.thermal for a, b in zip(forms, two, strict=True))
