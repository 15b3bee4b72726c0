"""Users' numpy callables, applied to arrays of any library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_array

__all__ = ["on_host"]


def on_host(function: Callable[[Any], Any], x: Any) -> Any:
    """``function(x)`` in float64 numpy, returned as an array of x's library, type and device."""
    if is_numpy_array(x) or np.isscalar(x):
        return np.asarray(function(x), dtype=float)
    xp = array_namespace(x)
    host = x.cpu().numpy() if hasattr(x, "cpu") else np.asarray(x)
    value = np.asarray(function(host.astype(float)), dtype=float)
    return xp.asarray(value, dtype=x.dtype, device=x.device)
