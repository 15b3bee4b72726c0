"""The covariance kernel of an activation, by quadrature.

K(rho) = E[sigma(g) sigma(g_rho)] = E_g[sigma(g) E_h[sigma(rho g + sqrt(1 - rho^2) h)]]. Both averages
run over panels on which sigma is a polynomial to rounding. The inner average bends over a width
sqrt(1 - rho^2) around every kink (its mirror image, for rho < 0), to which the outer panels shrink
geometrically: the rule is as good at rho = 1 - 1e-9 as at 1/2, where sum_k kappa_k^2 rho^k of an activation
with kinks converges only like a power of the degree.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial import legendre

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.numerics.piecewise import PiecewisePolynomial, approximate

__all__ = ["correlation"]


_NODES, _WEIGHTS = legendre.leggauss(20)
# The last three Legendre coefficients of a function on a panel, from its values at the nodes.
_LAST = (legendre.legvander(_NODES, 19)[:, -3:] * _WEIGHTS[:, None]) * np.array([17.5, 18.5, 19.5])
_NARROW = 1e-10
_REACH = 9.0  # Gaussian mass beyond: 2e-19
_MESH = np.linspace(-_REACH, _REACH, 13)
_CHUNK = 500_000  # evaluations of sigma alive at a time


def correlation(
    function: Callable[[Array], Array],
    pieces: PiecewisePolynomial,
    rho: Array,
) -> Array:
    """E[sigma(g) sigma(g_rho)] for standard normals of correlation rho.

    Parameters
    ----------
    function : callable
        sigma, elementwise on float64 arrays.
    pieces : PiecewisePolynomial
        Of the same function, on an interval that holds all Gaussian mass.
    rho : ndarray
        Correlations in [-1, 1].

    Returns
    -------
    ndarray of the shape of rho
    """
    ends = _ends(pieces)
    bends = _bends(function, pieces, ends)
    low, high = float(ends[0]), float(ends[-1])
    if np.any(np.diff(ends) < _NARROW):  # once a kink is known, nothing around it need be narrow
        ends = _ends(approximate(function, low, high, tuple(bends)))
    cuts = np.unique([*ends, *bends])
    block = max(1, _CHUNK // (_NODES.size * (cuts.size + _MESH.size)))

    def kernel(r: float) -> float:
        width = np.sqrt((1.0 - r) * (1.0 + r))
        grades = 4.0 ** -np.arange(np.log(4.0 / max(width, _NARROW)) / np.log(4.0))
        centres = np.sign(r) * np.reshape(bends, (-1, 1))
        mesh = np.concatenate([cuts, *(centres + grades), *(centres - grades)]).clip(low, high)
        x, weight = (a.ravel() for a in _panels(np.unique(mesh)))
        outer = np.asarray(function(x)) * weight * _gauss(x)
        total = 0.0
        for start in range(0, x.size, block):
            centre = r * x[start : start + block, None]
            meets = ((cuts - centre) / max(width, 1e-300)).clip(-_REACH, _REACH)
            edges = np.hstack([np.broadcast_to(_MESH, (len(centre), _MESH.size)), meets])
            h, inner = _panels(np.sort(edges, axis=1))
            at = (centre[..., None] + width * h).clip(low, high)
            smooth = np.sum(inner * _gauss(h) * np.asarray(function(at)), axis=(1, 2))
            total += float(outer[start : start + block] @ smooth)
        return total

    return np.array([kernel(float(r)) for r in rho.ravel()]).reshape(rho.shape)


def _gauss(x: Array) -> Array:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi))


def _panels(edges: Array) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights between successive edges, along a new last axis."""
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[..., 1:] + edges[..., :-1])
    return middle[..., None] + half[..., None] * _NODES, half[..., None] * _WEIGHTS


def _ends(pieces: PiecewisePolynomial) -> Array:
    """Ends of the pieces, first to last."""
    middle = 0.5 * (pieces.nodes[:, 0] + pieces.nodes[:, -1])
    half = 0.5 * pieces.weights.sum(axis=1)
    return np.append(middle - half, middle[-1] + half[-1])


def _bends(
    function: Callable[[Array], Array], pieces: PiecewisePolynomial, ends: Array
) -> list[float]:
    """Every kink once: ends of pieces across which sigma is no polynomial, and pieces without width."""
    widths = np.diff(ends)
    near = 0.5 * np.minimum(widths[1:], widths[:-1])
    values = np.asarray(function(ends[1:-1, None] + near[:, None] * _NODES))
    tail = np.abs(values @ _LAST).max(axis=1)
    rough = ends[1:-1][tail > 1e-9 * np.max(np.abs(values), axis=1)]
    narrow = pieces.nodes[widths < _NARROW, 0]
    places = np.sort(np.concatenate([rough, narrow]))
    return [float(b) for b in places[np.diff(places, prepend=-np.inf) > 1e-9]]
