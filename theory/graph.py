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

_LAYERS = np.array([0.0, 1.0, 3.0, 8.0])


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


def mesh(loss: Loss, y: float, V: Array, T: Array, omega: Array) -> Panels:
    """Panels along the graph for each row of increasing ``omega``, with the loss's own knots.

    Temperature smooths what happens at a knot over sqrt(T V) in omega: a layer that a panel ending
    at the knot would step over without seeing it, so the mesh is graded there.

    Parameters
    ----------
    loss, y
        Loss and label.
    V, T : ndarray of shape (points,)
        Width of the prox, and temperature.
    omega : ndarray of shape (points, edges)
        Mesh wanted in omega.
    """
    t = loss.prox(y, omega, V[:, None])
    low, high = t[:, :1], t[:, -1:]
    special = np.array([*loss.knots(y), *loss.kinks(y), 0.0])  # at t = 0 the label changes
    if loss.strip > 0:
        # an analytic loss leaves no layer, and blurred over more than its strip no knot either
        inner = np.where((np.sqrt(T * V) < loss.strip)[:, None], special, 0.0)
        return panels(np.concatenate([t, np.clip(inner, low, high)], axis=1))
    sides = np.nextafter(special, np.array([[-np.inf], [np.inf]]))
    stiff = 1.0 + V[:, None, None] * loss.curvature(y, sides)
    layer = np.sqrt((T * V)[:, None, None] / stiff) * np.array([-1.0, 1.0])[:, None]
    graded = special + layer[:, None] * _LAYERS[:, None, None]
    edges = np.clip(graded.reshape(V.size, -1), low, high)
    pieces = [np.concatenate([t, edges], axis=1)]
    blur = np.sqrt(T * V)[:, None] * _LAYERS
    for k in loss.kinks(y):
        below, above = (
            np.asarray(loss.slope(y, np.full(1, np.nextafter(k, side))))[0]
            for side in (-np.inf, np.inf)
        )
        a, b = (np.clip(k + V * s, omega[:, 0], omega[:, -1])[:, None] for s in (below, above))
        inner = np.concatenate([omega, a + blur, b - blur], axis=1)
        pieces.append(np.clip(inner, a, b))
    return panels(*pieces)
