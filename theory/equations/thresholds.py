"""The interpolation threshold: the N/P above which lam -> 0 leaves no training error.

Features of covariance Omega have N sigma independent directions, sigma = rank(Omega)/N. Square loss fits
P numbers with P of them, N sigma / P = 1. A loss of the margin needs separable data: with gamma^2 the
share of the teacher's variance that lies in the span of the features, Gaussian features in N sigma
dimensions and labels y separate P patterns exactly when

    N sigma / P > h(gamma) = min_t E[ (Z - t y U)_+^2 ],

U ~ N(0, 1) the teacher's projection, y its label, Z ~ N(0, 1) independent (Candes & Sur, arXiv
1804.09753). Here gamma^2 = <T Omega^{-1}> / rho grows with N/D, so the threshold is a fixed point. Nonlinear
features have sigma = 1; linear ones span the D inputs at most, and may never reach the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy import optimize, special

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Given, read_axes, read_axis
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.family import read_family, varied
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.numerics.quadrature import integrate, panels
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import BinaryTeacher

__all__ = ["excess_at", "interpolation_threshold", "threshold_at", "with_threshold"]

_ROUNDING = 1e-9  # of a count of dimensions
_ENDLESS = 1e9  # N/P at which linear features span all they ever will
_MESH = panels(np.linspace(-10.0, 10.0, 11)[None])


def interpolation_threshold(
    problem: Problem, alpha_T: Given, *, vary: Mapping[str, Given] | None = None
) -> xr.DataArray:
    """N/P at which the training error vanishes for lam -> 0.

    Parameters
    ----------
    problem : Problem
    alpha_T : float, 1-d array_like or 1-d DataArray
        P/D, > 0 and finite, as in ``solve``.
    vary : dict, optional
        Numbers of components as further axes, as in ``solve``.

    Returns
    -------
    xarray.DataArray
        1 for losses of y - t (and of a margin that is smallest at one point), the separability
        threshold for losses of the margin; inf where no
        number of features suffices, as for linear features of too many patterns.

    Raises
    ------
    ValueError
        For axes that ``solve`` refuses, and as ``InvalidProblem`` for a loss that is smallest on a
        bounded interval: what fits it is neither.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem(loss=theory.Hinge())
    >>> theory.interpolation_threshold(problem, [0.5, 3.0]).round(4).values
    array([0.3829, 0.2388])
    """
    family = read_family(problem, vary)
    axes = read_axes(*family.axes, read_axis("alpha_T", alpha_T))
    values = np.empty(axes.size)
    for member, parts in family.blocks(axes):
        index = axes.index(parts)
        values[index] = threshold_at(member, axes.flat("alpha_T")[index])
    return labelled("threshold", family.text, axes, {"threshold": values})["threshold"]


def with_threshold(problem: Problem, curve: xr.Dataset) -> xr.Dataset:
    """Add the variable ``threshold`` to a curve of the problem, where it has one."""
    vary = {path: curve[name] for name, path in varied(curve).items()}
    try:
        found = interpolation_threshold(problem, curve["alpha_T"], vary=vary)
    except InvalidProblem:
        return curve
    return curve.assign(threshold=found)


def threshold_at(problem: Problem, alpha_T: Array) -> Array:
    """The threshold of one problem at flat values of P/D."""
    return np.array([_threshold(problem, float(a)) for a in alpha_T])


def excess_at(problem: Problem, overparam: Array, alpha_T: Array) -> Array:
    """By which share points of one problem lie above the threshold: negative below, 0 on it.

    Features that span all the inputs gain nothing from more of their kind: linear ones then lie on the
    threshold at every N > D where D / P is what the labels need, for instance P = 2 D random labels
    (Cover, IEEE Trans. Electron. Comput. EC-14, 326, 1965). There it is the dimensions that count.
    """
    unique, inverse = np.unique(alpha_T, return_inverse=True)
    threshold = threshold_at(problem, unique)[inverse]
    with np.errstate(invalid="ignore"):  # inf / inf: not even the kernel interpolates
        excess = np.where(np.isinf(threshold), -1.0, overparam / threshold - 1.0)
    if problem.activation.moments.kappa_star == 0:
        for i in range(excess.size):
            ratio = min(float(overparam[i]), _ENDLESS)
            dimensions, needed = _count(problem, ratio, float(alpha_T[i]))
            if abs(dimensions - needed) < _ROUNDING * needed:
                excess[i] = 0.0
    return excess


def _equations(problem: Problem) -> bool:
    """Whether fitted patterns solve equations in t; else they are separated.

    Raises
    ------
    InvalidProblem
        For a loss that asks neither of them.
    """
    low, high = problem.loss.least or (np.nan, np.nan)
    if low == high and np.isfinite(low):
        return True
    if problem.loss.of == "margin" and high == np.inf:
        return False
    raise InvalidProblem(
        f"loss = {problem.loss!r} is not smallest at one point, nor beyond a margin, so that the "
        "interpolation threshold is not known; give lam > 0"
    )


def _threshold(problem: Problem, alpha_T: float) -> float:
    equations = _equations(problem)

    dimensions, needed = _count(problem, _ENDLESS, alpha_T)
    # a threshold that is only just reached is where it is reached first, whatever the rounding
    allowed = _ROUNDING if abs(dimensions - needed) < _ROUNDING else 0.0

    def excess(log_ratio: float) -> float:
        dimensions, needed = _count(problem, float(np.exp(log_ratio)), alpha_T)
        return dimensions - needed + allowed

    # as many dimensions as patterns fit anything; h lies in (0, 1/2] and falls with gamma
    low, high = (0.0, np.log(_ENDLESS)) if equations else (np.log(1e-9), np.log(0.5 + 1e-9))
    if equations and excess(low) > -1e-12:
        return 1.0
    if excess(high) < 0:
        high = np.log(_ENDLESS)
        if excess(high) < 0:
            return np.inf
    return float(np.exp(optimize.brentq(excess, low, high, xtol=1e-13)))


def _count(problem: Problem, ratio: float, alpha_T: float) -> tuple[float, float]:
    """Independent dimensions that N/P = ratio has for each pattern, and those that it needs."""
    share, explained = _span(problem, alpha_T * ratio)
    return ratio * share, 1.0 if _equations(problem) else _critical_ratio(problem, explained)


def _span(problem: Problem, c: float) -> tuple[float, float]:
    """rank(Omega)/N, and gamma^2, the share of the teacher's variance that the features span."""
    rho = problem.teacher.rho
    traces = problem.features.traces(
        np.array([c]), problem.activation.moments, rho, np.full(1, 1e-30), np.ones(1)
    )
    return float(traces.OmegaR[0]), min(float(traces.TR[0]) / rho, 1.0 - 1e-15)


def _critical_ratio(problem: Problem, explained: float) -> float:
    """h(gamma), minimised over t; the function is convex."""
    rho, teacher = problem.teacher.rho, problem.teacher
    assert isinstance(teacher, BinaryTeacher)
    labels, weight = teacher.representatives

    def cost(t: float) -> float:
        total = 0.0
        for y in labels:

            def integrand(_: Index, __: Index, u: Array, y: float = y) -> Array:
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
