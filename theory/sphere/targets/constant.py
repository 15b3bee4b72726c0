"""The constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.sphere.targets.base import Target

__all__ = ["Constant"]


@dataclass(frozen=True)
class Constant(Target):
    """f = 1: all of its variance, here its square, is of degree 0."""

    smoothness: ClassVar[float] = np.inf  # type: ignore[misc]
    last: ClassVar[float] = 0.0  # type: ignore[misc]

    def even(self, d: int, degrees: Array) -> Array:
        """0 at degree 0."""
        return np.where(np.asarray(degrees) == 0, 0.0, -np.inf)

    def odd(self, d: int, degrees: Array) -> Array:
        """None."""
        return np.full(np.shape(degrees), -np.inf)
