"""Square loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.losses.base import DifferenceLoss

__all__ = ["Square"]


@dataclass(frozen=True)
class Square(DifferenceLoss):
    """l = (y - t)^2 / 2."""

    quadratic = 1.0

    def residual_value(self, e: Any) -> Any:
        """e^2 / 2."""
        return 0.5 * e**2

    def residual_slope(self, e: Any) -> Any:
        """The residual."""
        return e

    def residual_curvature(self, e: Any) -> Any:
        """1."""
        return array_namespace(e).ones_like(e)

    def prox(self, y: ArrayLike, omega: ArrayLike, V: ArrayLike, max_steps: int = 200) -> Array:
        """(omega + V y) / (1 + V)."""
        y, omega, V = (np.asarray(a, dtype=float) for a in (y, omega, V))
        return np.asarray((omega + V * y) / (1.0 + V))
