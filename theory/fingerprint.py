"""Names that tell callables apart by their values."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np

__all__ = ["named"]

_SAMPLES = np.linspace(-6.1, 5.9, 97)


def named(function: Callable[[Any], Any]) -> str:
    """A callable's own name with a short hash of its values: ``<lambda> 1f0c6d2a``.

    Parameters
    ----------
    function : callable
        Elementwise on float64 arrays.

    Returns
    -------
    str
        The same for callables whose values at 97 points of [-6.1, 5.9] agree to nine digits, on any
        machine and in any process; the name alone for a callable that cannot be evaluated there.
    """
    name = str(getattr(function, "__name__", type(function).__name__))
    try:
        with np.errstate(all="ignore"):
            values = np.ravel(np.asarray(function(_SAMPLES), dtype=float))
    except Exception:  # what is wrong is said where the values are needed
        return name
    text = " ".join(f"{v + 0.0:.8e}" for v in values)
    return f"{name} {blake2b(text.encode(), digest_size=4).hexdigest()}"
