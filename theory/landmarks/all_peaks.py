"""``peaks``: every local maximum of a variable along an axis, with the dips between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Given
from twinpeaks.theory.equations.observables import OBSERVABLES
from twinpeaks.theory.family import read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.landmarks.lines import Lines
from twinpeaks.theory.landmarks.peaks import ACCURACY, first_grid, fixed_axes, search_range
from twinpeaks.theory.names import AXES, attributes
from twinpeaks.theory.numerics.extremum import every_maximum
from twinpeaks.theory.problem import Problem

__all__ = ["peaks"]

_DENSITY = 64  # points of the first grid per factor e: the low peak is narrow where it is born
_PEAK = ("location", "height", "curvature", "location_error", "height_error")
_DIP = ("dip_location", "dip_height")


def peaks(
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
) -> xr.Dataset:
    """Locate all interior maxima of a variable along one axis, and the dips between them.

    With many patterns the mean dimension has two: one near N = D, one at the interpolation threshold
    (docs/derivations/double-peak.md).

    Parameters
    ----------
    problem, variable, along, between, overparam, alpha_T, lam, beta, vary
        As in ``peak``.

    Returns
    -------
    xarray.Dataset
        ``location``, ``height``, ``curvature``, ``location_error`` and ``height_error`` as in ``peak``,
        on a last dimension ``peak``, in the order of the axis; ``dip_location`` and ``dip_height``, the
        minimum between a peak and the next; and ``count``, the peaks of each line that the first grid
        shows: 64 points per factor e. Where a line has fewer peaks than another, the places left are NaN,
        and so is a peak or a dip that was not located to a relative 1e-8. A line without a peak has
        count 0.

    Raises
    ------
    ValueError
        As ``peak``, but for lines without a maximum.
    SolveError
        When a point of the line did not converge.

    Notes
    -----
    A peak and a dip closer than two points of the grid, 3 % of the axis, are not seen.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> two = theory.peaks(theory.Problem(), "bmd", alpha_T=10.0, lam=1e-8, between=(0.02, 3.0))
    >>> two.location.round(3).values, two.height.round(4).values
    (array([0.102, 1.   ]), array([1.3743, 3.2989]))
    """
    low, high = search_range(along, between)
    if variable not in OBSERVABLES:
        raise ValueError(f"variable = {variable!r}: give one of {', '.join(OBSERVABLES)}")
    given = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "beta": beta}
    family = read_family(problem, vary)
    fixed = fixed_axes(along, given, family)
    lines: list[list[Array]] = [[] for _ in range(fixed.size)]
    for member, parts in family.blocks(fixed):
        index = fixed.index(parts)
        rows = {name: fixed.flat(name)[index] for name in AXES if name != along}
        line = Lines(member, along, rows)

        def value(row: Index, x: Array, line: Lines = line) -> Array:
            return line(row, x)[variable]

        def depth(row: Index, x: Array, line: Lines = line) -> Array:
            return -line(row, x)[variable]

        grid = first_grid(member, along, low, high, rows, _DENSITY)
        tops, bottoms = every_maximum(value, grid, 0.1 * ACCURACY), every_maximum(depth, grid)
        for row, at in enumerate(index):
            lines[at] = _in_order(tops[1][tops[0] == row], bottoms[1][bottoms[0] == row])
    most = max((len(found) for found in lines), default=0)
    count = np.array([len(found) for found in lines])
    blank = np.full(len(_PEAK + _DIP), np.nan)
    parts_of = []
    for i in range(most):
        columns = np.array([found[i] if i < len(found) else blank for found in lines])
        values = {name: columns[:, k] for k, name in enumerate(_PEAK + _DIP)}
        parts_of.append(
            labelled("peaks", family.text, fixed, values, variable=variable, along=along)
        )
    whole = labelled("peaks", family.text, fixed, {"count": count}, variable=variable, along=along)
    axis = xr.DataArray(np.arange(most), dims="peak", name="peak", attrs=attributes("peak"))
    if parts_of:
        found = xr.concat(parts_of, axis, data_vars="all", coords="minimal", compat="override")
        return whole.assign(found.transpose(..., "peak").data_vars).assign_coords(peak=axis)
    shape = (*fixed.dims, "peak")
    none = {n: (shape, np.empty((*fixed.shape, 0)), attributes(n)) for n in _PEAK + _DIP}
    return whole.assign(none).assign_coords(peak=axis)


def _in_order(tops: Array, bottoms: Array) -> list[Array]:
    """Rows of one line, in the order of the axis: a peak, and the dip before the next one."""
    found = []
    for i, top in enumerate(tops):
        x, height, bend, x_error, y_error = top
        good = x_error <= ACCURACY and y_error <= ACCURACY * abs(height)
        dip = np.full(2, np.nan)
        if i + 1 < len(tops):
            inside = bottoms[(bottoms[:, 0] > x) & (bottoms[:, 0] < tops[i + 1, 0])]
            inside = inside[inside[:, 3] <= ACCURACY]
            if inside.size:
                lowest = inside[np.argmax(inside[:, 1])]
                dip = np.array([np.exp(lowest[0]), -lowest[1]])
        peak = np.array([np.exp(x), height, bend, np.exp(x) * x_error, y_error])
        found.append(np.concatenate([peak if good else np.full(5, np.nan), dip]))
    return found
