"""The limit lam -> 0 of empirical risk as a problem of its own.

Below the interpolation threshold the equations hold at lam = 0 as they stand. Above it V diverges as
1/lam while lam V stays finite; in that variable the loss has become a constraint (t = y, or y t >= 1)
and the penalty |w|^2 / 2 is the whole energy, which is the same equations with lam = 1. A loss without a
finite minimiser on separable data (Logistic, Exponential) ends in the direction of maximum margin
(Soudry et al., arXiv 1710.10345), and only functions of that direction have a limit.
"""

from __future__ import annotations

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.observables import OBSERVABLES, observables
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.saddle_point import (
    Equations,
    Solution,
    Tolerances,
    follow,
    newton,
    relax,
)
from twinpeaks.theory.equations.thresholds import excess_at
from twinpeaks.theory.errors import Status
from twinpeaks.theory.losses.constraints import constraint
from twinpeaks.theory.losses.square import Square
from twinpeaks.theory.losses.squared_hinge import SquaredHinge
from twinpeaks.theory.problem import Problem

__all__ = ["solve_ridgeless"]

_SMALL = 1e-6  # ridge penalty whose solution starts the limit
_NEGLIGIBLE = 1e-30
_AT_THRESHOLD = 1e-9
_FAR = 1e4  # the margin at which a loss that falls for ever has fallen


def solve_ridgeless(
    problem: Problem, points: Points, tol: Tolerances
) -> tuple[Solution, dict[str, Array]]:
    """Solve points of lam = 0 and temperature 0.

    Returns
    -------
    Solution
        Points on the threshold, and interpolating points of a loss that names no constraint, have
        status NO_LIMIT.
    values : dict of ndarray
        Every variable of ``OBSERVABLES``.
    """
    n = points.lam.size
    out = Solution.blank(n)
    out.status[:] = Status.NO_LIMIT
    values = {name: np.full(n, np.nan) for name in OBSERVABLES}
    excess = excess_at(problem, points.overparam, points.alpha_T)
    below = np.flatnonzero(excess < -_AT_THRESHOLD)
    above = np.flatnonzero(excess > _AT_THRESHOLD)
    if below.size:
        part = points.take(below)
        start = _near(problem, part, _SMALL, tol)
        if problem.activation.moments.kappa_star == 0:
            # directions that linear features do not reach carry nothing, but need a resolvent
            part = part._replace(lam=np.full(below.size, _NEGLIGIBLE))
        _solve(problem, part, start.u, tol, below, out, values)
    limit = constraint(problem.loss)
    if above.size and limit is not None:
        asked, scale = limit
        # every loss that asks the same ends at the same weights: start from one that is smooth
        smooth = Square() if asked.quadratic is not None else SquaredHinge()
        start = _near(problem.replace(loss=smooth), points.take(above), _SMALL, tol)
        guess = start.u + np.array([np.log(_SMALL), 0.0, 0.0])
        part = points.take(above)
        part = part._replace(lam=np.ones(above.size))
        _solve(problem.replace(loss=asked), part, guess, tol, above, out, values)
        _interpolate(problem, part, scale, above, values)
    return out, values


def _near(problem: Problem, points: Points, lam: float, tol: Tolerances) -> Solution:
    """Solutions at a small ridge penalty."""
    part = points._replace(lam=np.full(points.lam.size, lam))
    equations = Equations(problem, channel_for(problem, tol.quadrature), part)
    found = newton(equations, equations.weak_student(), tol)
    left = np.flatnonzero(~found.converged)
    if left.size:
        found.put(left, follow(equations.take(left), tol))
    return found


def _solve(
    problem: Problem,
    points: Points,
    start: Array,
    tol: Tolerances,
    index: Index,
    out: Solution,
    values: dict[str, Array],
) -> None:
    """Newton from the neighbouring solution, and what it means, written at ``index``."""
    equations = Equations(problem, channel_for(problem, tol.quadrature), points)
    found = newton(equations, start, tol)
    lost = np.flatnonzero(~found.converged)
    if lost.size:
        part = equations.take(lost)
        found.put(lost, relax(part, start[lost], tol))
    good = np.flatnonzero(found.converged)
    if good.size:
        seen, accurate = observables(equations.take(good), found.u[good])
        found.status[good[~accurate]] = Status.QUADRATURE_INACCURATE
        for name, array in seen.items():
            values[name][index[good[accurate]]] = array[accurate]
    out.put(index, found)


def _interpolate(
    problem: Problem,
    points: Points,
    scale: float,
    index: Index,
    values: dict[str, Array],
) -> None:
    """Translate the constrained problem back: the least loss is left, and V counts in 1/lam."""
    solved = index[np.isfinite(values["q_d"][index])]
    y = 1.0 if problem.loss.of == "margin" else 0.0
    rest = np.array([min(scale, _FAR) * y])
    values["train_loss"][solved] = least = problem.loss.value(y, rest)[0]
    for name in ("energy", "free_energy"):
        values[name][solved] = least * points.alpha[np.isfinite(values["q_d"][index])]
    values["free_entropy"][solved] = np.inf if least < 0 else -np.inf
    values["V"][solved] = np.inf
    for names, power in ((("q_d", "q_0", "p_d", "p_0", "Q_d", "Q_0"), 2), (("r", "m"), 1)):
        for name in names:
            grown = values[name][solved]
            grown[grown > 0] *= scale**power  # an overlap of 0 stays
            values[name][solved] = grown
