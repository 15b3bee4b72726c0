"""Linear features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from twinpeaks.theory.activations.base import Activation, HermiteMoments
from twinpeaks.theory.arrays import Array

__all__ = ["Identity"]


@dataclass(frozen=True)
class Identity(Activation):
    """sigma(x) = x: the features carry no nonlinearity and the BMD is 1."""

    def __call__(self, x: Any) -> Any:
        """Identity."""
        return x

    @cached_property
    def moments(self) -> HermiteMoments:
        """kappa_1 = 1, the rest 0."""
        return HermiteMoments(0.0, 1.0, 0.0, 0.0)

    def _correlation(self, rho: Array) -> Array:
        return rho

    def closed_moments(self, ctx: Any) -> tuple[Any, Any, Any]:
        """1, 0 and 0."""
        return ctx.mpf(1), ctx.mpf(0), ctx.mpf(0)
