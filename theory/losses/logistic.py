"""Logistic loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from theory.losses.base import MarginLoss

__all__ = ["Logistic"]


@dataclass(frozen=True)
class Logistic(MarginLoss):
    """l = log(1 + exp(-y t))."""

    # Poles of the sigmoid at +-i pi: panels double away from the origin, and 36 is where
    # exp(-s) falls below rounding.
    margin_knots = (-36.0, -16.0, -8.0, -4.0, -1.5, 1.5, 4.0, 8.0, 16.0, 36.0)
    strip = float(np.pi)
    escapes = True

    def margin_value(self, s: Any) -> Any:
        """log(1 + exp(-s)), without overflow or cancellation."""
        xp = array_namespace(s)
        return xp.log1p(xp.exp(-xp.abs(s))) + xp.where(s < 0, -s, xp.zeros_like(s))

    def margin_slope(self, s: Any) -> Any:
        """-1 / (1 + exp(s)), relative accuracy in both tails."""
        xp = array_namespace(s)
        e = xp.exp(-xp.abs(s))
        return -xp.where(s < 0, xp.ones_like(s), e) / (1.0 + e)

    def margin_curvature(self, s: Any) -> Any:
        """sigmoid(s) sigmoid(-s)."""
        xp = array_namespace(s)
        e = xp.exp(-xp.abs(s))
        return e / (1.0 + e) ** 2

    def increment(self, y: Any, t: Any, d: Any) -> Any:
        """ln(1 + sigmoid(-s) (exp(-d) - 1)) for short steps, the difference for long ones."""
        step = y * d
        near = np.abs(step) < 1.0
        short = np.log1p(-self.margin_slope(y * t) * np.expm1(-np.where(near, step, 0.0)))
        return np.where(near, short, self.value(y, t + d) - self.value(y, t))
