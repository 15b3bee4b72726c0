"""``peak``: where a variable is largest along an axis, and how large."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Axes, Given, check_flag, read_axes, read_axis, read_range
from twinpeaks.theory.equations.observables import OBSERVABLES
from twinpeaks.theory.equations.thresholds import threshold_at
from twinpeaks.theory.family import Family, read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.landmarks.lines import Lines
from twinpeaks.theory.names import AXES
from twinpeaks.theory.numerics.extremum import Maxima, maxima
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.solve import solve_on

__all__ = ["ACCURACY", "first_grid", "fixed_axes", "peak", "search_range"]

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

_FOUND = ("location", "height", "curvature", "location_error", "height_error", "count")


def peak(
    problem: Problem,
    variable: str,
    *,
    along: str = "overparam",
    between: tuple[float, float] | None = None,
    overparam: Given | None = None,
    alpha_T: Given | None = None,
    lam: Given | None = None,
    beta: Given | None = None,
    vary: Mapping[str, Given] | None = None,
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
    overparam, alpha_T, lam, beta, vary
        The other axes, as in ``solve``; lam must be positive.
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
    check_flag("throw", throw)
    low, high = search_range(along, between)
    if variable not in OBSERVABLES:
        raise ValueError(f"variable = {variable!r}: give one of {', '.join(OBSERVABLES)}")
    given = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "beta": beta}
    family = read_family(problem, vary)
    fixed = fixed_axes(along, given, family)
    line = read_axis(along, [low, high])
    ends = solve_on(family, read_axes(*fixed, line))[variable].transpose(along, ...)
    if not np.all(np.isfinite(ends)):
        raise ValueError(
            f"variable = {variable!r} has no finite value at the ends of {along} = [{low:g}, "
            f"{high:g}]; choose another variable"
        )
    found = {name: np.full(fixed.size, np.nan) for name in _FOUND}
    for member, parts in family.blocks(fixed):
        index = fixed.index(parts)
        rows = {name: fixed.flat(name)[index] for name in AXES if name != along}
        lines = Lines(member, along, rows)

        def value(row: Index, x: Array, lines: Lines = lines) -> Array:
            return lines(row, x)[variable]

        top = maxima(value, first_grid(member, along, low, high, rows), 0.1 * ACCURACY)
        _write(found, index, top)
    missing = np.flatnonzero(~np.isfinite(found["location"]))
    found["count"][missing] = 0
    if throw and missing.size:
        first, last = ends.values.reshape(2, -1)[:, missing[0]]
        side, where, size = ("high", high, last) if last > first else ("low", low, first)
        raise ValueError(
            f"{variable} has no interior maximum that can be resolved for {along} in [{low:g}, "
            f"{high:g}] at {fixed.place(int(missing[0]))}: it is largest at the {side} end, "
            f"{size:.6g} at {along} = {where:g}. Choose other values, or throw=False to get NaN there."
        )
    values = {**found, "count": found["count"].astype(int)}
    return labelled("peak", family.text, fixed, values, variable=variable, along=along)


def search_range(along: str, between: tuple[float, float] | None) -> tuple[float, float]:
    """Ends of the range to search along an axis."""
    if along not in AXES:
        raise ValueError(f"along = {along!r}: give one of {', '.join(AXES)}")
    return RANGES[along] if between is None else read_range("between", between)


def fixed_axes(along: str, given: dict[str, Given | None], family: Family) -> Axes:
    """The axes that are not searched; refuses what has no peak."""
    if given[along] is not None:
        raise ValueError(
            f"{along} = {given[along]!r} is the axis along which to look; "
            "say where with between=(low, high)"
        )
    if along != "beta" and given["beta"] is None:
        given = {**given, "beta": np.inf}
    missing = [name for name in AXES if name != along and given[name] is None]
    if missing:
        raise ValueError(f"{missing[0]} is missing: give a number or an array")
    read = [read_axis(name, value) for name, value in given.items() if value is not None]
    fixed = read_axes(*family.axes, *read, reserved=(along,))
    if "lam" in fixed and np.any(fixed["lam"].values == 0):
        raise ValueError(
            "lam = 0: there the peaks sit on the interpolation threshold, which has no limit; give "
            "small values of lam and see where they go"
        )
    return fixed


def first_grid(
    problem: Problem,
    along: str,
    low: float,
    high: float,
    rows: dict[str, Array],
    density: int = _DENSITY,
) -> Array:
    """First grid of every row, increasing in the logarithm of the axis."""
    start, stop = np.log(low), np.log(high)
    base = np.linspace(start, stop, max(17, int(density * (stop - start)) + 1))
    count = next(iter(rows.values())).size
    if along != "overparam":
        return np.tile(base, (count, 1))
    unique, inverse = np.unique(rows["alpha_T"], return_inverse=True)
    threshold = np.log(threshold_at(problem, unique))[inverse]
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
