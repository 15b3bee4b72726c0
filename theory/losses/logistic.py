"""Logistic loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from twinpeaks.theory.losses.base import MarginLoss, Wing

__all__ = ["Logistic"]


@dataclass(frozen=True)
class Logistic(MarginLoss):
    """l = log(1 + exp(-y t))."""

    # Poles of the sigmoid at +-i pi: panels double away from the origin, and 36 is where
    # exp(-s) falls below rounding.
    margin_knots = (-36.0, -16.0, -8.0, -4.0, -1.5, 1.5, 4.0, 8.0, 16.0, 36.0)
    strip = float(np.pi)
    # exp(-50) = 2e-22
    margin_wings = (Wing(-50.0, -1.0, error=2e-22), Wing(50.0, 0.0, error=2e-22))

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

    def symbolic(self, y: Any, t: Any) -> Any:
        """log(1 + exp(-y t))."""
        import sympy as sp  # type: ignore[import-untyped]

        return sp.log(1 + sp.exp(-y * t))

    def increment(self, y: Any, t: Any, d: Any) -> Any:
        """ln(sigmoid(s) + sigmoid(-s) exp(-step)), s and step the margins of t and d.

        Short steps go through expm1 and log1p, long ones through a sum of positive terms with the
        larger exponential taken out.
        """
        step = y * np.asarray(d)
        wrong = -self.margin_slope(y * np.asarray(t))
        size = np.abs(step)
        short = np.log1p(wrong * np.expm1(-np.where(size < 1.0, step, 0.0)))
        if np.all(size < 1.0):
            return short
        right = -self.margin_slope(-y * np.asarray(t))
        small = np.exp(-size)
        ahead = step > 0
        sums = np.where(ahead, right + wrong * small, right * small + wrong)
        return np.where(size < 1.0, short, np.log(sums) - np.where(ahead, 0.0, step))
