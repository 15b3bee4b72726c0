"""``optimal_lam``: the ridge penalty of least test error, along whole curves."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twinpeaks.theory.equations.observables import DESCRIPTIONS
from twinpeaks.theory.landmarks.lines import Lines, alike, flat
from twinpeaks.theory.numerics.extremum import Maxima, maxima
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.solve import solve

__all__ = ["optimal_lam"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]

# The optimum is looked for in the first range, and in the next where a limit contradicts its end.
_RANGES = ((1e-8, 1e8), (1e-16, 1e12))
_INFINITE = 1e14  # what stands for lam = infinity: the direction of w has settled to rounding
_DENSITY = 8  # points of the first grid per factor e
_TIE = 1e-12  # relative differences below are rounding
_ACCURACY = 1e-9  # of the optimum in ln lam, in units of the width of its window
_SHALLOW = 1e-6  # relative error of lam beyond which rounding has hidden the optimum
#: Variables that depend on the direction of the weights alone, and have a limit lam -> infinity.
_DIRECTION = ("test_error", "test_error_mean", "train_error", "bmd", "bmd_mean")


def optimal_lam(
    problem: Problem,
    *,
    overparam: ArrayLike,
    alpha_T: ArrayLike,
    beta: ArrayLike = np.inf,
    variable: str = "test_error",
) -> xr.Dataset:
    """Minimise a variable over the ridge penalty, and report the model there.

    Parameters
    ----------
    problem : Problem
        Activation, teacher, loss and feature law.
    overparam, alpha_T, beta : float or 1-d array_like
        As in ``solve``; arrays become dimensions. All their combinations are solved together.
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
        ``lam`` = inf, with the values that depend on the direction of the weights alone; the errors
        and the curvature are then NaN. At finite beta there is no lam = 0: an optimum below 1e-8
        is reported as 0 with NaN values.

    Raises
    ------
    ValueError
        For axes or a problem that ``solve`` refuses, for an unknown variable, and where a minimum is
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
    fixed: dict[str, Any] = {"overparam": overparam, "alpha_T": alpha_T, "beta": beta}
    # solve checks the axes and the problem, and gives the result its shape
    infinite = solve(problem, **fixed, lam=_INFINITE).drop_vars("lam")
    cold = np.isinf(infinite.beta)
    zero = solve(problem, overparam=overparam, alpha_T=alpha_T, lam=0.0, throw=False)
    limits = {
        0.0: {
            name: zero[name].broadcast_like(cold).where(cold).transpose(*infinite.test_error.dims)
            for name in DESCRIPTIONS
        },
        np.inf: {
            name: infinite[name] if name in _DIRECTION else infinite[name] * np.nan
            for name in DESCRIPTIONS
        },
    }
    rows = flat("lam", fixed)
    extra = ("lam", "lam_error", "value_error", "curvature")
    found = {name: np.full(len(rows["alpha_T"]), np.nan) for name in (*extra, *DESCRIPTIONS)}
    for group in alike(rows):
        part = {name: a[group] for name, a in rows.items()}
        ends = {at: v[variable].values.ravel()[group] for at, v in limits.items()}
        for name, value in _minimise(
            Lines(problem, "lam", part, throw=False), variable, ends
        ).items():
            found[name][group] = value
    for at, values in limits.items():
        here = found["lam"] == at
        for name in DESCRIPTIONS:
            found[name][here] = values[name].values.ravel()[here]
    return _dataset(infinite, problem, variable, found)


def _minimise(lines: Lines, variable: str, limits: dict[float, Array]) -> dict[str, Array]:
    """Optimal lam of each row, with every variable where it is interior.

    Raises
    ------
    ValueError
        If the optimum is neither at a limit nor inside the widest range, or too shallow.
    """
    count = limits[0.0].size
    left = np.arange(count)
    names = ("lam", "lam_error", "value_error", "curvature", *DESCRIPTIONS)
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


def _dataset(
    shape: xr.Dataset, problem: Problem, variable: str, found: dict[str, Array]
) -> xr.Dataset:
    described = {
        "lam": (
            "optimal ridge penalty",
            "1",
            f"the lam that minimises {variable}; 0 and inf: limits",
        ),
        "lam_error": ("error estimate of lam", "1", "absolute"),
        "value_error": (f"error estimate of {variable}", "1", "absolute"),
        "curvature": (f"curvature of {variable}", "1", f"d^2 {variable} / d (ln lam)^2"),
        **DESCRIPTIONS,
    }
    like = shape[variable]
    data = {}
    for name, (long_name, units, definition) in described.items():
        attrs = {"long_name": long_name, "units": units, "definition": definition}
        data[name] = (like.dims, found[name].reshape(like.shape), attrs)
    attrs = {"problem": repr(problem), "kind": "optimum", "minimised": variable}
    return xr.Dataset(data, shape.coords, {**attrs, "version": version("twinpeaks")})
