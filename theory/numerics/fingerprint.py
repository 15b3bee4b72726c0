"""Names that tell callables apart by their values."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np

__all__ = ["named"]

_SAMPLES = np.linspace(-12.1, 11.9, 4001)


def named(function: Callable[[Any], Any], scale: float = 1.0, *others: Any) -> str:
    """A callable's own name with a short hash of its values: ``<lambda> 1f0c6d2a``.

    Parameters
    ----------
    function : callable
        Elementwise on float64 arrays.
    scale : float
        Standard deviation of its argument.
    *others
        What else tells two of them apart: declared kinks, derivatives that are given.

    Returns
    -------
    str
        The same for callables whose values at 4001 points of 12 standard deviations agree to nine
        digits, on any machine and in any process; the name alone for a callable that cannot be
        evaluated there.
    """
    name = str(getattr(function, "__name__", type(function).__name__))
    try:
        with np.errstate(all="ignore"):
            values = np.ravel(np.asarray(function(_SAMPLES * scale), dtype=float))
    except Exception:  # what is wrong is said where the values are needed
        return name
    text = " ".join([*(f"{v + 0.0:.8e}" for v in values), *map(repr, others)])
    return f"{name} {blake2b(text.encode(), digest_size=4).hexdigest()}"
