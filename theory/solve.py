"""``solve``: axes in, labelled Dataset out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array, Bools
from twinpeaks.theory.axes import Axes, Given, check_flag, read_axes, read_axis
from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.grid import solve_grid
from twinpeaks.theory.equations.observables import OBSERVABLES, observables
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.ridgeless import solve_ridgeless
from twinpeaks.theory.equations.saddle_point import Equations, Solution, Tolerances
from twinpeaks.theory.errors import InvalidProblem, SolveError, Status, UnstableWarning
from twinpeaks.theory.family import Family, read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.problem import Problem

__all__ = ["solve", "solve_on"]

_SECONDS = 1.0  # a point at finite beta takes without a derivative, at least
_LONG = 30.0  # seconds that are worth a word
_ROUNDING = 1e-9  # of a replicon that is 1 minus a product of averages


def solve(
    problem: Problem,
    *,
    overparam: Given,
    alpha_T: Given,
    lam: Given,
    beta: Given = np.inf,
    vary: Mapping[str, Given] | None = None,
    throw: bool = True,
    tolerances: Tolerances | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Solve the saddle-point equations on a grid: the product of the axes, or along paths.

    Parameters
    ----------
    problem : Problem
        Activation, teacher, loss and feature law.
    overparam, alpha_T, lam, beta : float, 1-d array_like or 1-d DataArray
        N/P, P/D, the ridge penalty and the inverse temperature, all > 0. A number becomes a scalar
        coordinate of the result, an array a dimension. A ``DataArray`` lies on the dimension that it
        names: those that share one are taken point by point, a path. Three limits are values
        like any other: ``overparam=inf`` (the kernel), ``beta=inf`` (empirical risk) and
        ``lam=0`` at beta = inf (least squares below the interpolation threshold; above it the
        minimum-norm interpolator, or the maximum-margin classifier for losses of the margin).
    vary : dict, optional
        Numbers of components as further axes, by "component.field": ``{"teacher.flip": [0, 0.1]}``
        adds the dimension ``flip`` (``teacher_flip`` where that name is taken) in front.
        ``problem_at`` gives the problem of a point.
    throw : bool
        Raise ``SolveError`` if any point fails. With False, failed points are NaN and ``status``
        says why.
    tolerances : Tolerances, optional
        Residual 1e-11 and Newton step 2e-9 by default.
    progress : callable, optional
        Called with (points done, points in all).

    Returns
    -------
    xarray.Dataset
        Variables q_d q_0 p_d p_0 r Q_d Q_0 m V train_loss train_error test_error test_error_mean
        bmd bmd_mean energy free_energy free_entropy entropy replicon, each with its definition in
        ``attrs``; where lam = 0 lets the weights of a loss such as Logistic run to infinity, their
        overlaps are inf and errors and BMD are those of the limiting direction. Beside them
        ``stable`` (False where the replicon is negative: replica symmetry is broken, and
        ``UnstableWarning`` says so; convex losses never are, docs/derivations/stability.md),
        ``status`` (0 is converged), ``residual``, ``step`` (the Newton step at the solution: an
        estimate of the relative error) and ``evaluations``.

    Raises
    ------
    ValueError
        For an axis that is not positive, distinct and at most 1-d, for dimensions that clash, for a
        field that there is not, for a measure that does not exist (lam = 0 with finite beta, ZeroOne
        with beta = inf), and as ``InvalidProblem`` for a teacher whose labels fall with its
        field.
    SolveError
        When a point did not converge and ``throw`` is True; carries the Solution.

    Examples
    --------
    >>> import xarray as xr
    >>> from twinpeaks import theory
    >>> curve = theory.solve(theory.Problem(), overparam=[0.5, 1, 2], alpha_T=3.0, lam=1e-4)
    >>> curve.test_error.round(4).values
    array([0.248 , 0.3806, 0.2428])

    More patterns at fixed N/D = 3, and noise in the labels:

    >>> alpha_T = xr.DataArray([1.0, 3.0, 10.0], dims="samples")
    >>> noisy = theory.solve(
    ...     theory.Problem(teacher=theory.FlippedSign()), vary={"teacher.flip": [0.0, 0.2]},
    ...     overparam=3.0 / alpha_T, alpha_T=alpha_T, lam=1e-4,
    ... )
    >>> noisy.test_error.dims
    ('flip', 'samples')
    """
    family = read_family(problem, vary)
    given = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "beta": beta}
    axes = read_axes(*family.axes, *(read_axis(name, value) for name, value in given.items()))
    return solve_on(family, axes, throw=throw, tolerances=tolerances, progress=progress)


def solve_on(
    family: Family,
    axes: Axes,
    *,
    throw: bool = True,
    tolerances: Tolerances | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """``solve`` on axes that have been read: those of the family, and overparam to beta."""
    check_flag("throw", throw)
    tol = Tolerances() if tolerances is None else tolerances
    if not isinstance(tol, Tolerances):
        raise ValueError(f"tolerances = {tolerances!r}: give a theory.Tolerances or None")
    if not (progress is None or callable(progress)):
        raise ValueError(f"progress = {progress!r}: give a callable of (done, total) or None")
    blocks = list(family.blocks(axes))
    points = Points.of(axes)
    for member, parts in blocks:
        _check_measure(member, points.take(axes.index(parts)))
    _announce(family.problem, points)
    smooth = _smooth(axes)
    solution = Solution.blank(axes.size)
    values = {name: np.full(axes.size, np.nan) for name in OBSERVABLES}
    done = 0
    for member, parts in blocks:
        index = axes.index(parts)
        part = points.take(index)

        def report(inside: int, _: int, done: int = done) -> None:
            if progress is not None:
                progress(done + inside, axes.size)

        if part.lam[0] == 0:
            found, seen = solve_ridgeless(member, part, tol)
            report(index.size, index.size)
        else:
            equations = Equations(member, channel_for(member, tol.quadrature), part)
            found = solve_grid(equations, axes.coordinates(parts, smooth), tol, report)
            seen = _observe(equations, found)
        solution.put(index, found)
        for name, array in seen.items():
            values[name][index] = array
        done += index.size
    broken = values["replicon"] < -_ROUNDING
    if np.any(broken):
        warnings.warn(_caution(axes, broken), UnstableWarning, stacklevel=3)
    stable = {"stable": solution.converged & ~broken}
    arrays = {**values, **stable, **_record(solution)}
    result = labelled("theory", family.text, axes, arrays, Status)
    if throw and not np.all(solution.converged):
        raise SolveError(_complaint(axes, solution), solution)
    return result


def _check_measure(problem: Problem, points: Points) -> None:
    """Refuse measures that do not exist, and labels that fall with the teacher field."""
    teacher = problem.teacher
    if teacher.correlation < 0 and not teacher.silent:
        raise InvalidProblem(
            f"teacher = {teacher!r}: E[y nu] = {teacher.correlation * teacher.rho:.3g}, labels fall with "
            "nu; exchange them, or mirror the link"
        )
    if not problem.loss.convex and np.any(points.temperature == 0):
        raise ValueError(
            f"beta = inf with loss = {problem.loss!r}: its minimisers are not described by a "
            "replica-symmetric saddle point; give a finite beta"
        )
    if np.any((points.lam == 0) & (points.temperature > 0)):
        raise ValueError(
            "lam = 0 with a finite beta: the prior cannot be normalised; give lam > 0 or beta = inf"
        )


def _announce(problem: Problem, points: Points) -> None:
    """Say what will take minutes before it starts."""
    slow = np.count_nonzero((points.temperature > 0) & problem.loss.laborious)
    if slow * _SECONDS >= _LONG:
        warnings.warn(
            f"loss = {problem.loss!r} has no derivative, and {slow} points at finite beta will take about "
            f"{slow * _SECONDS:.0f} to {4 * slow * _SECONDS:.0f} s; give CustomLoss(..., derivative=), "
            "which is ten times as fast",
            UserWarning,
            stacklevel=4,
        )


def _smooth(axes: Axes) -> dict[str, Array]:
    """Numbers in which the solution is smooth, by axis: logarithms, of 1/beta + const."""
    T = 1.0 / axes["beta"].values
    floor = 0.3 * np.min(T[T > 0], initial=1.0)
    logs = {"beta": -np.log(T + floor)}
    for name in ("overparam", "alpha_T", "lam"):
        value = axes[name].values
        # the limits are blocks of their own, along which they are constant
        logs[name] = np.log(np.where(np.isfinite(value) & (value > 0), value, 1.0))
    return logs


def _observe(equations: Equations, solution: Solution) -> dict[str, Array]:
    """Observables where converged, NaN elsewhere."""
    values = {name: np.full(len(solution.u), np.nan) for name in OBSERVABLES}
    good = np.flatnonzero(solution.converged)
    if good.size:
        found, accurate = observables(equations.take(good), solution.u[good])
        solution.status[good[~accurate]] = Status.QUADRATURE_INACCURATE
        for name, array in found.items():
            values[name][good[accurate]] = array[accurate]
    return values


def _record(solution: Solution) -> dict[str, Any]:
    """How the iteration went."""
    return {
        "status": solution.status,
        "residual": solution.residual,
        "step": solution.step,
        "evaluations": solution.evaluations,
    }


def _caution(axes: Axes, broken: Bools) -> str:
    first = int(np.flatnonzero(broken)[0])
    return (
        f"{np.count_nonzero(broken)} of {broken.size} points have a negative replicon eigenvalue, so "
        f"replica symmetry is broken there and the solution is not that of the model; the first is at "
        f"{axes.place(first)}. They are marked by stable = False."
    )


def _complaint(axes: Axes, solution: Solution) -> str:
    bad = np.flatnonzero(~solution.converged)
    status = Status(int(solution.status[bad[0]]))
    return (
        f"{bad.size} of {solution.status.size} points did not converge; the first is at "
        f"{axes.place(int(bad[0]))} "
        f"({status.label}, residual {solution.residual[bad[0]]:.2g}). {status.sentence} "
        "With throw=False the converged points are returned and the others are NaN."
    )
