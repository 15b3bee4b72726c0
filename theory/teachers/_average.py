"""Gaussian averages of a resolved function: E[g(nu)] for nu ~ N(omega, V), and two derivatives.

The function is evaluated once, on nodes that resolve both it and the Gaussian; an average is then a
sum over the window of nodes that the Gaussian reaches, whatever the callable costs. There is one table
of nodes for each range of widths sqrt(V): equidistant where the function is smooth enough, else of
Gauss-Legendre type on the panels on which it is a polynomial to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.polynomial import legendre

from twinpeaks.theory.arrays import Array

__all__ = ["GaussianAverage"]


_NODES, _WEIGHTS = legendre.leggauss(20)
_REACH = 11.0  # in widths: the average of a function that falls steeply comes from far out
_PANEL = 2.8  # longest panel in widths on which 20 nodes resolve the Gaussian to rounding
_EDGES = np.linspace(-_REACH, _REACH, 9)
_FINEST = 10  # in steps of sqrt(2), down to widths of 0.01 units: finer, nodes - centre cancels
_ORDERS = (8, 11, 14, 17)  # nodes of a panel to be tried before 20
_STEPS = (0.75, 0.6, 0.45, 0.35, 0.25)  # of equidistant nodes, in the narrowest width of a table
_SAME = 1e-13  # relative: two tables whose averages differ by less are equally good
_TRIED = 6.0  # units: where tables are compared
_FLOOR = 1e-12  # averages below need not keep _SAME
_WIDEST = -4  # beyond widths of 1.4 units one table serves all
_BLOCK = 1 << 14  # nodes at a time: arrays of 0.5 MB stay in the second-level cache


class _Table(NamedTuple):
    """Nodes in ascending order, and weight times function there."""

    nodes: Array
    values: Array


class GaussianAverage:
    """E[g(nu)] for nu ~ N(omega, V) with two derivatives in omega.

    Parameters
    ----------
    function : callable
        g, elementwise on float64 arrays.
    edges : ndarray
        Ascending; between neighbours g is a polynomial of degree 19 to rounding.
    unit : float
        Standard deviation of nu itself: the scale of the edges, and the largest width that matters.
    """

    def __init__(self, function: Callable[[Array], Array], edges: Array, unit: float) -> None:
        self.function, self.edges, self.unit = function, edges, unit
        self._tables: dict[int, _Table] = {}

    def __call__(self, omega: Array, V: Array) -> tuple[Array, Array, Array]:
        """Average, first and second derivative, each of the shape of omega and V together."""
        omega, V = np.broadcast_arrays(np.asarray(omega, float), np.asarray(V, float))
        centre, width = omega.ravel(), np.sqrt(V.ravel())
        reach = _REACH * width
        inside = (centre - reach >= self.edges[0]) & (centre + reach <= self.edges[-1])
        with np.errstate(divide="ignore"):
            level = np.ceil(-2.0 * np.log2(_PANEL * width / self.unit))
        # too fine or too far for a table, NaN included
        level = np.where(inside, np.clip(level, _WIDEST, _FINEST + 1), _FINEST + 1).astype(int)
        out = np.empty((3, centre.size))
        for k in np.unique(level):
            at = np.flatnonzero(level == k)
            if k > _FINEST:
                out[:, at] = self._direct(centre[at], width[at])
            else:
                out[:, at] = self._tabulated(self._table(int(k)), centre[at], width[at])
        out /= np.sqrt(2.0 * np.pi)
        out[1] /= width
        out[2] /= width * width
        value, first, second = out.reshape(3, *omega.shape)
        return value, first, second

    def _table(self, level: int) -> _Table:
        """The nodes for panels of at most 2^(-level/2) units, as few as give all digits."""
        if level in self._tables:
            return self._tables[level]
        longest = self.unit * 2.0 ** (-0.5 * level)
        parts = np.maximum(np.ceil(np.diff(self.edges) / longest - 1e-9), 1).astype(int)
        length = np.repeat(np.diff(self.edges) / parts, parts)
        step = np.arange(length.size) - np.repeat(np.cumsum(parts) - parts, parts)
        left = np.repeat(self.edges[:-1], parts) + step * length
        best = self._panels(left, length, 20)
        # The narrowest Gaussian of the table is the hardest.
        narrowest = longest / _PANEL
        centre = np.concatenate([left, left + 0.5 * length])
        centre = centre[np.abs(centre) < _TRIED * self.unit]
        width = np.full(centre.size, narrowest)
        exact = self._tabulated(best, centre, width)
        scale = np.abs(exact).max(axis=0) + _FLOOR
        candidates = [self._uniform(narrowest * share) for share in _STEPS]
        candidates += [self._panels(left, length, order) for order in _ORDERS]
        for table in sorted(candidates, key=lambda t: t.nodes.size):
            error = np.abs(self._tabulated(table, centre, width) - exact)
            if table.nodes.size < best.nodes.size and np.all(error <= _SAME * scale):
                best = table
                break
        self._tables[level] = best
        return best

    def _panels(self, left: Array, length: Array, order: int) -> _Table:
        """Gauss-Legendre nodes on panels: right for any function."""
        x, weights = legendre.leggauss(order)
        nodes = left[:, None] + 0.5 * length[:, None] * (1.0 + x)
        values = 0.5 * length[:, None] * weights * self.function(nodes)
        return _Table(nodes.ravel(), values.ravel())

    def _uniform(self, step: float) -> _Table:
        """Equidistant nodes: the fewest for an analytic function."""
        # The offset keeps a jump off the middle between nodes, where its error would hide.
        nodes = np.arange(self.edges[0] + 0.3 * step, self.edges[-1], step)
        return _Table(nodes, step * self.function(nodes))

    @staticmethod
    def _tabulated(table: _Table, centre: Array, width: Array) -> Array:
        """Sum over the window of nodes that the Gaussian reaches."""
        first = np.searchsorted(table.nodes, centre - _REACH * width)
        last = np.searchsorted(table.nodes, centre + _REACH * width)
        count = min(int(np.max(last - first)), table.nodes.size)
        first = np.minimum(first, table.nodes.size - count)
        nodes = sliding_window_view(table.nodes, count)
        values = sliding_window_view(table.values, count)
        out = np.empty((3, centre.size))
        inverse = 1.0 / width[:, None]
        rows = max(1, _BLOCK // max(count, 1))
        for start in range(0, centre.size, rows):
            part = slice(start, start + rows)
            s = nodes[first[part]]
            s -= centre[part, None]
            s *= inverse[part]
            square = s * s
            density = np.multiply(square, -0.5)
            np.exp(density, out=density)
            density *= values[first[part]]
            out[0, part] = np.einsum("ij->i", density)
            out[1, part] = np.einsum("ij,ij->i", density, s)
            out[2, part] = np.einsum("ij,ij->i", density, square) - out[0, part]
        out /= width
        return out

    def _direct(self, centre: Array, width: Array) -> Array:
        """Evaluate the function around each centre, on panels cut at the edges within reach."""
        low, high = centre - _REACH * width, centre + _REACH * width
        first = np.searchsorted(self.edges, low)
        count = int(np.max(np.searchsorted(self.edges, high) - first, initial=0))
        index = np.minimum(first[:, None] + np.arange(count), self.edges.size - 1)
        cuts = np.clip((self.edges[index] - centre[:, None]) / width[:, None], -_REACH, _REACH)
        mesh = np.broadcast_to(_EDGES, (centre.size, _EDGES.size))
        mesh = np.sort(np.concatenate([mesh, cuts], axis=1), axis=1)
        out = np.zeros((3, centre.size))
        for left, right in zip(mesh.T[:-1], mesh.T[1:], strict=True):
            s = 0.5 * (left + right)[:, None] + 0.5 * (right - left)[:, None] * _NODES
            density = self.function(centre[:, None] + width[:, None] * s) * np.exp(-0.5 * s * s)
            density *= 0.5 * (right - left)[:, None] * _WEIGHTS
            out[0] += density.sum(-1)
            out[1] += (density * s).sum(-1)
            out[2] += (density * (s * s - 1.0)).sum(-1)
        return out
