"""The interpolation threshold: the N/P above which lam -> 0 leaves no training error.

Square loss interpolates P numbers with N weights at N/P = 1. A loss of the margin needs separable
data: with gamma^2 the share of the teacher's variance that lies in the span of the features, Gaussian
features of dimension N and labels y separate P patterns exactly when

    N / P > h(gamma) = min_t E[ (Z - t y U)_+^2 ],

U ~ N(0, 1) the teacher's projection, y its label, Z ~ N(0, 1) independent (Candes & Sur, arXiv
1804.09753). Here gamma^2 = <T Omega^{-1}> / rho grows with N/D, so the threshold is a fixed point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from theory.losses.base import DifferenceLoss
from theory.problem import Problem
from theory.quadrature import integrate, panels
from theory.teachers.base import BinaryTeacher

__all__ = ["interpolation_threshold"]

Array = NDArray[np.float64]
_MESH = panels(np.linspace(-10.0, 10.0, 11)[None])


def interpolation_threshold(problem: Problem, alpha_T: ArrayLike) -> Array:
    """N/P at which the training error vanishes for lam -> 0.

    Parameters
    ----------
    problem : Problem
    alpha_T : array_like
        P/D, > 0.

    Returns
    -------
    ndarray of the shape of alpha_T
        1 for losses of y - t, the separability threshold for losses of the margin.
    """
    alpha_T = np.asarray(alpha_T, dtype=float)
    if not isinstance(problem.teacher, BinaryTeacher) or isinstance(problem.loss, DifferenceLoss):
        return np.ones(alpha_T.shape)
    flat = [_separability(problem, a) for a in alpha_T.ravel()]
    return np.array(flat).reshape(alpha_T.shape)


def _separability(problem: Problem, alpha_T: float) -> float:
    def excess(log_ratio: float) -> float:
        ratio = np.exp(log_ratio)
        return float(ratio - _critical_ratio(problem, _explained(problem, alpha_T * ratio)))

    # h lies in (0, 1/2] and falls with gamma, so the crossing is unique and below 1/2.
    return float(np.exp(optimize.brentq(excess, np.log(1e-9), np.log(0.5 + 1e-9), xtol=1e-13)))


def _explained(problem: Problem, c: float) -> float:
    """gamma^2, the share of the teacher's variance that the features span."""
    rho = problem.teacher.rho
    traces = problem.features.traces(
        np.array([c]), problem.activation.moments, rho, np.full(1, 1e-30), np.ones(1)
    )
    return min(float(traces.TR[0]) / rho, 1.0 - 1e-15)


def _critical_ratio(problem: Problem, explained: float) -> float:
    """h(gamma), minimised over t; the function is convex."""
    rho, teacher = problem.teacher.rho, problem.teacher
    assert isinstance(teacher, BinaryTeacher)
    labels, weight = teacher.representatives

    def cost(t: float) -> float:
        total = 0.0
        for y in labels:

            def integrand(
                _: NDArray[np.intp], __: NDArray[np.intp], u: Array, y: float = y
            ) -> Array:
                s = t * y * u
                gap = (1 + s * s) * special.ndtr(-s) - s * np.exp(-s * s / 2) / np.sqrt(2 * np.pi)
                mean = np.sqrt(rho * explained) * u
                z = teacher.partition(y, mean, np.full(u.shape, rho * (1 - explained)))
                density = np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
                return np.asarray((gap * z.value * density)[None])

            total += weight * float(integrate(integrand, _MESH, 1, judged=1).values[0, 0])
        return total

    found = optimize.minimize_scalar(cost, bracket=(0.0, 1.0), tol=1e-11)
    return float(found.fun)
