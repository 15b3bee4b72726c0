"""Averages over the tilted measure exp(-[(t - omega)^2 / (2 V) + l(y, t)] / T) in one dimension.

V is the susceptibility of zero temperature (beta times the variance), T = 1/beta. For convex l the
measure is log-concave with its mode at the prox, where the graph already has it. With U the exponent
and u = t - mode, everything is written in increments from the mode, so that T -> 0 loses nothing:

    f  = -E[l'],                    df/domega = -Cov(t, l') / (T V),
    ln Z = -U(mode)/T + ln int exp(-(U - U(mode))/T) dt / sqrt(2 pi T V).

Analytic losses take the trapezoidal rule, which converges geometrically; all others composite
Gauss-Legendre panels that end at their kinks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from theory.losses.base import Loss

__all__ = ["Tilted", "averages"]

Array = NDArray[np.float64]

_DROP = 40.0  # the density is followed down to exp(-40)
_TRAPEZOID = np.linspace(0.0, 1.0, 65)
_ORDER = 12
_NODES, _WEIGHTS = legendre.leggauss(_ORDER)
# Integral from the left end of [-1, 1] to each node, and to the right end.
_VANDER = legendre.legvander(_NODES, _ORDER - 1)
_TO_COEFFICIENTS = (_VANDER * _WEIGHTS[:, None]).T * (np.arange(_ORDER)[:, None] + 0.5)
_ANTIDERIVATIVE = np.stack(
    [legendre.legval(_NODES, legendre.legint(e, lbnd=-1)) for e in np.eye(_ORDER)], axis=1
)
_CUMULATIVE = (_ANTIDERIVATIVE @ _TO_COEFFICIENTS).T
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
    loss: Loss, y: float, mode: Array, omega: Array, V: Array, T: Array, observe: bool
) -> Tilted:
    """Tilted averages for flat arrays of one shape.

    Parameters
    ----------
    loss, y
        Loss and label.
    mode, omega : ndarray of shape (n,)
        A point of the graph: mode = prox(omega).
    V, T : ndarray of shape (n,)
        Susceptibility and temperature, > 0.
    observe : bool
        Whether ``loss`` and ``wrong`` are wanted; they are NaN otherwise.
    """
    low, high = (_reach(loss, y, mode, omega, V, T, side) for side in (-1.0, 1.0))
    out = Tilted(*(np.full(mode.shape, np.nan) for _ in Tilted._fields))
    step = (high - low) / (_TRAPEZOID.size - 1)
    width = np.sqrt(T * V / (1.0 + V * loss.curvature(y, mode)))
    smooth = (loss.strip > 0) & (step <= np.minimum(0.14 * loss.strip, 0.6 * width))
    for rule, chosen in ((_trapezoid, smooth), (_composite, ~smooth)):
        index = np.flatnonzero(chosen)
        if index.size:
            arguments = (a[index] for a in (mode, omega, V, T, low, high))
            part = rule(loss, y, *arguments, observe)
            for whole, value in zip(out, part, strict=True):
                whole[index] = value
    return out


def _reach(
    loss: Loss, y: float, mode: Array, omega: Array, V: Array, T: Array, side: float
) -> Array:
    """Distance, signed, at which the exponent has risen by at least _DROP, and not much more.

    The exponent is convex and at least u^2/(2V), so Newton from where that bound reaches the drop
    comes down monotonically.
    """
    u = side * np.sqrt(2.0 * _DROP * T * V)
    pull = mode - omega
    for _ in range(6):
        rise = u * (0.5 * u + pull) / V + loss.increment(y, mode, u)
        slope = (u + pull) / V + loss.slope(y, mode + u)
        with np.errstate(invalid="ignore", divide="ignore"):
            new = u - (rise - _DROP * T) / slope
        # rounding may put a step past the mode; what we have is still a valid reach
        u = np.where(np.isfinite(new) & (new * side > 0) & (rise > _DROP * T), new, u)
    return u


def _finish(
    u: Array,
    weight: Array,
    gradient: Array,
    loss: Loss,
    y: float,
    mode: Array,
    omega: Array,
    V: Array,
    T: Array,
    observe: bool,
) -> Tilted:
    """Moments from nodes u, unnormalised weights, and l'(mode + u) + f0 (0 at the mode)."""
    total = np.sum(weight, axis=-1)
    p = weight / total[..., None]
    mean_u = np.sum(p * u, axis=-1)
    mean_g = np.sum(p * gradient, axis=-1)
    cov = np.sum(p * (u - mean_u[..., None]) * gradient, axis=-1)
    blank = np.full(mode.shape, np.nan)
    t = mode[..., None] + u
    value = np.sum(p * loss.value(y, t), axis=-1) if observe else blank
    square = np.sum(p * (y - t) ** 2, axis=-1) if observe else blank
    return Tilted(
        f=(mode - omega) / V - mean_g,
        df=-cov / (T * V),
        log_z=T * np.log(total / np.sqrt(2.0 * np.pi * T * V)),
        loss=value,
        wrong=blank,
        square=square,
    )


def _trapezoid(
    loss: Loss,
    y: float,
    mode: Array,
    omega: Array,
    V: Array,
    T: Array,
    low: Array,
    high: Array,
    observe: bool,
) -> Tilted:
    """Uniform nodes over the whole reach."""
    u = low[:, None] + (high - low)[:, None] * _TRAPEZOID
    v, pull = V[:, None], (mode - omega)[:, None]
    m = mode[:, None]
    rise = u * (0.5 * u + pull) / v + loss.increment(y, m, u)
    step = (high - low) / (_TRAPEZOID.size - 1)
    weight = np.exp(-rise / T[:, None]) * step[:, None]
    # l'(mode + u) - l'(mode) cancels for small u, to eps / u: harmless against cov / (T V)
    gradient = loss.slope(y, m + u) + pull / v
    out = _finish(u, weight, gradient, loss, y, mode, omega, V, T, observe)
    if observe:
        # a discontinuous observable needs panels that end at its jump
        out = out._replace(wrong=_composite(loss, y, mode, omega, V, T, low, high, True).wrong)
    return out


def _composite(
    loss: Loss,
    y: float,
    mode: Array,
    omega: Array,
    V: Array,
    T: Array,
    low: Array,
    high: Array,
    observe: bool,
) -> Tilted:
    """Panels that double away from the mode and end at kinks, knots and t = 0."""
    cuts = np.array([*loss.kinks(y), *loss.knots(y), 0.0]) - mode[:, None]
    inner = np.clip(cuts, low[:, None], high[:, None])
    edges = np.sort(
        np.concatenate([low[:, None] * _FRACTIONS[1:], high[:, None] * _FRACTIONS, inner], axis=1),
        axis=1,
    )
    half = 0.5 * np.diff(edges, axis=1)
    middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
    u = middle[..., None] + half[..., None] * _NODES
    m, v = mode[:, None, None], V[:, None, None]
    pull = (mode - omega)[:, None, None] / v
    gradient = loss.slope(y, m + u) + pull
    force = gradient + u / v  # U'(mode + u), from increments
    cumulative = (force @ _CUMULATIVE) * half[..., None]
    whole = (force @ _WEIGHTS) * half
    # integrate outwards from the mode, which is an edge
    start = np.cumsum(whole, axis=1) - whole
    origin = np.sum(np.where(middle < 0, whole, 0.0), axis=1)
    rise = start[..., None] + cumulative - origin[:, None, None]
    weight = np.exp(-rise / T[:, None, None]) * (half[..., None] * _WEIGHTS)
    flat = (mode.size, -1)
    out = _finish(
        u.reshape(flat),
        weight.reshape(flat),
        gradient.reshape(flat),
        loss,
        y,
        mode,
        omega,
        V,
        T,
        observe,
    )
    if observe:
        wrong = y * (m + u) < 0
        share = np.sum(np.where(wrong, weight, 0.0), axis=(1, 2)) / np.sum(weight, axis=(1, 2))
        out = out._replace(wrong=share)
    return out
