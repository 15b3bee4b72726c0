"""Short names for the types of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Bools", "Index"]

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]
