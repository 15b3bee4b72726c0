"""Where the tilted density lives, in double precision: it only says where to integrate."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.validate.precise.losses import Formula

__all__ = ["Side", "rough_prox", "windows"]

Real = Any
#: Where y t < 0 lies in the argument of the loss: (boundary, True if below it).
Side = tuple[int, bool]


def windows(
    formula: Formula, w: float, V: float, T: float, digits: float, clip: Side | None = None
) -> list[tuple[float, float, float]]:
    """(low, mode, high) of the tilted density in every smooth piece where it matters, largest first.

    Outside of [low, high] the density is below 10^-digits of its maximum. In double precision: it
    only says where to integrate. ``clip`` restricts the measure to one side.
    """
    value, slope = _quick(formula)
    target = math.log(10.0) * (digits + 3.0) * T

    def energy(x: float) -> float:
        return (x - w) ** 2 / (2 * V) + value(x)

    def push(x: float) -> float:
        return (x - w) / V + slope(x)

    found = []
    for left, right in pairwise([-math.inf, *formula.kinks, math.inf]):
        if clip is not None:
            left, right = (left, min(right, clip[0])) if clip[1] else (max(left, clip[0]), right)
        if left < right:
            mode = _root(push, w, V, left, right)
            inside = math.nextafter(mode, right if mode == left else left)
            found.append((energy(inside), left, mode, right))
    best = min(height for height, *_ in found)
    out = []
    for height, left, mode, right in sorted(found):
        if height - best > target:
            continue
        ends = []
        for sign, edge in ((-1.0, left), (1.0, right)):
            width = math.sqrt(T * V) if mode != edge else 0.0
            while width and energy(mode + sign * width) - best > target:
                width /= 1.4
            while width and energy(mode + sign * width) - best < target:
                width *= 1.4
            ends.append(mode + sign * min(width, abs(edge - mode)))
        out.append((ends[0], mode, ends[1]))
    return out


def rough_prox(formula: Formula, w: float, V: float) -> float:
    """The minimum of (x - w)^2 / 2V + l(x) of a convex loss, in double precision."""
    slope = _quick(formula)[1]
    return _root(lambda x: (x - w) / V + slope(x), w, V, -math.inf, math.inf)


def _quick(formula: Formula) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Value and slope for Python floats."""
    if formula.quick is not None:
        return formula.quick

    def low(function: Callable[[Real], Real]) -> Callable[[float], float]:
        def at(x: float) -> float:
            with mp.workdps(15):
                return float(function(mp.mpf(x)))

        return at

    return low(formula.value), low(formula.slope)


def _root(push: Callable[[float], float], w: float, V: float, left: float, right: float) -> float:
    """Zero of an increasing function on (left, right), or the end it points to."""
    low, high = left, right
    if math.isinf(low):
        low, step = min(w, right) - 1e-9 * (1 + abs(w)), V + 1e-3
        while push(low) > 0:
            low, step = low - step, 2 * step
    if math.isinf(high):
        high, step = max(w, left) + 1e-9 * (1 + abs(w)), V + 1e-3
        while push(high) < 0:
            high, step = high + step, 2 * step
    if push(math.nextafter(low, high)) >= 0:
        return low
    if push(math.nextafter(high, low)) <= 0:
        return high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high or high - low < 1e-9 * (abs(low) + 1e-3 * math.sqrt(V)):
            break
        if push(middle) > 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)
