"""Exponential loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike
from scipy import special

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.losses.base import MarginLoss, Wing

__all__ = ["Exponential"]


@dataclass(frozen=True)
class Exponential(MarginLoss):
    """l = exp(-y t)."""

    margin_knots = tuple(float(s) for s in np.arange(-12.0, 40.0, 1.0))
    strip = 2.0  # entire, but exp(-t) changes its phase on this scale
    margin_wings = (Wing(-30.0, -np.inf), Wing(50.0, 0.0, error=2e-22))  # exp(30) = 1e13

    def margin_value(self, s: Any) -> Any:
        """exp(-s)."""
        return array_namespace(s).exp(-s)

    def margin_slope(self, s: Any) -> Any:
        """-exp(-s)."""
        return -array_namespace(s).exp(-s)

    def margin_curvature(self, s: Any) -> Any:
        """exp(-s)."""
        return array_namespace(s).exp(-s)

    def increment(self, y: Any, t: Any, d: Any) -> Any:
        """exp(-s) (exp(-d) - 1), or the larger of the two terms where it is all there is."""
        rise = -y * d
        near = np.minimum(rise, 30.0)
        return np.where(rise > 30.0, np.exp(rise - y * t), np.exp(-y * t) * np.expm1(near))

    def prox(self, y: ArrayLike, omega: ArrayLike, V: ArrayLike, max_steps: int = 200) -> Array:
        """Return y (s + W(V exp(-s))) with s = y omega and Lambert's W, by Wright's omega function."""
        y, omega, V = (np.asarray(a, dtype=float) for a in (y, omega, V))
        s = y * omega
        return np.asarray(y * (s + special.wrightomega(np.log(V) - s)))
