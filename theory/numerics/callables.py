"""Users' numpy callables, applied to arrays of any library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from twinpeaks.theory.errors import InvalidProblem

__all__ = ["elementwise", "on_host"]


def elementwise(name: str, function: Any) -> None:
    """Refuse what is not a function of numpy arrays, before any work.

    Raises
    ------
    InvalidProblem
        Names the argument, what happened and the remedy.
    """
    if not callable(function):
        raise InvalidProblem(f"{name} = {function!r}: give a callable of one array")
    probe = np.array([0.25, 0.5])
    try:
        with np.errstate(all="ignore"):
            got = np.shape(np.asarray(function(probe), dtype=float))
        problem = f"returns shape {got} for shape {probe.shape}" if got != probe.shape else ""
    except Exception as error:  # whatever a callable of something else raises
        problem = f"fails on a numpy array ({type(error).__name__}: {error})"
    if problem:
        raise InvalidProblem(
            f"{name} = {function!r} {problem}: give a function that acts elementwise on float64 numpy "
            "arrays, such as np.tanh; np.vectorize makes one of a function of numbers"
        )


def on_host(function: Callable[[Any], Any], x: Any) -> Any:
    """``function(x)`` in float64 numpy, returned as an array of x's library, type and device."""
    if is_numpy_array(x) or np.isscalar(x):
        return np.asarray(function(x), dtype=float)
    xp = array_namespace(x)
    host = x.cpu().numpy() if hasattr(x, "cpu") else np.asarray(x)
    value = np.asarray(function(host.astype(float)), dtype=float)
    return xp.asarray(value, dtype=x.dtype, device=device(x))
