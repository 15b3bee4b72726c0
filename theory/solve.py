"""``solve``: axes in, labelled Dataset out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.grid import solve_grid
from twinpeaks.theory.equations.observables import DESCRIPTIONS, observables
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.ridgeless import solve_ridgeless
from twinpeaks.theory.equations.saddle_point import Equations, Solution, Tolerances
from twinpeaks.theory.errors import InvalidProblem, SolveError, Status, UnstableWarning
from twinpeaks.theory.problem import Problem, require

__all__ = ["AXES", "read_axis", "solve"]

_ROUNDING = 1e-9  # of a replicon that is 1 minus a product of averages

Array = NDArray[np.float64]

# name: (long name, definition)
AXES: dict[str, tuple[str, str]] = {
    "overparam": ("overparameterisation", "N / P, weights per training pattern"),
    "alpha_T": ("training patterns per input dimension", "P / D"),
    "lam": ("ridge penalty", "factor of |w|^2 / 2 beside the summed loss"),
    "beta": ("inverse temperature", "of the Boltzmann measure; inf is empirical risk"),
}


def read_axis(name: str, value: ArrayLike, *, zero: bool = False, infinite: bool = False) -> Array:
    """A number or 1-d array of positive numbers, as a float64 array of dimension 0 or 1.

    Parameters
    ----------
    name : str
        For the error message.
    value : array_like
        What the user gave.
    zero, infinite : bool
        Whether the limits 0 and infinity are admitted.

    Raises
    ------
    ValueError
        Names the axis, the offending value and the remedy.
    """
    try:
        # numpy would read True as 1 and "3" as 3
        listed = value if isinstance(value, list | tuple) else ()
        if np.asarray(value).dtype.kind in "bSU" or any(isinstance(v, bool) for v in listed):
            raise TypeError
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {value!r}: give a number or a 1-d array of numbers") from None
    if array.ndim > 1:
        raise ValueError(f"{name} has shape {array.shape}: give a number or a 1-d array")
    if array.size == 0:
        raise ValueError(f"{name} is empty: give at least one value")
    good = (array > 0) & np.isfinite(array)
    good |= (zero & (array == 0)) | (infinite & (array == np.inf))
    if not np.all(good):
        allowed = f"{'>= 0' if zero else '> 0'}{'' if infinite else ' and finite'}"
        raise ValueError(f"{name} = {array[~good].flat[0]:g}: every value must be {allowed}")
    if np.unique(array).size != array.size:
        repeated = np.sort(array)[:-1][np.diff(np.sort(array)) == 0][0]
        raise ValueError(f"{name} = {repeated:g} appears twice: give distinct values")
    return array


def solve(
    problem: Problem,
    *,
    overparam: ArrayLike,
    alpha_T: ArrayLike,
    lam: ArrayLike,
    beta: ArrayLike = np.inf,
    throw: bool = True,
    tolerances: Tolerances | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Solve the saddle-point equations on the outer product of the axes.

    Parameters
    ----------
    problem : Problem
        Activation, teacher, loss and feature law.
    overparam, alpha_T, lam, beta : float or 1-d array_like
        N/P, P/D, the ridge penalty and the inverse temperature, all > 0. Arrays become dimensions
        of the result in this order, numbers become scalar coordinates. Three limits are values
        like any other: ``overparam=inf`` (the kernel), ``beta=inf`` (empirical risk) and
        ``lam=0`` at beta = inf (least squares below the interpolation threshold; above it the
        minimum-norm interpolator, or the maximum-margin classifier for losses of the margin).
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
        For an axis that is not positive, distinct and at most 1-d, for a measure that does not
        exist (lam = 0 with finite beta, ZeroOne with beta = inf), and as ``InvalidProblem`` for a
        teacher whose labels do not rise with its field.
    SolveError
        When a point did not converge and ``throw`` is True; carries the Solution.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> curve = theory.solve(theory.Problem(), overparam=[0.5, 1, 2], alpha_T=3.0, lam=1e-4)
    >>> curve.test_error.round(4).values
    array([0.248 , 0.3806, 0.2428])
    """
    require(problem)
    tol = tolerances or Tolerances()
    axes = {
        "overparam": read_axis("overparam", overparam, infinite=True),
        "alpha_T": read_axis("alpha_T", alpha_T),
        "lam": read_axis("lam", lam, zero=True),
        "beta": read_axis("beta", beta, infinite=True),
    }
    _check_measure(problem, axes["lam"], axes["beta"])
    shape = tuple(a.size for a in axes.values())
    number = np.arange(int(np.prod(shape))).reshape(shape)
    points = _points(axes)
    solution = Solution.blank(number.size)
    values = {name: np.full(number.size, np.nan) for name in DESCRIPTIONS}
    done = 0
    for block in _blocks(axes):
        index = number[np.ix_(*block)].ravel()
        part = points.take(index)

        def report(inside: int, _: int, done: int = done) -> None:
            if progress is not None:
                progress(done + inside, number.size)

        if part.lam[0] == 0:
            found, seen = solve_ridgeless(problem, part, tol)
        else:
            equations = Equations(problem, channel_for(problem, tol.quadrature), part)
            found = solve_grid(equations, _coordinates(axes, block), tol, report)
            seen = _observe(equations, found)
        solution.put(index, found)
        for name, array in seen.items():
            values[name][index] = array
        done += index.size
        if progress is not None and part.lam[0] == 0:
            progress(done, number.size)
    broken = values["replicon"] < -_ROUNDING
    if np.any(broken):
        warnings.warn(_caution(points, broken), UnstableWarning, stacklevel=2)
    stable = {"stable": solution.converged & ~broken}
    result = _dataset(problem, axes, {**values, **stable, **_record(solution)})
    if throw and not np.all(solution.converged):
        raise SolveError(_complaint(points, solution), solution)
    return result


def _check_measure(problem: Problem, lam: Array, beta: Array) -> None:
    """Refuse measures that do not exist, and teachers of which features carry nothing."""
    teacher = problem.teacher
    if not teacher.correlation * teacher.rho**0.5 > 1e-12:
        raise InvalidProblem(
            f"teacher = {teacher!r}: E[y nu] = {teacher.correlation * teacher.rho:.3g}, so there is "
            "nothing linear to learn; give labels that rise with nu"
        )
    if not problem.loss.convex and np.any(np.isinf(beta)):
        raise ValueError(
            f"beta = inf with loss = {problem.loss!r}: its minimisers are not described by a "
            "replica-symmetric saddle point; give a finite beta"
        )
    if np.any(lam == 0) and np.any(np.isfinite(beta)):
        raise ValueError(
            "lam = 0 with a finite beta: the prior cannot be normalised; give lam > 0 or beta = inf"
        )


def _points(axes: dict[str, Array]) -> Points:
    """The outer product of the axes, flat in C order."""
    mesh = np.meshgrid(*(np.atleast_1d(a) for a in axes.values()), indexing="ij")
    overparam, alpha_T, lam, beta = (np.ascontiguousarray(a).ravel() for a in mesh)
    return Points(overparam, alpha_T, lam, 1.0 / beta)


def _blocks(axes: dict[str, Array]) -> Iterator[tuple[NDArray[np.intp], ...]]:
    """Index arrays, each axis sorted, of the parts that share one form of the equations.

    The limits overparam = inf and lam = 0 have equations of their own.
    """
    overparam, alpha_T, lam, beta = (np.atleast_1d(a) for a in axes.values())
    order = [np.argsort(a) for a in (overparam, alpha_T, lam, beta)]
    for wide in (np.isfinite(overparam), np.isinf(overparam)):
        for ridge in (lam > 0, lam == 0):
            first, third = order[0][wide[order[0]]], order[2][ridge[order[2]]]
            if first.size and third.size:
                yield first, order[1], third, order[3]


def _coordinates(
    axes: dict[str, Array], block: tuple[NDArray[np.intp], ...]
) -> list[NDArray[np.float64]]:
    """Increasing coordinates in which the solution is smooth: logarithms, of 1/beta + const."""
    overparam, alpha_T, lam, beta = (
        np.atleast_1d(a)[i] for a, i in zip(axes.values(), block, strict=True)
    )
    T = 1.0 / beta
    floor = 0.3 * np.min(T[T > 0], initial=1.0)
    width = np.zeros(1) if np.isinf(overparam[0]) else np.log(overparam)
    return [width, np.log(alpha_T), np.log(lam), -np.log(T + floor)]


def _observe(equations: Equations, solution: Solution) -> dict[str, Array]:
    """Observables where converged, NaN elsewhere."""
    values = {name: np.full(len(solution.u), np.nan) for name in DESCRIPTIONS}
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


def _place(points: Points, index: int) -> str:
    *at, T = (float(a[index]) for a in points)
    values = [*at, 1.0 / T if T > 0 else np.inf]
    return ", ".join(f"{k} = {v:.6g}" for k, v in zip(AXES, values, strict=True))


def _caution(points: Points, broken: NDArray[np.bool_]) -> str:
    first = int(np.flatnonzero(broken)[0])
    return (
        f"{np.count_nonzero(broken)} of {broken.size} points have a negative replicon eigenvalue, so "
        f"replica symmetry is broken there and the solution is not that of the model; the first is at "
        f"{_place(points, first)}. They are marked by stable = False."
    )


def _complaint(points: Points, solution: Solution) -> str:
    bad = np.flatnonzero(~solution.converged)
    status = Status(int(solution.status[bad[0]]))
    return (
        f"{bad.size} of {solution.status.size} points did not converge; the first is at "
        f"{_place(points, int(bad[0]))} "
        f"({status.label}, residual {solution.residual[bad[0]]:.2g}). {status.sentence} "
        "With throw=False the converged points are returned and the others are NaN."
    )


def _dataset(problem: Problem, axes: dict[str, Array], arrays: dict[str, Any]) -> xr.Dataset:
    dims = [name for name, a in axes.items() if a.ndim == 1]
    shape = tuple(a.size for a in axes.values())
    keep: Sequence[Any] = tuple(slice(None) if a.ndim == 1 else 0 for a in axes.values())
    record = {
        "stable": ("whether replica symmetry is stable", "1", "replicon > 0"),
        "status": ("how the iteration ended", "1", "0 is converged"),
        "residual": ("saddle-point residual", "relative", "max |u' - u| after one undamped sweep"),
        "step": ("Newton step at the solution", "relative", "max |J^-1 (u' - u)|"),
        "evaluations": ("evaluations of the equations", "count", "all attempts included"),
    }
    data = {}
    for name, (long_name, units, definition) in {**DESCRIPTIONS, **record}.items():
        attrs: dict[str, Any] = {
            "long_name": long_name,
            "units": units,
            "definition": definition,
        }
        if name == "status":
            attrs["flag_values"] = np.array([s.value for s in Status], dtype=np.int8)
            attrs["flag_meanings"] = " ".join(s.label for s in Status)
        data[name] = (dims, arrays[name].reshape(shape)[keep], attrs)
    coords = {
        name: (
            ([name] if a.ndim == 1 else []),
            a,
            {"long_name": AXES[name][0], "units": "1", "definition": AXES[name][1]},
        )
        for name, a in axes.items()
    }
    return xr.Dataset(
        data,
        coords,
        {"problem": repr(problem), "kind": "theory", "version": version("twinpeaks")},
    )
