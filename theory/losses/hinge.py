"""Hinge loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.losses.base import MarginLoss, Wing

__all__ = ["Hinge"]


@dataclass(frozen=True)
class Hinge(MarginLoss):
    """l = max(1 - y t, 0)."""

    margin_kinks = (1.0,)
    margin_knots = ()
    piecewise_quadratic = True
    margin_wings = (Wing(1.0, -1.0), Wing(1.0, 0.0))

    def margin_value(self, s: Any) -> Any:
        """max(1 - s, 0)."""
        xp = array_namespace(s)
        return xp.where(s < 1, 1 - s, xp.zeros_like(s))

    def margin_slope(self, s: Any) -> Any:
        """-1 below the kink."""
        xp = array_namespace(s)
        return xp.where(s < 1, -xp.ones_like(s), xp.zeros_like(s))

    def margin_curvature(self, s: Any) -> Any:
        """0."""
        return array_namespace(s).zeros_like(s)

    def symbolic(self, y: Any, t: Any) -> Any:
        """max(0, 1 - y t)."""
        import sympy as sp  # type: ignore[import-untyped]

        return sp.Max(0, 1 - y * t)

    def increment(self, y: Any, t: Any, d: Any) -> Any:
        """-d on the slope, exactly."""
        gap = np.maximum(1.0 - y * t, 0.0)
        past = np.maximum(y * t - 1.0, 0.0)
        return np.where(gap > 0, np.maximum(-y * d, -gap), np.maximum(-y * d - past, 0.0))

    def prox(self, y: ArrayLike, omega: ArrayLike, V: ArrayLike, max_steps: int = 200) -> Array:
        """Closed form."""
        y, omega, V = (np.asarray(a, dtype=float) for a in (y, omega, V))
        s = y * omega
        return np.asarray(y * np.maximum(np.minimum(s + V, 1.0), s))
