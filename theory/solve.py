"""``solve``: axes in, labelled Dataset out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from theory.channel import channel_for
from theory.errors import InvalidProblem, SolveError, Status
from theory.grid import solve_grid
from theory.observables import DESCRIPTIONS, observables
from theory.problem import Problem
from theory.readout import Points
from theory.saddle_point import Equations, Solution, Tolerances

__all__ = ["AXES", "read_axis", "solve"]

Array = NDArray[np.float64]

# name: (long name, definition)
AXES: dict[str, tuple[str, str]] = {
    "overparam": ("overparameterisation", "N / P, weights per training pattern"),
    "alpha_T": ("training patterns per input dimension", "P / D"),
    "lam": ("ridge penalty", "factor of |w|^2 / 2 beside the summed loss"),
}


def read_axis(name: str, value: ArrayLike) -> Array:
    """A number or 1-d array of positive finite numbers, as a float64 array of dimension 0 or 1.

    Raises
    ------
    ValueError
        Names the axis, the offending value and the remedy.
    """
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {value!r}: give a number or a 1-d array of numbers") from None
    if array.ndim > 1:
        raise ValueError(f"{name} has shape {array.shape}: give a number or a 1-d array")
    if array.size == 0:
        raise ValueError(f"{name} is empty: give at least one value")
    bad = array[~(np.isfinite(array) & (array > 0))]
    if bad.size:
        raise ValueError(f"{name} = {bad.flat[0]:g}: every value must be finite and > 0")
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
    throw: bool = True,
    tolerances: Tolerances | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Solve the saddle-point equations on the outer product of the axes.

    Parameters
    ----------
    problem : Problem
        Activation, teacher, loss and feature law.
    overparam, alpha_T, lam : float or 1-d array_like
        N/P, P/D and the ridge penalty, all > 0. Arrays become dimensions of the result in this
        order, numbers become scalar coordinates.
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
        Variables q_d q_0 p_d p_0 r Q_d Q_0 m V train_loss train_error test_error bmd energy, each
        with its definition in ``attrs``; ``status`` (0 is converged), ``residual``, ``step`` (the
        Newton step at the solution: an estimate of the relative error) and ``evaluations``.

    Raises
    ------
    ValueError
        For an axis that is not positive, finite, distinct and at most 1-d.
    SolveError
        When a point did not converge and ``throw`` is True; carries the Solution.

    Examples
    --------
    >>> import theory
    >>> curve = theory.solve(theory.Problem(), overparam=[0.5, 1, 2], alpha_T=3.0, lam=1e-4)
    >>> curve.test_error.round(4).values
    array([0.248 , 0.3806, 0.2428])
    """
    if not isinstance(problem, Problem):
        raise InvalidProblem(f"problem = {problem!r}: give an instance of theory.Problem")
    tol = tolerances or Tolerances()
    axes = {
        "overparam": read_axis("overparam", overparam),
        "alpha_T": read_axis("alpha_T", alpha_T),
        "lam": read_axis("lam", lam),
    }
    order = [np.argsort(np.atleast_1d(a)) for a in axes.values()]
    sorted_axes = [np.atleast_1d(a)[o] for a, o in zip(axes.values(), order, strict=True)]
    mesh = np.meshgrid(*sorted_axes, indexing="ij")
    points = Points(*(np.ascontiguousarray(a).ravel() for a in mesh))
    equations = Equations(problem, channel_for(problem, tol.quadrature), points)
    solution = solve_grid(equations, [np.log(a) for a in sorted_axes], tol, progress)
    values = _observe(equations, solution)
    shape = mesh[0].shape
    back = np.ix_(*(np.argsort(o) for o in order))
    arrays = {k: v.reshape(shape)[back] for k, v in values.items()}
    result = _dataset(problem, axes, arrays)
    if throw and not np.all(solution.converged):
        raise SolveError(_complaint(points, solution), solution)
    return result


def _observe(equations: Equations, solution: Solution) -> dict[str, Array]:
    """Observables where converged, NaN elsewhere, and the record of the iteration."""
    n = len(solution.u)
    values = {name: np.full(n, np.nan) for name in DESCRIPTIONS}
    good = np.flatnonzero(solution.converged)
    if good.size:
        found, accurate = observables(equations.take(good), solution.u[good])
        solution.status[good[~accurate]] = Status.QUADRATURE_INACCURATE
        for name, array in found.items():
            values[name][good[accurate]] = array[accurate]
    return {
        **values,
        "status": solution.status,
        "residual": solution.residual,
        "step": solution.step,
        "evaluations": solution.evaluations,
    }


def _complaint(points: Points, solution: Solution) -> str:
    bad = np.flatnonzero(~solution.converged)
    status = Status(int(solution.status[bad[0]]))
    where = ", ".join(f"{k} = {v[bad[0]]:.6g}" for k, v in zip(AXES, points, strict=True))
    return (
        f"{bad.size} of {solution.status.size} points did not converge; the first is at {where} "
        f"({status.label}, residual {solution.residual[bad[0]]:.2g}). {status.sentence} "
        "With throw=False the converged points are returned and the others are NaN."
    )


def _dataset(problem: Problem, axes: dict[str, Array], arrays: dict[str, Any]) -> xr.Dataset:
    dims = [name for name, a in axes.items() if a.ndim == 1]
    keep: Sequence[Any] = tuple(slice(None) if a.ndim == 1 else 0 for a in axes.values())
    record = {
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
        data[name] = (dims, arrays[name][keep], attrs)
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
