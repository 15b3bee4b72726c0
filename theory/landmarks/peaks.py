"""``peak``: where a variable is largest along an axis, and how large."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twinpeaks.theory.equations.observables import DESCRIPTIONS
from twinpeaks.theory.equations.thresholds import interpolation_threshold
from twinpeaks.theory.landmarks.lines import Lines, alike, flat
from twinpeaks.theory.numerics.extremum import Maxima, maxima
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.solve import AXES, solve

__all__ = ["peak"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]

#: Where to look along each axis when nothing is said.
RANGES = {
    "overparam": (0.01, 100.0),
    "alpha_T": (0.01, 100.0),
    "lam": (1e-6, 100.0),
    "beta": (0.1, 1e3),
}
#: A location or height of larger relative error does not count as found.
ACCURACY = 1e-8
_DENSITY = 8  # points of the first grid per factor e
# A peak next to the threshold may be narrower than the grid, and lower than the slope it sits on.
_NEAR = np.concatenate([s * np.geomspace(1e-7, 0.3, 16) for s in (-1.0, 1.0)])

# name: (long name, definition)
_FOUND = {
    "location": ("location of the maximum", "value of the axis"),
    "height": ("height of the maximum", "value of the variable there"),
    "curvature": ("curvature of the maximum", "d^2 height / d ln(location)^2"),
    "location_error": ("error estimate of the location", "absolute"),
    "height_error": ("error estimate of the height", "absolute"),
    "count": ("interior maxima", "as many as the first grid resolves; the highest is reported"),
}


def peak(
    problem: Problem,
    variable: str,
    *,
    along: str = "overparam",
    between: tuple[float, float] | None = None,
    overparam: ArrayLike | None = None,
    alpha_T: ArrayLike | None = None,
    lam: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    throw: bool = True,
) -> xr.Dataset:
    """Locate the highest interior maximum of a variable along one axis.

    The maximum is the zero of the derivative of a Chebyshev interpolant through solved values, on
    a window that shrinks until the interpolant is exact to rounding; a peak as narrow as that at
    lam = 1e-12 is found to the same accuracy.

    Parameters
    ----------
    problem : Problem
        Activation, teacher, loss and feature law.
    variable : str
        Any variable of ``solve``: "bmd", "test_error", ...
    along : str
        The axis: overparam, alpha_T, lam or beta.
    between : (float, float), optional
        Ends of the range, positive and finite. By default overparam and alpha_T are searched in
        [0.01, 100], lam in [1e-6, 100] and beta in [0.1, 1000].
    overparam, alpha_T, lam, beta : float or 1-d array_like
        The other axes, as in ``solve``; lam must be positive. Arrays become dimensions.
    throw : bool
        Raise if a maximum is not found. With False it is NaN and its ``count`` 0.

    Returns
    -------
    xarray.Dataset
        ``location``, ``height``, ``curvature`` (second derivative in the logarithm of the axis),
        ``location_error`` and ``height_error`` (estimates, at most 1e-8 of their values), and
        ``count``, the number of interior maxima that the first grid shows: 8 points per factor e
        and, along overparam, more about the interpolation threshold.

    Raises
    ------
    ValueError
        For axes that are missing or not as ``solve`` wants them, for a variable that has no finite
        value on the line, and where there is no interior maximum; the message says which end wins.
    SolveError
        When a point of the line did not converge.

    Notes
    -----
    At lam = 0 the peaks of overparam sit on the interpolation threshold, where there is no limit; a
    small lam shows how they get there.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> top = theory.peak(theory.Problem(), "bmd", alpha_T=3.0, lam=1e-4)
    >>> round(float(top.location), 6), round(float(top.height), 6)
    (0.997294, 2.437937)
    """
    given = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "beta": beta}
    low, high = _range(along, between)
    fixed = _fixed(along, given)
    if variable not in DESCRIPTIONS:
        raise ValueError(f"variable = {variable!r}: give one of {', '.join(DESCRIPTIONS)}")
    axes: dict[str, Any] = {**fixed, along: [low, high]}
    ends = solve(problem, **axes)
    shape = ends[variable].isel({along: 0}, drop=True)
    rows = flat(along, fixed)
    if not np.all(np.isfinite(ends[variable])):
        raise ValueError(
            f"variable = {variable!r} has no finite value at the ends of {along} = [{low:g}, "
            f"{high:g}]; choose another variable"
        )
    found = {name: np.full(shape.size, np.nan) for name in _FOUND}
    for group in alike(rows):
        part = {name: a[group] for name, a in rows.items()}
        lines = Lines(problem, along, part)

        def value(row: Index, x: Array, lines: Lines = lines) -> Array:
            return lines(row, x)[variable]

        _write(found, group, maxima(value, _grid(problem, along, low, high, part), 0.1 * ACCURACY))
    missing = np.flatnonzero(~np.isfinite(found["location"]))
    found["count"][missing] = 0
    if throw and missing.size:
        at = ", ".join(f"{name} = {a[missing[0]]:g}" for name, a in rows.items())
        first, last = ends[variable].transpose(along, ...).values.reshape(2, -1)[:, missing[0]]
        side, where, size = ("high", high, last) if last > first else ("low", low, first)
        raise ValueError(
            f"{variable} has no interior maximum that can be resolved for {along} in [{low:g}, "
            f"{high:g}] at {at}: it is largest at the {side} end, {size:.6g} at {along} = "
            f"{where:g}. Choose other values, or throw=False to get NaN there."
        )
    return _dataset(problem, variable, along, shape, found)


def _range(along: str, between: tuple[float, float] | None) -> tuple[float, float]:
    if along not in AXES:
        raise ValueError(f"along = {along!r}: give one of {', '.join(AXES)}")
    if between is None:
        return RANGES[along]
    try:
        low, high = (float(v) for v in between)
    except (TypeError, ValueError):
        raise ValueError(f"between = {between!r}: give two numbers, (low, high)") from None
    if not 0 < low < high < np.inf:
        raise ValueError(f"between = ({low:g}, {high:g}): give 0 < low < high, finite")
    return low, high


def _fixed(along: str, given: dict[str, ArrayLike | None]) -> dict[str, ArrayLike]:
    if given[along] is not None:
        raise ValueError(
            f"{along} = {given[along]!r} is the axis along which to look; "
            "say where with between=(low, high)"
        )
    if along != "beta" and given["beta"] is None:
        given = {**given, "beta": np.inf}
    fixed = {name: value for name, value in given.items() if name != along and value is not None}
    missing = [name for name in AXES if name != along and name not in fixed]
    if missing:
        raise ValueError(f"{missing[0]} is missing: give a number or an array")
    if "lam" in fixed and np.any(np.asarray(fixed["lam"]) == 0):
        raise ValueError(
            "lam = 0: there the peaks sit on the interpolation threshold, which has no limit; give "
            "small values of lam and see where they go"
        )
    return fixed


def _grid(problem: Problem, along: str, low: float, high: float, rows: dict[str, Array]) -> Array:
    """First grid of every row, increasing in the logarithm of the axis."""
    start, stop = np.log(low), np.log(high)
    base = np.linspace(start, stop, max(17, int(_DENSITY * (stop - start)) + 1))
    count = len(rows["alpha_T"]) if along != "alpha_T" else len(rows["lam"])
    if along != "overparam":
        return np.tile(base, (count, 1))
    unique, inverse = np.unique(rows["alpha_T"], return_inverse=True)
    threshold = np.log(interpolation_threshold(problem, unique))[inverse]
    near = threshold[:, None] + _NEAR
    # all rows have equally many points: those that fall outside go between the others
    spare = start + (stop - start) * (np.arange(_NEAR.size) + 0.5) / (_NEAR.size + np.sqrt(2))
    near = np.where((near > start) & (near < stop), near, spare)
    return np.sort(np.concatenate([np.tile(base, (count, 1)), near], axis=1), axis=1)


def _write(found: dict[str, Array], group: Index, top: Maxima) -> None:
    """From logarithms to values of the axis; NaN where the estimates miss the accuracy."""
    location = np.exp(top.location)
    good = (top.location_error <= ACCURACY) & (top.height_error <= ACCURACY * np.abs(top.height))
    values = {
        "location": location,
        "height": top.height,
        "curvature": top.curvature,
        "location_error": location * top.location_error,
        "height_error": top.height_error,
    }
    for name, value in values.items():
        found[name][group] = np.where(good, value, np.nan)
    found["count"][group] = top.count


def _dataset(
    problem: Problem, variable: str, along: str, shape: xr.DataArray, found: dict[str, Array]
) -> xr.Dataset:
    data = {}
    for name, (long_name, definition) in _FOUND.items():
        attrs = {"long_name": long_name, "units": "1", "definition": definition}
        array = found[name].reshape(shape.shape)
        data[name] = (shape.dims, array.astype(int) if name == "count" else array, attrs)
    attrs = {"problem": repr(problem), "variable": variable, "along": along, "kind": "peak"}
    return xr.Dataset(data, shape.coords, {**attrs, "version": version("twinpeaks")})
