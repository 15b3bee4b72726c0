"""Tilted averages of losses that are quadratic beyond an edge on either side.

On those wings the tilted measure is a Gaussian cut off on one side, in closed form. What lies between
them, if anything, takes Gauss-Legendre rules on panels that all rows share: the loss is evaluated there
once and for all. Wings and panels are merged from left to right,

    Cov = P_a Cov_a + P_b Cov_b + P_a P_b (E_b[t] - E_a[t]) (E_b[l'] - E_a[l']),

a sum of positive terms for convex l, so that nothing cancels in the tails. The loss and its slope are
counted from the continuation of the wing nearest to the mode, the frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.equations.channel.half_line import half_line
from twinpeaks.theory.losses.base import Loss, Wing

__all__ = ["averages", "suits"]

_DROP = 42.0  # a panel on which the density stays below exp(-42) is left out
_WIDE = 0.6  # in units of the strip: width of the Gaussian from which growing panels serve


class _Mesh(NamedTuple):
    """Panels in units of the strip: of one ``length`` up to ``near`` from the origin, then growing.

    ``resolved`` is the narrowest peak that their rule takes to rounding, near the origin.
    """

    length: float
    near: float
    growth: float
    resolved: float


_FINE, _COARSE = _Mesh(0.8, 99.0, 1.0, 0.087), _Mesh(1.2, 4.8, 1.5, 0.145)
_ROWS = 4096
_ORDER = 30
_NODES, _WEIGHTS = legendre.leggauss(_ORDER)
# values at the nodes -> integrals from the left end of [-1, 1] to each node
_TO_LEGENDRE = (legendre.legvander(_NODES, _ORDER - 1) * _WEIGHTS[:, None]).T
_TO_LEGENDRE *= np.arange(_ORDER)[:, None] + 0.5
_CUMULATIVE = legendre.legval(_NODES, legendre.legint(_TO_LEGENDRE, lbnd=-1)).T


class Sums(NamedTuple):
    """Moments of the measure on a part of the line, for each row.

    Attributes
    ----------
    mass : ndarray of shape (rows,)
        Relative to the density at the mode.
    mean, slope, cov : ndarray of shape (rows,)
        E[t] and E[l'], counted from the frame at its edge, and Cov(t, l').
    observed : ndarray of shape (3, rows) or (0, rows)
        E[l], P(y t < 0) and E[(y - t)^2].
    """

    mass: Array
    mean: Array
    slope: Array
    cov: Array
    observed: Array


class _Table(NamedTuple):
    """The panels between the wings, seen from one of them.

    Attributes
    ----------
    edges, edge_rest : ndarray of shape (panels + 1,)
        Ends of the panels, and l minus the frame there.
    basis : ndarray of shape (panels, 4, nodes)
        1, tau, tau^2 and l minus the frame at the nodes, tau counted from the middle of the panel.
    columns : ndarray of shape (panels, nodes, 6)
        Weights of the rule times 1, tau, s, tau s, l, (y - t)^2, s being the slope less that of the
        frame at its edge.
    """

    edges: Array
    edge_rest: Array
    basis: Array
    columns: Array


def suits(loss: Loss, y: float, mode: Array, V: Array, T: Array) -> Bools:
    """Rows whose averages this module takes: peaks between the wings must not be too narrow."""
    wings = loss.wings(y)
    if wings is None:
        return np.zeros(mode.shape, bool)
    if wings[0].edge == wings[1].edge:
        return np.ones(mode.shape, bool)
    width = np.sqrt(T * V / (1.0 + V * loss.curvature(y, mode)))
    exact = max(w.error for w in wings) <= 2e-16 * T
    for wing in wings:
        if np.isinf(wing.slope):
            exact &= loss.value(y, np.full(1, wing.edge)) >= 1e3 * T
    return np.asarray(exact & (width >= _FINE.resolved * loss.strip))


def averages(
    loss: Loss, y: float, mode: Array, pull: Array, V: Array, T: Array, observe: bool
) -> tuple[Array, ...]:
    """Fields of ``tilted.Tilted``, for rows that it ``suits``; parameters as there."""
    wings = loss.wings(y)
    assert wings is not None
    out = np.full((6, mode.size), np.nan)
    workspace = np.empty((min(mode.size, _ROWS), _ORDER))
    left, right = (np.abs(pull + w.slope + w.curvature * (mode - w.edge)) for w in wings)
    width = np.sqrt(T * V / (1.0 + V * loss.curvature(y, mode)))
    coarse = (width >= _COARSE.resolved * loss.strip) & ((_WIDE * loss.strip) ** 2 <= T * V)
    kinds = 2 * (right < left) + coarse
    for kind in range(4):
        home, mesh = kind // 2, (_FINE, _COARSE)[kind % 2]
        chosen = np.flatnonzero(kinds == kind)
        for index in np.array_split(chosen, -(-chosen.size // _ROWS)) if chosen.size else ():
            rows = _Rows.build(loss, y, home, mesh, *(a[index] for a in (mode, pull, V, T)))
            out[:, index] = rows.averages(observe, workspace)
    return tuple(out)


class _Rows(NamedTuple):
    """Measures whose modes share a frame; ``own`` is l minus the frame at the mode."""

    loss: Loss
    y: float
    wings: tuple[Wing, Wing]
    frame: Wing
    table: _Table
    mode: Array
    pull: Array
    V: Array
    T: Array
    own: Array

    @staticmethod
    def build(
        loss: Loss, y: float, home: int, mesh: _Mesh, mode: Array, pull: Array, V: Array, T: Array
    ) -> _Rows:
        """Rows seen from the left wing (home 0) or the right one (home 1)."""
        wings = loss.wings(y)
        assert wings is not None
        frame = wings[home]
        d = mode - frame.edge
        continued = loss.value(y, np.full(1, frame.edge)) + d * (
            frame.slope + 0.5 * frame.curvature * d
        )
        between = d > 0 if home == 0 else d < 0
        own = np.where(between, loss.value(y, mode) - continued, 0.0)
        table = _table(loss, y, home, mesh)
        return _Rows(loss, y, wings, frame, table, mode, pull, V, T, own)

    def gaussian(self, wing: Wing) -> tuple[Array, Array]:
        """Width V / (1 + V c) and slope at the mode of the exponent that continues a wing."""
        tilt = self.pull + wing.slope + wing.curvature * (self.mode - wing.edge)
        return self.V / (1.0 + self.V * wing.curvature), tilt

    def averages(self, observe: bool, workspace: Array) -> Array:
        """The six fields, stacked."""
        width, tilt = self.gaussian(self.frame)
        beta = 1.0 / self.T
        curve, line, level = 0.5 * beta / width, tilt * beta, self.own * beta
        edges, panels = self.table.edges, len(self.table.basis)
        height = []
        for edge, edge_rest in zip(edges, self.table.edge_rest, strict=True):
            u = edge - self.mode
            height.append(u * (u * curve + line) + (edge_rest * beta - level))
        n = self.mode.size
        mass, mean, slope, cov = np.zeros((4, n))
        sums = Sums(mass, mean, slope, cov, np.zeros((3 if observe else 0, n)))

        def merge_wing(number: int) -> None:
            if np.isinf(self.wings[number].slope):
                return
            at_edge = height[-number]
            beyond = (2 * number - 1) * (self.mode - edges[-number]) > 0
            index = np.flatnonzero(beyond | (at_edge < (_DROP if panels else np.inf)))
            if index.size:
                _merge(sums, index, self.take(index).on_wing(number, at_edge[index], observe))

        merge_wing(0)
        for k in range(panels):
            holds_mode = (self.mode > edges[k]) & (self.mode < edges[k + 1])
            dense = holds_mode | (np.minimum(height[k], height[k + 1]) < _DROP)
            index = np.flatnonzero(dense)
            if index.size:
                middle = 0.5 * (edges[k] + edges[k + 1])
                u = middle - self.mode[index]
                a, b = curve[index], line[index]
                powers = [level[index] - u * (u * a + b), -2.0 * u * a - b, -a, -beta[index]]
                density = workspace[: index.size]
                np.matmul(np.stack(powers, axis=1), self.table.basis[k], out=density)
                np.exp(density, out=density)
                _merge(sums, index, self.on_panel(k, density, observe))
        merge_wing(1)
        out = np.full((6, n), np.nan)
        out[0] = -(self.frame.slope + sums.slope)
        out[1] = -sums.cov * beta / self.V
        out[2] = self.T * np.log(sums.mass * np.sqrt(beta / (2.0 * np.pi * self.V)))
        if observe:
            out[3:] = sums.observed
        return out

    def take(self, index: Index) -> _Rows:
        """Some of the rows."""
        return self._replace(
            **{name: getattr(self, name)[index] for name in ("mode", "pull", "V", "T", "own")}
        )

    def on_wing(self, number: int, height: Array, observe: bool) -> Sums:
        """One wing, ``height`` being the exponent at its edge above that at the mode."""
        wing, side = self.wings[number], 2.0 * number - 1.0
        width, tilt = self.gaussian(wing)
        spread = np.sqrt(self.T * width)
        ahead = wing.edge - self.mode
        z = side * (ahead + width * tilt) / spread
        part = half_line(z)
        # where the Gaussian's centre lies on the wing, it is the mode up to rounding
        top = -0.5 * tilt * tilt * width / self.T
        mass = spread * part.mass * np.exp(-np.where(z > 0, height, top))
        beyond = side * spread * part.mean
        variance = spread**2 * part.variance
        slope = (wing.slope - self.frame.slope) + wing.curvature * beyond
        mean, cov = (wing.edge - self.frame.edge) + beyond, wing.curvature * variance
        if not observe:
            return Sums(mass, mean, slope, cov, np.empty((0, mass.size)))
        wrong = np.full(mass.shape, float(side * self.y < 0))
        if side * wing.edge < 0:  # t = 0 lies on this wing
            z0 = side * (width * tilt - self.mode) / spread
            inside = self.mode * (0.5 * self.mode / width - tilt)
            outside = -wing.edge * (ahead / width + tilt - 0.5 * wing.edge / width)
            at_zero = np.where(z > 0, height + outside / self.T, inside / self.T)
            far = spread * half_line(z0).mass * np.exp(-np.where(z0 > 0, at_zero, top))
            share = far / np.maximum(mass, 1e-300)
            wrong = share if side * self.y < 0 else 1.0 - share
        loss = self.loss.value(self.y, np.full(1, wing.edge)) + wing.slope * beyond
        loss = loss + 0.5 * wing.curvature * (beyond**2 + variance)
        square = (self.y - wing.edge - beyond) ** 2 + variance
        return Sums(mass, mean, slope, cov, np.stack([loss, wrong, square]))

    def on_panel(self, k: int, density: Array, observe: bool) -> Sums:
        """One panel, from the density at its nodes."""
        left, right = self.table.edges[k : k + 2]
        used = slice(None) if observe else slice(4)
        mass, *moments = (density @ self.table.columns[k, :, used]).T
        tau, slope, product, *rest = (a / mass for a in moments)
        mean, cov = 0.5 * (left + right) - self.frame.edge + tau, product - tau * slope
        wrong = np.full((1, mass.size), float(self.y * (left + right) < 0))
        observed = np.stack([rest[0], wrong[0], rest[1]]) if observe else wrong[:0]
        return Sums(mass, mean, slope, cov, observed)


def _merge(sums: Sums, rows: Index, part: Sums) -> None:
    """Add what lies to the right of ``sums``, for some rows, in place."""
    mass, mean, slope, cov = (a[rows] for a in sums[:4])
    total = np.maximum(mass + part.mass, 1e-300)
    a, b = mass / total, part.mass / total
    sums.mass[rows] = total
    sums.cov[rows] = a * cov + b * (part.cov + a * (part.mean - mean) * (part.slope - slope))
    sums.mean[rows] = a * mean + b * part.mean
    sums.slope[rows] = a * slope + b * part.slope
    if sums.observed.size:
        sums.observed[:, rows] = a * sums.observed[:, rows] + b * part.observed


@lru_cache(maxsize=64)
def _table(loss: Loss, y: float, home: int, mesh: _Mesh) -> _Table:
    """The panels, with an edge at t = 0, and the loss integrated from its curvature.

    l minus the frame is the double integral of l'' from the frame's edge: relative accuracy where
    the difference would cancel.
    """
    wings = loss.wings(y)
    assert wings is not None
    frame, low, high = wings[home], wings[0].edge, wings[1].edge
    edges = np.unique(
        [low, *(-_ends(-low, loss.strip, mesh)), *_ends(high, loss.strip, mesh), high]
    )
    half = 0.5 * np.diff(edges)[:, None]
    t = edges[:-1, None] + half * (1.0 + _NODES)
    outwards = 1 if home == 0 else -1  # integrals run away from the frame
    bend = (loss.curvature(y, t) - frame.curvature)[::outwards, ::outwards]
    size = half[::outwards]
    lean, _ = _running(bend, size)
    rest, rest_ends = _running(lean, size)
    lean, rest = (a[::outwards, ::outwards] for a in (outwards * lean, rest))
    slope = frame.curvature * (t - frame.edge) + lean
    tau = t - (edges[:-1, None] + half)
    moments = [np.ones_like(t), tau, slope, tau * slope, loss.value(y, t), (y - t) ** 2]
    columns = np.stack(moments, axis=-1) * (half * _WEIGHTS)[..., None]
    basis = np.stack([np.ones_like(t), tau, tau**2, rest], axis=1)
    return _Table(edges, rest_ends[::outwards], basis, columns)


def _ends(reach: float, strip: float, mesh: _Mesh) -> Array:
    """Ends of panels from 0 to ``reach``; nothing if that is not positive."""
    if reach <= 0 or strip == 0:
        return np.empty(0)
    near = min(reach, mesh.near * strip)
    inner = np.linspace(0.0, near, int(np.ceil(near / (mesh.length * strip))) + 1)
    if near == reach:
        return inner
    outer = np.geomspace(near, reach, int(np.ceil(np.log(reach / near) / np.log(mesh.growth))) + 1)
    return np.concatenate([inner[:-1], outer])


def _running(values: Array, half: Array) -> tuple[Array, Array]:
    """Integrals from the first end to every node, and to every end, of consecutive panels."""
    ends = np.concatenate([[0.0], np.cumsum(half[:, 0] * (values @ _WEIGHTS))])
    return ends[:-1, None] + half * (values @ _CUMULATIVE.T), ends
