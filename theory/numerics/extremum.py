"""Interior maxima of smooth functions of one coordinate, many functions at once.

A maximum is flat, so its place is the zero of the derivative: f is interpolated at Chebyshev nodes of a
window that shrinks around the largest value until the coefficients have fallen to their rounding level.
What the last coefficients leave open, in the derivative and in the value, is the error estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from twinpeaks.theory.arrays import Array, Index

__all__ = ["Maxima", "every_maximum", "maxima"]

#: Takes (row numbers, coordinates of shape (rows, n)); returns values of that shape.
Rows = Callable[[Index, Array], Array]

_N = 17  # Chebyshev nodes of a window
_TAIL = 4  # coefficients that measure truncation and noise
_STAGES = 40
_NODES = -np.cos(np.pi * (np.arange(_N) + 0.5) / _N)  # increasing
_TO_COEFFICIENTS = np.linalg.inv(chebyshev.chebvander(_NODES, _N - 1)).T
_NOISE = 1e-12  # share of the largest value below which a rise on the grid may be rounding


@dataclass(frozen=True)
class Maxima:
    """The highest interior maximum of each row; arrays of shape (rows,), NaN where there is none.

    Attributes
    ----------
    location, height : ndarray
        Coordinate and value.
    curvature : ndarray
        Second derivative there, negative.
    location_error, height_error : ndarray
        Estimates of the errors of both, absolute.
    count : ndarray of int
        Interior maxima that the first grid resolves.
    first, largest : ndarray
        The first and the largest finite value on the first grid, ends included.
    """

    location: Array
    height: Array
    curvature: Array
    location_error: Array
    height_error: Array
    count: NDArray[np.int64]
    first: Array
    largest: Array


def maxima(f: Rows, grid: Array, tol: float = 1e-9) -> Maxima:
    """Locate the highest interior maximum of every row.

    Parameters
    ----------
    f : callable
        Takes row numbers (k,) and coordinates (k, n), returns values (k, n), smooth along rows; NaN
        where there is none, which is not taken for an end of a maximum.
    grid : ndarray of shape (rows, n)
        First coordinates, strictly increasing along each row. A maximum is found if this grid
        shows a rise and a fall around it, however narrow its top is.
    tol : float
        Error of the location, as a share of the half-width of the window, at which a window need
        not shrink further.

    Returns
    -------
    Maxima
    """
    rows = len(grid)
    owner, best, values = every_maximum(f, grid, tol)
    highest = np.full(rows, -1)
    for i in np.argsort(best[:, 1]):  # NaN last
        if np.isfinite(best[i, 1]):
            highest[owner[i]] = i
    columns = np.full((rows, 5), np.nan)
    columns[highest >= 0] = best[highest[highest >= 0]]
    location, height, curvature, location_error, height_error = columns.T
    seen = [y[np.isfinite(y)] for y in values]
    return Maxima(
        location,
        height,
        curvature,
        location_error,
        height_error,
        count=np.bincount(owner, minlength=rows),
        first=np.array([y[0] if y.size else np.nan for y in seen]),
        largest=np.array([y.max() if y.size else np.nan for y in seen]),
    )


def every_maximum(f: Rows, grid: Array, tol: float = 1e-9) -> tuple[Index, Array, Array]:
    """Locate every interior maximum that the first grid resolves; arguments as in ``maxima``.

    Returns
    -------
    owner : ndarray of shape (k,)
        Row of each maximum; those of one row are next to each other, from left to right.
    best : ndarray of shape (k, 5)
        Location, height, curvature and the errors of the first two; NaN where it was not resolved.
    values : ndarray of shape (rows, n)
        The function on the grid.
    """
    values = f(np.arange(len(grid)), grid)
    finite = np.where(np.isfinite(values), values, -np.inf)
    owner, left, right = _rises_and_falls(finite)
    best = np.full((owner.size, 5), np.nan)
    best[:, 3] = np.inf
    low, high = grid[owner, left], grid[owner, right]
    active = np.arange(owner.size)
    for _ in range(_STAGES):
        if not active.size:
            break
        middle, half = 0.5 * (low + high)[active], 0.5 * (high - low)[active]
        x = middle[:, None] + half[:, None] * _NODES
        y = f(owner[active], x)
        top = _tops(y, middle, half)
        better = top[:, 3] < best[active, 3]
        best[active[better]] = top[better]
        # f may have several scales: next to the largest node, the window holds a maximum for sure
        largest = np.argmax(np.where(np.isfinite(y), y, -np.inf), axis=1)
        edges = np.concatenate([low[active, None], x, high[active, None]], axis=1)
        here = np.arange(active.size)
        low[active] = edges[here, np.maximum(largest - 1, 0)]
        high[active] = edges[here, np.minimum(largest + 3, _N + 1)]
        # a smaller window amplifies rounding: stop once the estimate does not fall
        settled = np.isfinite(best[active, 3]) & ~better
        narrow = half < 1e-15 * np.maximum(np.abs(middle), 1.0)
        active = active[~(settled | narrow | (best[active, 3] < tol * np.minimum(half, 1.0)))]
    return owner, best, values


def _rises_and_falls(values: Array) -> tuple[Index, Index, Index]:
    """Row of every local maximum between finite values, and the grid points that bracket it.

    The bracket is where the maximum is above half its prominence: the scale on which it bends, which
    may be many points of a fine grid.
    """
    from scipy.signal import find_peaks  # half of what importing theory would cost

    found = []
    for row, y in enumerate(values):
        noise = _NOISE * np.max(np.abs(y[np.isfinite(y)]), initial=0.0)
        tops, info = find_peaks(y, prominence=noise, plateau_size=1)
        edges = zip(info["left_edges"], info["right_edges"], info["prominences"], strict=True)
        for top, (left, right, prominence) in zip(tops, edges, strict=True):
            if not (np.isfinite(y[left - 1]) and np.isfinite(y[right + 1])):
                continue
            low = np.flatnonzero(~(y > y[top] - 0.5 * prominence))
            before, after = low[low < left], low[low > right]
            first = min(left - 1, before[-1] + 1 if before.size else 0)
            last = max(right + 1, after[0] - 1 if after.size else y.size - 1)
            found.append((row, first, last))
    owner, left, right = np.array(found, dtype=np.intp).reshape(-1, 3).T
    return owner, left, right


def _tops(y: Array, middle: Array, half: Array) -> Array:
    """Location, height, curvature and both errors from each window; NaN where it is not resolved."""
    coefficients = y @ _TO_COEFFICIENTS
    out = np.full((len(y), 5), np.nan)
    out[:, 3] = np.inf
    for i, c in enumerate(coefficients):
        tail = np.max(np.abs(c[-_TAIL:]))
        if not tail < 1e-5 * np.max(np.abs(c[1:])):
            continue
        first, second = chebyshev.chebder(c), chebyshev.chebder(c, 2)
        s = _NODES[np.argmax(y[i])]
        for _ in range(20):  # Newton on the derivative, from the largest node
            bend = chebyshev.chebval(s, second)
            change = -chebyshev.chebval(s, first) / bend if bend < 0 else np.nan
            s = s + change
            if not abs(change) > 1e-15:
                break
        if not abs(s) < 1:
            continue
        bend = chebyshev.chebval(s, second)
        # every coefficient is uncertain by the size of the last ones
        basis = chebyshev.chebder(np.eye(_N), axis=0)
        slope = tail * np.sqrt(np.sum(chebyshev.chebval(s, basis) ** 2))
        shift = slope / abs(bend)
        error = tail * np.sqrt(_N) + 0.5 * abs(bend) * shift**2
        curvature = bend / half[i] ** 2
        out[i] = middle[i] + half[i] * s, chebyshev.chebval(s, c), curvature, shift * half[i], error
    return out
