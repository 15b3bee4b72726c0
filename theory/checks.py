"""What counts as a number."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["are_numbers", "is_number"]


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number; a truth value or a text is none."""
    if isinstance(value, bool):
        return False
    return isinstance(value, Real) and math.isfinite(value)


def are_numbers(values: Any) -> bool:
    """Whether a value is a sequence of finite real numbers, possibly empty."""
    return np.ndim(values) == 1 and all(map(is_number, values))
