"""The graph omega = t + V dl(y, t): the proximal operator, parametrised where it is smooth.

A stretch of the loss is parametrised by t, with omega = t + V l'(y, t) explicit, as smooth as the loss
itself also when V is huge. Two kinds of stretch are parametrised by omega instead. At a kink of the
loss t stands still while omega runs over [k + V l'(k-), k + V l'(k+)]. Where V l'' is large a wide
interval of omega is squeezed into a narrow one of t, and the rounding of t and of l', amplified by V,
would be noise in omega: there t is the prox, and f = (t - omega) / V, which V divides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.numerics.quadrature import Panels

__all__ = ["GraphPoint", "mesh", "points"]

_LAYERS = np.array([0.0, 1.0, 3.0, 8.0])
# A panel is parametrised by omega when it is that much wider in omega than in t, and so narrow in t,
# relative to t, that rounding of t would be seen. (Exponential tails stretch but do not squeeze.)
_STIFF, _NARROW = 300.0, 1e-3
_SMOOTH, _SQUEEZED = 0, -1  # pieces; the k-th kink is piece k


class GraphPoint(NamedTuple):
    """Points of the graph.

    Attributes
    ----------
    t, omega : ndarray
        The prox and its argument, both less the shift of ``Loss.centred``.
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


def points(loss: Loss, y: float, piece: Index, x: Array, V: Array) -> GraphPoint:
    """Evaluate the graph at parameters ``x`` of the given pieces.

    Parameters
    ----------
    loss, y
        Loss and its centred label.
    piece : ndarray of shape (panels,)
        What ``mesh`` made of each panel.
    x : ndarray of shape (panels, nodes)
    V : ndarray of shape (panels, 1)
    """
    if np.all(piece == _SMOOTH):
        slope, curvature = loss.slope(y, x), loss.curvature(y, x)
        speed = 1.0 + V * curvature
        return GraphPoint(x, x + V * slope, speed, -slope, -curvature / speed)
    t = x.copy()
    squeezed = np.flatnonzero(piece == _SQUEEZED)
    if squeezed.size:
        # a callable with noise in its derivative would be bisected to the end of the default
        t[squeezed] = loss.prox(y, x[squeezed], V[squeezed], 60)
    kinked = piece > 0
    if np.any(kinked):
        t[kinked] = np.asarray(loss.kinks(y))[piece[kinked] - 1][:, None]
    slope, curvature = loss.slope(y, t), loss.curvature(y, t)
    speed = 1.0 + V * curvature
    by_t, at_kink = (piece == _SMOOTH)[:, None], kinked[:, None]
    return GraphPoint(
        t,
        np.where(by_t, t + V * slope, x),
        np.where(by_t, speed, 1.0),
        np.where(by_t, -slope, (t - x) / V),
        np.where(at_kink, -1.0 / V, -curvature / speed),
    )


def mesh(loss: Loss, y: float, V: Array, T: Array, omega: Array, signs: bool = False) -> Panels:
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
    signs : bool
        Whether the sign of t is averaged too, which has a layer at t = 0 whatever the loss.

    Returns
    -------
    Panels
        In the parameters of ``points``, t and omega less the shift of ``Loss.centred``.
    """
    y, shift = loss.centred(y)
    omega = omega - shift
    special = np.array([*loss.knots(y), *loss.kinks(y), -shift])  # at t = 0 the label changes
    width = np.sqrt(T * V)
    if loss.strip > 0:
        # an analytic loss leaves no layer, and blurred over more than its strip no knot either
        inner = np.where((width < loss.strip)[:, None], special, 0.0)
        if signs and np.any(T > 0):
            stiff = 1.0 + V * loss.curvature(y, np.full(1, -shift))
            edge = (width / np.sqrt(stiff))[:, None] * np.concatenate([-_LAYERS, _LAYERS])
            inner = np.concatenate([inner, edge - shift], axis=1)
    elif not np.any(T > 0):
        inner = np.broadcast_to(special, (V.size, special.size))
    else:
        sides = np.nextafter(special, np.array([[-np.inf], [np.inf]]))
        stiff = 1.0 + V[:, None, None] * loss.curvature(y, sides)
        layer = width[:, None, None] / np.sqrt(stiff) * np.array([-1.0, 1.0])[:, None]
        inner = (special + layer[:, None] * _LAYERS[:, None, None]).reshape(V.size, -1)
    in_t = [loss.prox(y, omega, V[:, None]), inner]
    in_omega = [omega, inner + V[:, None] * loss.slope(y, inner)]
    low, high = omega[:, :1], omega[:, -1:]
    stops = []
    for k in loss.kinks(y):
        below, above = (
            np.asarray(loss.slope(y, np.full(1, np.nextafter(k, side))))[0]
            for side in (-np.inf, np.inf)
        )
        a, b = (np.clip(k + V[:, None] * s, low, high) for s in (below, above))
        blur = width[:, None] * _LAYERS
        edges = np.clip(np.concatenate([a + blur, b - blur], axis=1), a, b)
        in_omega.append(edges)
        in_t.append(np.full(edges.shape, k))
        stops.append((a, b))
    return _panels(np.concatenate(in_t, axis=1), np.concatenate(in_omega, axis=1), omega, stops)


def _panels(t: Array, w: Array, omega: Array, stops: list[tuple[Array, Array]]) -> Panels:
    """Panels between the edges (t, w) of each row, each in the parameter that suits it.

    ``stops`` holds the intervals of omega over which t stands still.
    """
    last = omega.shape[1] - 1  # the first columns are the ends of the mesh and what lies between
    t, w = np.clip(t, t[:, :1], t[:, last : last + 1]), np.clip(w, omega[:, :1], omega[:, -1:])
    order = np.argsort(w, axis=1)
    t, w = (np.take_along_axis(a, order, axis=1) for a in (t, w))
    rise, run = np.diff(w, axis=1), np.diff(t, axis=1)
    narrow = run < _NARROW * np.maximum(np.abs(t[:, :-1]), np.abs(t[:, 1:]))
    piece = np.where((rise > _STIFF * run) & narrow, _SQUEEZED, _SMOOTH)
    for number, (a, b) in enumerate(stops, start=1):
        piece[(w[:, :-1] >= a) & (w[:, 1:] <= b)] = number
    by_t = piece == _SMOOTH
    left, right = (np.where(by_t, t[:, s], w[:, s]) for s in (slice(-1), slice(1, None)))
    owner, column = np.nonzero((rise > 0) & (right > left))
    at = owner, column
    return Panels(owner, piece[at].astype(np.intp), left[at], right[at])
