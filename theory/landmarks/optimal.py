"""``optimal_lam``: the ridge penalty of least test error, along whole curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.axes import Axes, Given, read_axes, read_axis
from twinpeaks.theory.equations.observables import OBSERVABLES
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.family import read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.landmarks.lines import Lines
from twinpeaks.theory.numerics.extremum import Maxima, maxima
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.solve import solve_on
from twinpeaks.theory.teachers.base import BinaryTeacher, Teacher

__all__ = ["optimal_lam"]

# The optimum is looked for in the first range, and in the next where a limit contradicts its end.
_RANGES = ((1e-8, 1e8), (1e-16, 1e12))
_INFINITE = 1e14  # what stands for lam = infinity: the direction of w has settled to rounding
_DENSITY = 8  # points of the first grid per factor e
_TIE = 1e-12  # relative differences below are rounding
_ACCURACY = 1e-9  # of the optimum in ln lam, in units of the width of its window
_SHALLOW = 1e-6  # relative error of lam beyond which rounding has hidden the optimum
#: Variables that depend on the direction of the weights alone, and have a limit lam -> infinity.
_DIRECTION = ("test_error", "test_error_mean", "train_error", "bmd", "bmd_mean")
# What vanishes with the weights, and what the prior sends to infinity.
_STUDENT = ("q_d", "q_0", "p_d", "p_0", "r", "Q_d", "Q_0", "m", "V")
_PRIOR = {"free_energy": np.inf, "free_entropy": -np.inf, "entropy": -np.inf}


def optimal_lam(
    problem: Problem,
    *,
    overparam: Given,
    alpha_T: Given,
    beta: Given = np.inf,
    vary: Mapping[str, Given] | None = None,
    variable: str = "test_error",
) -> xr.Dataset:
    """Minimise a variable over the ridge penalty, and report the model there.

    Parameters
    ----------
    problem : Problem
        Activation, teacher, loss and feature law.
    overparam, alpha_T, beta, vary
        As in ``solve``.
    variable : str
        What to minimise: a variable of ``solve`` that has limits lam -> 0 and lam -> infinity.

    Returns
    -------
    xarray.Dataset
        ``lam``, the optimum, and every variable of ``solve`` there, so that the result draws like a
        curve; ``lam_error`` and ``value_error``, estimates of the errors of lam and of the
        minimised variable (of the order of 1e-10 of lam, more on very shallow minima), and
        ``curvature``, the second derivative
        in ln lam. An optimum at a limit is ``lam`` = 0, with the values of ``solve(lam=0)``, or
        ``lam`` = inf, where the weights vanish and keep their direction; the errors and the
        curvature have no meaning there and are NaN. At finite beta there is no lam = 0: an optimum below 1e-8
        is reported as 0 with NaN values.

    Raises
    ------
    ValueError
        For axes or a problem that ``solve`` refuses, for an unknown variable, for the test error of
        labels that tell nothing of the teacher (as ``InvalidProblem``), and where a minimum is
        so shallow that lam is not known to 1e-6.
    SolveError
        When the limit lam -> infinity did not converge.

    Notes
    -----
    The global minimum is taken between the two limits and the deepest interior minimum that a grid
    of 8 points per factor e shows for lam in [1e-8, 1e8].

    Examples
    --------
    >>> from twinpeaks import theory
    >>> best = theory.optimal_lam(theory.Problem(), overparam=[0.2, 1.0, 5.0], alpha_T=3.0)
    >>> best.lam.round(6).values
    array([0.14613 , 0.130921, 0.16785 ])
    >>> best.test_error.round(6).values
    array([0.296908, 0.173895, 0.154073])
    """
    if variable not in _DIRECTION:
        raise ValueError(
            f"variable = {variable!r}: give one that has limits lam -> 0 and lam -> infinity, one "
            f"of {', '.join(_DIRECTION)}"
        )
    family = read_family(problem, vary)
    given = {"overparam": overparam, "alpha_T": alpha_T, "beta": beta}
    read = [read_axis(name, value) for name, value in given.items()]
    axes = read_axes(*family.axes, *read, reserved=("lam",))
    if variable.startswith("test_error"):
        for member, _ in family.blocks(axes):
            _refuse_silent(member.teacher, variable)
    infinite = solve_on(family, Axes((*axes, read_axis("lam", _INFINITE))))
    frozen = Axes((*axes.without("beta"), read_axis("beta", np.inf), read_axis("lam", 0.0)))
    zero = solve_on(family, frozen, throw=False).drop_vars("beta")
    cold = np.isinf(infinite.beta)
    warm = (
        ~cold.broadcast_like(infinite[variable]).transpose(*infinite[variable].dims).values.ravel()
    )
    limits: dict[float, dict[str, Array]] = {0.0: {}, np.inf: {}}
    for name in OBSERVABLES:
        like = infinite[name]
        at_zero = zero[name].broadcast_like(like).transpose(*like.dims).where(cold)
        limits[0.0][name] = at_zero.values.ravel()
        limits[np.inf][name] = _at_infinity(name, like.values.ravel(), warm)
    extra = ("lam", "lam_error", "value_error", "curvature")
    found = {name: np.full(axes.size, np.nan) for name in (*extra, *OBSERVABLES)}
    for member, parts in family.blocks(axes):
        index = axes.index(parts)
        rows = {a.name: axes.flat(a.name)[index] for a in read}
        ends = {at: values[variable][index] for at, values in limits.items()}
        lines = Lines(member, "lam", rows, throw=False)
        for name, value in _minimise(lines, variable, ends).items():
            found[name][index] = value
    for at, values in limits.items():
        here = found["lam"] == at
        for name in OBSERVABLES:
            found[name][here] = values[name][here]
    return labelled("optimum", family.text, axes, found, minimised=variable)


def _refuse_silent(teacher: Teacher, variable: str) -> None:
    """Of labels -1 and +1 that are as good as random every student misses half."""
    if isinstance(teacher, BinaryTeacher) and teacher.silent:
        raise InvalidProblem(
            f"teacher = {teacher!r}: its labels tell nothing of nu, so that {variable} is 1/2 at every "
            "lam and none is best; minimise another variable, or give labels that rise with nu"
        )


def _at_infinity(name: str, far: Array, warm: Bools) -> Array:
    """Limit lam -> infinity from the values at one that is large: no student is left, w = 0.

    At finite beta the prior's normalisation is, whose logarithm is -(1/2) ln lam per weight.
    """
    if name in _STUDENT:
        return np.zeros(far.shape)
    if name in _PRIOR:
        return np.where(warm, _PRIOR[name], far)
    return far


def _minimise(lines: Lines, variable: str, limits: dict[float, Array]) -> dict[str, Array]:
    """Optimal lam of each row, with every variable where it is interior.

    Raises
    ------
    ValueError
        If the optimum is neither at a limit nor inside the widest range, or too shallow.
    """
    count = limits[0.0].size
    left = np.arange(count)
    names = ("lam", "lam_error", "value_error", "curvature", *OBSERVABLES)
    found = {name: np.full(count, np.nan) for name in names}

    def rise(row: Index, x: Array) -> Array:
        return -lines(left[row], x)[variable]

    for low, high in _RANGES:
        steps = int(_DENSITY * np.log(high / low)) + 1
        grid = np.linspace(np.log(low), np.log(high), steps)
        top = maxima(rise, np.tile(grid, (left.size, 1)), _ACCURACY)
        inside = np.where(np.isfinite(top.height), -top.height, np.inf)
        # without a limit to compare with, what the end of the range shows has to do
        zero = np.where(np.isfinite(limits[0.0][left]), limits[0.0][left], -top.first)
        infinity = limits[np.inf][left]
        outside = np.minimum(zero, infinity)
        tie = _TIE * np.maximum(np.abs(zero), np.abs(infinity))
        interior = inside < outside - tie
        wider = -top.largest < np.minimum(inside, outside) - tie
        found["lam"][left] = np.where(zero <= infinity, 0.0, np.inf)
        at = np.flatnonzero(interior & ~wider)
        _write(found, left[at], lines, top, at)
        left = left[wider]
        if not left.size:
            break
    poor = left if left.size else np.flatnonzero(found["lam_error"] > _SHALLOW * found["lam"])
    if poor.size:
        row = ", ".join(f"{name} = {a[poor[0]]:g}" for name, a in lines.fixed.items())
        why = (
            f"outside [{low:g}, {high:g}] but not at a limit"
            if left.size
            else f"too shallow: lam = {found['lam'][poor[0]]:.6g} +- {found['lam_error'][poor[0]]:.1g}"
        )
        raise ValueError(f"the optimal lam at {row} is {why}; leave the point out")
    return found


def _write(found: dict[str, Array], where: Index, lines: Lines, top: Maxima, at: Index) -> None:
    """Store interior optima ``at`` and the model there in the rows ``where``."""
    if not at.size:
        return
    found["lam"][where] = np.exp(top.location[at])
    found["lam_error"][where] = np.exp(top.location[at]) * top.location_error[at]
    found["value_error"][where] = top.height_error[at]
    found["curvature"][where] = -top.curvature[at]
    for name, value in lines(where, top.location[at, None]).items():
        found[name][where] = value[:, 0]
