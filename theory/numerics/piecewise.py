"""Adaptive piecewise-polynomial approximation.

A function is bisected until each piece is a polynomial to rounding; kinks that nobody declared are
driven into pieces of vanishing width. On such pieces integrals and derivatives are exact to rounding,
which gives E[sigma'^2] without asking the user for a derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from twinpeaks.theory.arrays import Array, Bools

__all__ = ["PiecewisePolynomial", "approximate"]

_ORDER = 20
_NODES, _WEIGHTS = legendre.leggauss(_ORDER)
_VANDER = legendre.legvander(_NODES, _ORDER - 1)
# Discrete orthogonality of the Legendre polynomials on the Gauss nodes.
_TO_COEFFICIENTS = (_VANDER * _WEIGHTS[:, None]).T * (np.arange(_ORDER)[:, None] + 0.5)
_DERIVATIVE = (
    np.stack([legendre.legval(_NODES, legendre.legder(e)) for e in np.eye(_ORDER)], axis=1)
    @ _TO_COEFFICIENTS
)
_INSET = np.array([-1.0, 1.0]) * (1.0 - 1e-12)  # inside, so that a declared jump stays outside
_TO_ENDS = (legendre.legvander(_INSET, _ORDER - 1) @ _TO_COEFFICIENTS).T
_NARROW = 1e-13  # pieces below this share of the interval hold a kink or a jump


@dataclass(frozen=True)
class PiecewisePolynomial:
    """A resolved function on Gauss-Legendre nodes of its pieces.

    Attributes
    ----------
    nodes, weights, values, slopes : ndarray of shape (pieces, order)
        Quadrature nodes and weights, the function and its derivative there.
    error : float
        Largest relative size of the last Legendre coefficients, with the share of the interval
        that narrow pieces cover.
    jumps : tuple of float
        Where the function itself jumps.
    """

    nodes: Array
    weights: Array
    values: Array
    slopes: Array
    error: float
    jumps: tuple[float, ...]


def approximate(
    function: Callable[[Array], Array],
    low: float,
    high: float,
    kinks: tuple[float, ...] = (),
    tol: float = 3e-15,
    gaussian: bool = True,
) -> PiecewisePolynomial:
    """Resolve ``function`` on [low, high].

    Parameters
    ----------
    function : callable
        Elementwise map of float64 arrays.
    low, high : float
        The interval.
    kinks : tuple of float
        Where the function is known to be non-smooth.
    tol : float
        Relative size at which trailing Legendre coefficients count as zero.
    gaussian : bool
        Whether digits count by their weight under N(0, 1), or equally everywhere.

    Raises
    ------
    ValueError
        If the function is not finite, changes shapes, or needs more than 20000 pieces.
    """
    inner = [k for k in kinks if low < k < high]
    edges = np.unique(np.concatenate([np.linspace(low, high, 25), inner]))
    left, right = edges[:-1], edges[1:]
    kept: list[tuple[Array, Array, Array, Array]] = []
    span = high - low
    scale = 0.0
    count = 0
    while left.size:
        count += left.size
        if count > 20000:
            raise ValueError("the function could not be resolved; is it noise, or oscillating?")
        middle, half = 0.5 * (left + right), 0.5 * (right - left)
        nodes = middle[:, None] + half[:, None] * _NODES
        values = np.asarray(function(nodes), dtype=float)
        if values.shape != nodes.shape:
            raise ValueError(
                f"the function maps shape {nodes.shape} to {values.shape}; it must act elementwise"
            )
        if not np.all(np.isfinite(values)):
            bad = nodes[~np.isfinite(values)][0]
            raise ValueError(f"the function is not finite at x = {bad:.6g}")
        coefficients = np.abs(values @ _TO_COEFFICIENTS.T)
        size = np.max(np.abs(values), axis=1)
        # Judge a piece by its own size under the Gaussian weight, so that the far tails of a
        # growing function do not ask for digits that the integrals never see.
        near = np.minimum(np.abs(left), np.abs(right))
        damp = np.exp(-0.5 * near**2) if gaussian else np.ones_like(near)
        scale = max(scale, float(np.max(size * damp)))
        tail = np.max(coefficients[:, -3:], axis=1)
        # A kink between the last node and the end of a piece is seen by its end values alone.
        inset = middle[:, None] + half[:, None] * _INSET
        ends = np.abs(values @ _TO_ENDS - np.asarray(function(inset), dtype=float)).max(axis=1)
        tail = np.maximum(tail, 0.01 * ends)
        done = (tail <= tol * 8 * size) | (tail * damp <= tol * scale) | (half < _NARROW * span)
        kept.append((nodes[done], half[done], values[done], tail[done] * damp[done]))
        left, middle, right = left[~done], middle[~done], right[~done]
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    nodes, half, values, tail = (np.concatenate(part) for part in zip(*kept, strict=True))
    order = np.argsort(nodes[:, 0])
    nodes, half, values, tail = nodes[order], half[order], values[order], tail[order]
    narrow = half < _NARROW * span * 2
    slopes = np.where(narrow[:, None], 0.0, values @ _DERIVATIVE.T / half[:, None])
    jumps = _jumps(nodes, values, narrow, scale)
    wide_error = float(np.max(tail[~narrow], initial=0.0)) / scale if scale else 0.0
    return PiecewisePolynomial(
        nodes,
        half[:, None] * _WEIGHTS,
        values,
        slopes,
        wide_error + float(np.sum(2 * half[narrow])) / span,
        jumps,
    )


def _jumps(nodes: Array, values: Array, narrow: Bools, scale: float) -> tuple[float, ...]:
    """Jumps between the ends of neighbouring pieces, and inside narrow ones."""
    # by their Gaussian weight: tails that nobody resolved are not jumps
    damp = np.exp(-0.5 * nodes[:, 0] ** 2)
    rise = np.ptp(values, axis=1) * damp
    inside = nodes[narrow & (rise > 1e-6 * scale), 0]
    # At a declared kink the two sides meet at an edge: compare the extrapolated end values.
    at_ends = values @ _TO_ENDS
    gap = np.abs(at_ends[1:, 0] - at_ends[:-1, 1]) * damp[1:]
    between = nodes[1:][(gap > 1e-6 * scale) & ~narrow[1:] & ~narrow[:-1], 0]
    return tuple(float(x) for x in np.unique(np.concatenate([inside, between])))
