"""Averages over the tilted measure exp(-[(t - omega)^2 / (2 V) + l(y, t)] / T) in one dimension.

V is the susceptibility of zero temperature (beta times the variance), T = 1/beta. For convex l the
measure is log-concave with its mode at the prox, where the graph already has it. With U the exponent
and u = t - mode, everything is written in increments from the mode, so that T -> 0 loses nothing:

    f  = -E[l'],                    df/domega = -Cov(t, l') / (T V),
    ln Z = -U(mode)/T + ln int exp(-(U - U(mode))/T) dt / sqrt(2 pi T V).

Losses with wings take closed forms there (winged.py), unless the measure is narrow. Otherwise analytic
losses take the trapezoidal rule, which converges geometrically; all others composite Gauss-Legendre
panels that end at their kinks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.equations.channel import winged
from twinpeaks.theory.losses.base import Loss

__all__ = ["Tilted", "averages"]

_DROP = 40.0  # the density is followed down to exp(-40)
_UNITS = 5.0  # largest change of the exponent on one panel
_INTERVALS = np.array([32, 48, 64, 96, 128, 192, 256, 384, 512])  # of the trapezoidal rule
_ORDER = 12
_NODES, _WEIGHTS = legendre.leggauss(_ORDER)
# Integral from the left end of [-1, 1] to each node, and to the right end.
_VANDER = legendre.legvander(_NODES, _ORDER - 1)
_TO_COEFFICIENTS = (_VANDER * _WEIGHTS[:, None]).T * (np.arange(_ORDER)[:, None] + 0.5)
_ANTIDERIVATIVE = np.stack(
    [legendre.legval(_NODES, legendre.legint(e, lbnd=-1)) for e in np.eye(_ORDER)], axis=1
)
_CUMULATIVE = (_ANTIDERIVATIVE @ _TO_COEFFICIENTS).T
_TAIL = np.array([0.0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0])
_FRACTIONS = np.array([0.0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0])


class Tilted(NamedTuple):
    """Moments of the tilted measure.

    Attributes
    ----------
    f, df : ndarray
        -E[l'] and its derivative in omega.
    log_z : ndarray
        T ln Z + U(mode): the entropic part, which vanishes with T.
    loss : ndarray
        E[l].
    wrong : ndarray
        P(y t < 0).
    square : ndarray
        E[(y - t)^2].
    """

    f: Array
    df: Array
    log_z: Array
    loss: Array
    wrong: Array
    square: Array


def averages(
    loss: Loss, y: float, mode: Array, pull: Array, V: Array, T: Array, observe: bool
) -> Tilted:
    """Tilted averages for flat arrays of one shape.

    Parameters
    ----------
    loss, y
        Loss and label.
    mode, pull : ndarray of shape (n,)
        A point of the graph: mode = prox(omega) and (mode - omega) / V, which is minus a
        subgradient of l at the mode.
    V, T : ndarray of shape (n,)
        Susceptibility and temperature, > 0.
    observe : bool
        Whether ``loss`` and ``wrong`` are wanted; they are NaN otherwise.
    """
    out = Tilted(*(np.full(mode.shape, np.nan) for _ in Tilted._fields))
    suited = winged.suits(loss, y, mode, V, T)
    for take, index in (
        (winged.averages, np.flatnonzero(suited)),
        (_by_reach, np.flatnonzero(~suited)),
    ):
        if index.size:
            part = take(loss, y, mode[index], pull[index], V[index], T[index], observe)
            for whole, value in zip(out, part, strict=True):
                whole[index] = value
    return out


def _by_reach(
    loss: Loss, y: float, mode: Array, pull: Array, V: Array, T: Array, observe: bool
) -> Tilted:
    """Quadrature of every row for itself, as far as its density reaches."""
    low, high = (_reach(loss, y, mode, pull, V, T, side) for side in (-1.0, 1.0))
    out = Tilted(*(np.full(mode.shape, np.nan) for _ in Tilted._fields))
    width = np.sqrt(T * V / (1.0 + V * loss.curvature(y, mode)))
    wanted = (high - low) / np.maximum(np.minimum(0.14 * loss.strip, 0.6 * width), 1e-300)
    tier = np.searchsorted(_INTERVALS, wanted)
    for k in range(_INTERVALS.size + 1):
        chosen = np.flatnonzero(tier == k)
        # pieces whose arrays stay in the second-level cache
        pieces = -(-chosen.size * int(_INTERVALS[min(k, _INTERVALS.size - 1)]) // 32768)
        for index in np.array_split(chosen, max(pieces, 1)) if chosen.size else ():
            line = _Line(loss, y, *(a[index] for a in (mode, pull, V, T, low, high)))
            if k < _INTERVALS.size:
                part = _trapezoid(line, observe, int(_INTERVALS[k]))
            else:
                part = _composite(line, observe)
            for whole, value in zip(out, part, strict=True):
                whole[index] = value
    return out


def _reach(
    loss: Loss, y: float, mode: Array, pull: Array, V: Array, T: Array, side: float
) -> Array:
    """Distance, signed, at which the exponent has risen by at least _DROP, and not much more.

    The exponent is convex and at least u^2/(2V): the bracket between nothing and where that bound
    reaches the drop is bisected in ln u.
    """
    far = np.sqrt(2.0 * _DROP * T * V)
    near = 1e-8 * far
    for _ in range(9):
        middle = np.sqrt(near * far)
        u = side * middle
        rise = u * (0.5 * u / V + pull) + loss.increment(y, mode, u)
        enough = rise >= _DROP * T
        far, near = np.where(enough, middle, far), np.where(enough, near, middle)
    return side * far


class _Line(NamedTuple):
    """The exponent along u = t - mode, for flat arrays of modes."""

    loss: Loss
    y: float
    mode: Array
    pull: Array
    V: Array
    T: Array
    low: Array
    high: Array

    def rise(self, u: Array) -> Array:
        """U(mode + u) - U(mode) from increments, u of shape (n, nodes)."""
        m, back, v = (a[:, None] for a in (self.mode, self.pull, self.V))
        return np.asarray(u * (0.5 * u / v + back) + self.loss.increment(self.y, m, u))


def _trapezoid(line: _Line, observe: bool, intervals: int) -> Tilted:
    """Uniform nodes over the whole reach."""
    loss, y, mode, pull, V, T, low, high = line
    u = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, intervals + 1)
    m, back = mode[:, None], pull[:, None]
    p = np.exp(-line.rise(u) / T[:, None])
    total = p.sum(axis=1)
    p /= total[:, None]
    # l'(mode + u) - l'(mode) cancels for small u, to eps / u: harmless against cov / (T V)
    gradient = loss.slope(y, m + u) + back
    mean = (p * u).sum(axis=1)
    cov = (p * (u - mean[:, None]) * gradient).sum(axis=1)
    z = total * (high - low) / intervals
    blank = np.full(mode.shape, np.nan)
    out = Tilted(
        f=pull - (p * gradient).sum(axis=1),
        df=-cov / (T * V),
        log_z=T * np.log(z / np.sqrt(2.0 * np.pi * T * V)),
        loss=blank,
        wrong=blank,
        square=blank,
    )
    if not observe:
        return out
    # The smaller of the two sides of t = 0 is a decaying tail: panels that double away from it.
    far = np.where(mode > 0, np.minimum(low + mode, 0.0), np.maximum(high + mode, 0.0))
    edges = far[:, None] * _TAIL
    half = 0.5 * np.diff(edges, axis=1)[..., None]
    t = (edges[:, :-1, None] + half * (1.0 + _NODES)).reshape(mode.size, -1)
    height = line.rise(t - m) / T[:, None]
    mass = np.abs((np.exp(-height) * (half * _WEIGHTS).reshape(mode.size, -1)).sum(axis=1)) / z
    wrong = np.where(y * mode > 0, mass, 1.0 - mass)
    value, square = ((p * a).sum(axis=1) for a in (loss.value(y, m + u), (y - m - u) ** 2))
    return out._replace(loss=value, wrong=wrong, square=square)


def _composite(line: _Line, observe: bool) -> Tilted:
    """Panels that double away from the mode and end at kinks, knots and t = 0.

    They are cut so fine that the exponent changes by a few units on each.
    """
    loss, y, mode, pull, V, T, low, high = line
    cuts = np.array([*loss.kinks(y), *loss.knots(y), 0.0]) - mode[:, None]
    inner = np.clip(cuts, low[:, None], high[:, None])
    edges = np.sort(
        np.concatenate([low[:, None] * _FRACTIONS[1:], high[:, None] * _FRACTIONS, inner], axis=1),
        axis=1,
    )
    height = line.rise(edges) / T[:, None]
    drop = np.abs(np.diff(height, axis=1))
    lowest = np.minimum(height[:, 1:], height[:, :-1])
    # a height that is no number makes averages that are none, and they are noticed
    slices = np.clip(np.ceil(np.nan_to_num(drop) / _UNITS), 1, 12).astype(np.intp)
    slices[(np.diff(edges, axis=1) <= 0) | (lowest > _DROP + 5)] = 0
    # one row for each slice, in order along the line
    row, panel = (np.repeat(a, slices.ravel()) for a in np.indices(slices.shape).reshape(2, -1))
    number = np.arange(row.size) - np.repeat(
        np.cumsum(slices.ravel()) - slices.ravel(), slices.ravel()
    )
    width = np.diff(edges, axis=1)[row, panel] / slices[row, panel]
    start = edges[row, panel] + number * width
    half = 0.5 * width
    u = start[:, None] + half[:, None] * (1.0 + _NODES)
    m, back, v, t = (a[row][:, None] for a in (mode, pull, V, T))
    gradient = loss.slope(y, m + u) + back
    sliced = _Line(loss, y, *(a[row] for a in (mode, pull, V, T, low, high)))
    inside = ((gradient + u / v) @ _CUMULATIVE) * half[:, None]
    weight = np.exp(-(sliced.rise(start[:, None]) + inside) / t) * (half[:, None] * _WEIGHTS)

    def average(values: Array) -> Array:
        return np.asarray(np.bincount(row, (weight * values).sum(axis=1), mode.size), dtype=float)

    total = average(np.ones(1))
    mean_u = average(u) / total
    blank = np.full(mode.shape, np.nan)
    out = Tilted(
        f=pull - average(gradient) / total,
        df=-average((u - mean_u[row][:, None]) * gradient) / total / (T * V),
        log_z=T * np.log(total / np.sqrt(2.0 * np.pi * T * V)),
        loss=blank,
        wrong=blank,
        square=blank,
    )
    if not observe:
        return out
    return out._replace(
        loss=average(loss.value(y, m + u)) / total,
        wrong=average((y * (m + u) < 0).astype(float)) / total,
        square=average((y - m - u) ** 2) / total,
    )
