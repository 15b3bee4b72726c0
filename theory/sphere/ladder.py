"""Sums over all degrees of one parity, to rounding: nodes and weights up to degrees of 1e30.

The first degrees are taken one by one. Beyond, degrees are cut into panels that grow geometrically; the sum
over the degrees of a panel is a Gauss rule for the counting measure on equidistant points, whose orthogonal
polynomials are the discrete Chebyshev polynomials (Szego, Orthogonal Polynomials, 2.8; Golub and Welsch
1969). Its nodes lie between degrees, so that what is summed must be analytic in k. Nothing is truncated: a
tail that falls like k^{-2 nu - 1} ends where k^{-2 nu} is below rounding.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal

from twinpeaks.theory.arrays import Array

__all__ = ["Ladder", "ladder"]

_ORDER = 18  # nodes of a panel
_SINGLE = 24  # degrees of one parity taken one by one, at least
_LAST = 1e30


class Ladder(NamedTuple):
    """Nodes in ascending order: sum of g over the degrees below ``end`` = sum of weights times g(degrees)."""

    degrees: Array
    weights: Array
    end: float


@lru_cache(maxsize=64)
def ladder(parity: int, decay: float, breaks: tuple[float, ...] = ()) -> Ladder:
    """Nodes for the degrees of a parity.

    Parameters
    ----------
    parity : int
        0 for the degrees 0, 2, 4, ..., 1 for 1, 3, 5, ...
    decay : float
        Largest exponent s of a factor 1 / (1 + k^s/k_*^s) in what is summed: such a factor has poles at the
        angle pi/s from the real axis, which decide how fast panels may grow.
    breaks : tuple of float
        Degrees after which what is summed may jump.

    Returns
    -------
    Ladder
    """
    longer = 1.4 * min(1.0, float(np.sin(np.pi / max(decay, 2.0))))
    single = max(_SINGLE, int(np.ceil(_ORDER / longer)))
    ends = sorted({float((b - parity) // 2 + 1) for b in breaks if b < _LAST})  # in steps of two
    nodes, weights = [], []
    start, last = 0.0, (_LAST - parity) / 2.0
    while start < last:
        stop = float(single) if start < single else np.ceil(start * (1.0 + longer))
        later = [end for end in ends if end > start]
        stop = min(stop, *later) if later else stop
        x, w = _singly(stop - start) if stop <= single else _rule(stop - start)
        nodes.append(start + x)
        weights.append(w)
        start = stop
    return Ladder(
        parity + 2.0 * np.concatenate(nodes), np.concatenate(weights), parity + 2.0 * start
    )


def _singly(count: float) -> tuple[Array, Array]:
    return np.arange(count, dtype=float), np.ones(int(count))


def _rule(count: float) -> tuple[Array, Array]:
    """Nodes and weights for the sum over 0, 1, ..., count - 1."""
    if count <= _ORDER:
        return _singly(count)
    j = np.arange(1, _ORDER)
    # recurrence of the discrete Chebyshev polynomials, in units of the length of the panel
    off = 0.5 * j * np.sqrt((1.0 - (j / count) ** 2) / (4.0 * j * j - 1.0))
    x, v = eigh_tridiagonal(np.full(_ORDER, 0.5 - 0.5 / count), off)
    return np.asarray(count * x), np.asarray(count * v[0] ** 2)
