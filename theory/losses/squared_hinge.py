"""Squared hinge loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.losses.base import MarginLoss, Wing

__all__ = ["SquaredHinge"]


@dataclass(frozen=True)
class SquaredHinge(MarginLoss):
    """l = max(1 - y t, 0)^2 / 2."""

    margin_knots = (1.0,)
    piecewise_quadratic = True
    margin_wings = (Wing(1.0, 0.0, 1.0), Wing(1.0, 0.0))

    def margin_value(self, s: Any) -> Any:
        """max(1 - s, 0)^2 / 2."""
        xp = array_namespace(s)
        return 0.5 * xp.where(s < 1, 1 - s, xp.zeros_like(s)) ** 2

    def margin_slope(self, s: Any) -> Any:
        """-max(1 - s, 0)."""
        xp = array_namespace(s)
        return xp.where(s < 1, s - 1, xp.zeros_like(s))

    def margin_curvature(self, s: Any) -> Any:
        """1 below the margin."""
        xp = array_namespace(s)
        return xp.where(s < 1, xp.ones_like(s), xp.zeros_like(s))

    def symbolic(self, y: Any, t: Any) -> Any:
        """max(0, 1 - y t)^2 / 2."""
        import sympy as sp  # type: ignore[import-untyped]

        return sp.Max(0, 1 - y * t) ** 2 / 2

    def increment(self, y: Any, t: Any, d: Any) -> Any:
        """Exact for short steps."""
        step, gap = -y * d, 1.0 - y * t
        inside = (gap > 0) & (gap + step > 0)
        plain = 0.5 * (np.maximum(gap + step, 0.0) ** 2 - np.maximum(gap, 0.0) ** 2)
        return np.where(inside, step * (gap + 0.5 * step), plain)

    def prox(self, y: ArrayLike, omega: ArrayLike, V: ArrayLike, max_steps: int = 200) -> Array:
        """Closed form."""
        y, omega, V = (np.asarray(a, dtype=float) for a in (y, omega, V))
        s = y * omega
        return np.asarray(y * np.where(s < 1, (s + V) / (1 + V), s))
