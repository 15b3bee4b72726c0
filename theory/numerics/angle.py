"""The angle between student and teacher field, safe where rounding makes them parallel."""

from __future__ import annotations

import numpy as np

from twinpeaks.theory.arrays import Array

__all__ = ["cotangent", "unexplained"]

# Doubles resolve rho Q - m^2 to 1e-16 of rho Q: below this angle, squared, all is rounding.
_PARALLEL = 1e-24


def unexplained(rho: float, Q: Array, m: Array) -> Array:
    """Return rho Q - m^2 > 0: Q times the variance of the teacher field given the student field."""
    return np.asarray(np.maximum(rho * Q - m * m, _PARALLEL * rho * Q))


def cotangent(rho: float, Q: Array, m: Array) -> Array:
    """Of the angle between the two fields: m / sqrt(rho Q - m^2)."""
    return np.asarray(m / np.sqrt(unexplained(rho, Q, m)))
