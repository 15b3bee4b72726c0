"""Where a convex function of one argument is smallest, and how its tail falls: from its values alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy import optimize

from twinpeaks.theory.arrays import Array, Bools

__all__ = ["falls_steeply", "resting_place"]

_ROUNDING = 1e-12  # slopes below this share of the value are none
_HALVES = 2.0 ** np.arange(-6.0, 12.5, 0.5)
_GRID = np.sort(np.concatenate([-_HALVES, _HALVES, np.linspace(-20.0, 20.0, 80)]))
_BESIDE = np.array([0.02, 0.1, 0.5, 1.0])
_SEEN = 1e-9  # slopes of a tail below this share of the largest may be rounding


def resting_place(
    value: Callable[[Array], Array], slope: Callable[[Array], Array], cuts: tuple[float, ...]
) -> tuple[float, float]:
    """The interval on which a convex function is smallest.

    Parameters
    ----------
    value, slope : callable
        The function and its derivative, elementwise.
    cuts : tuple of float
        Where the function changes its form. It is constant on whole stretches between cuts or on
        none, because an analytic function is.

    Returns
    -------
    low, high : float
        Equal where there is one minimum; both inf (-inf) where the function falls (rises) for ever.
    """
    ends = [-np.inf, *sorted(set(cuts)), np.inf]
    flat = [ab for ab in pairwise(ends) if np.all(_still(value, slope, _inside(*ab)))]
    if flat:
        return flat[0][0], flat[-1][1]
    beside = [np.nextafter(c, side) for c in cuts for side in (-np.inf, np.inf)]
    places = np.unique([*_GRID, *beside])
    with np.errstate(all="ignore"):  # far out a function may overflow
        rises = np.flatnonzero((slope(places) > 0) & ~_still(value, slope, places))
    if not rises.size:
        return np.inf, np.inf
    if rises[0] == 0:
        return -np.inf, -np.inf
    low, high = places[rises[0] - 1], places[rises[0]]
    at = float(optimize.brentq(lambda x: float(slope(np.array([x]))[0]), low, high, xtol=1e-15))
    near = [c for c in (*cuts, 0.0) if abs(at - c) <= _ROUNDING * max(1.0, abs(c))]
    return (near[0], near[0]) if near else (at, at)


def falls_steeply(slope: Callable[[Array], Array]) -> bool:
    """Whether a function that falls for ever does so faster than every power.

    Then, and only then, does the least norm of weights of small loss end in the direction of maximum
    margin: l((1 - eps) s) / l(s) -> infinity for every eps > 0 (Rosset, Zhu & Hastie, JMLR 5, 941
    (2004)). Between s/2 and s the logarithm of a power falls by a constant, that of anything faster by
    more and more.
    """
    s = 2.0 ** np.arange(-3.0, 13.0)
    size = -np.asarray(slope(s))
    with np.errstate(divide="ignore", invalid="ignore"):
        fall = np.log(size[:-1] / size[1:])[size[1:] > _SEEN * size[0]]
    return bool(fall.size >= 2 and fall[-1] > 1.25 * fall[-2] > 0)


def _inside(low: float, high: float) -> Array:
    """Points of a stretch between cuts."""
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) * np.array([0.1, 0.35, 0.65, 0.9])
    if np.isfinite(low):
        return low + _BESIDE
    return (high if np.isfinite(high) else 0.0) - _BESIDE


def _still(value: Callable[[Array], Array], slope: Callable[[Array], Array], x: Array) -> Bools:
    with np.errstate(all="ignore"):
        return np.abs(np.asarray(slope(x))) <= _ROUNDING * np.abs(np.asarray(value(x)))
