"""The error itself as a loss."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from array_api_compat import array_namespace

from twinpeaks.theory.losses.base import MarginLoss

__all__ = ["ZeroOne"]


@dataclass(frozen=True)
class ZeroOne(MarginLoss):
    """l = 1 when y t < 0: the error itself. Not convex; finite temperature only.

    Its tilted measure is two truncated Gaussians, so the channel needs no inner integral.
    """

    convex = False

    @cached_property
    def least(self) -> tuple[float, float]:
        """Every positive margin."""
        return 0.0, float("inf")

    def symbolic(self, y: Any, t: Any) -> Any:
        """Heaviside(-y t)."""
        import sympy as sp  # type: ignore[import-untyped]

        return sp.Heaviside(-y * t)

    def margin_value(self, s: Any) -> Any:
        """1 on the wrong side."""
        xp = array_namespace(s)
        return xp.where(s < 0, xp.ones_like(s), xp.zeros_like(s))

    def margin_slope(self, s: Any) -> Any:
        """0 almost everywhere."""
        return array_namespace(s).zeros_like(s)

    def margin_curvature(self, s: Any) -> Any:
        """0 almost everywhere."""
        return array_namespace(s).zeros_like(s)
