"""The graph omega = t + V dl(y, t): the proximal operator without solving for it.

Smooth stretches of the loss are parametrised by t, with omega = t + V l'(y, t); at a kink of the loss t
stands still while omega runs over [k + V l'(k-), k + V l'(k+)]. Integrals over omega become integrals
over these pieces, as smooth as the loss itself, also when V is huge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.losses.base import Loss
from theory.quadrature import Panels, panels

__all__ = ["GraphPoint", "mesh", "points"]

Array = NDArray[np.float64]


class GraphPoint(NamedTuple):
    """Points of the graph.

    Attributes
    ----------
    t, omega : ndarray
        The prox and its argument.
    speed : ndarray
        d omega / dx, x the parameter of the piece.
    f, df : ndarray
        (t - omega) / V and its derivative in omega.
    """

    t: Array
    omega: Array
    speed: Array
    f: Array
    df: Array


def points(loss: Loss, y: float, piece: NDArray[np.intp], x: Array, V: Array) -> GraphPoint:
    """Evaluate the graph at parameters ``x`` of the given pieces (0 smooth, k the k-th kink)."""
    slope, curvature = loss.slope(y, x), loss.curvature(y, x)
    speed = 1.0 + V * curvature
    smooth = GraphPoint(x, x + V * slope, speed, -slope, -curvature / speed)
    kinks = loss.kinks(y)
    if not kinks:
        return smooth
    at_kink = (piece > 0)[:, None]
    k = np.asarray(kinks)[np.maximum(piece, 1) - 1][:, None]
    kinked = GraphPoint(k, x, np.ones(1), (k - x) / V, -1.0 / V)
    return GraphPoint(*(np.where(at_kink, a, b) for a, b in zip(kinked, smooth, strict=True)))


def mesh(loss: Loss, y: float, V: Array, omega: Array) -> Panels:
    """Panels along the graph for each row of increasing ``omega``, with the loss's own knots.

    Parameters
    ----------
    loss, y
        Loss and label.
    V : ndarray of shape (points,)
        Width of the prox.
    omega : ndarray of shape (points, edges)
        Mesh wanted in omega.
    """
    t = loss.prox(y, omega, V[:, None])
    low, high = t[:, :1], t[:, -1:]
    inner = np.array([*loss.knots(y), *loss.kinks(y)])
    pieces = [np.concatenate([t, np.clip(inner, low, high)], axis=1)]
    for k in loss.kinks(y):
        below, above = (
            np.asarray(loss.slope(y, np.full(1, np.nextafter(k, side))))[0]
            for side in (-np.inf, np.inf)
        )
        ends = [np.clip(k + V * s, omega[:, 0], omega[:, -1])[:, None] for s in (below, above)]
        pieces.append(np.concatenate([np.clip(omega, *ends), *ends], axis=1))
    return panels(*pieces)
