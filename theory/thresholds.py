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

from theory.problem import Problem
from theory.quadrature import integrate, panels

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
        1 for square loss, the separability threshold for losses of the margin.
    """
    alpha_T = np.asarray(alpha_T, dtype=float)
    if problem.loss.quadratic:
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
    moments, rho = problem.activation.moments, problem.teacher.rho
    tiny = np.array(1e-30)
    traces = problem.features.traces(
        np.array(c), moments.kappa_1, moments.kappa_star, rho, tiny, np.ones(())
    )
    return min(float(traces.TR) / rho, 1.0 - 1e-15)


def _critical_ratio(problem: Problem, explained: float) -> float:
    """h(gamma), minimised over t; the function is convex."""
    rho = problem.teacher.rho
    labels, weight = problem.teacher.representatives

    def cost(t: float) -> float:
        total = 0.0
        for y in labels:

            def integrand(owner: NDArray[np.intp], u: Array, y: float = y) -> Array:  # noqa: ARG001
                s = t * y * u
                gap = (1 + s * s) * special.ndtr(-s) - s * np.exp(-s * s / 2) / np.sqrt(2 * np.pi)
                mean = np.sqrt(rho * explained) * u
                z = problem.teacher.partition(y, mean, np.full(u.shape, rho * (1 - explained)))
                return (gap * z.value * np.exp(-u * u / 2) / np.sqrt(2 * np.pi))[None]

            total += weight * float(integrate(integrand, _MESH, 1, judged=1).values[0, 0])
        return total

    found = optimize.minimize_scalar(cost, bracket=(0.0, 1.0), tol=1e-11)
    return float(found.fun)
