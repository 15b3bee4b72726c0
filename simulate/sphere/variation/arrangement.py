"""All local maxima of |eta| over the circle and the sphere, eta(theta) = sum_i p_i relu(theta . x_i).

The great circles theta . x_i = 0 cut the sphere into cells. In one cell eta is v . theta with v the sum of
p_i x_i over the inputs that are active there, so that a local maximum of s eta, s = +-1, is of one of three
kinds: s v/|v| inside a cell; the same on an edge, of v without its part along the circle's x_i; or a vertex.
Walking once round each circle meets every edge, every vertex and, on both sides, every cell. The order of
the vertices on a circle depends on the inputs alone and is found once; what remains at each p is a
cumulative sum of n (2n - 2) vectors, and eta itself at the few candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.theory.arrays import Array, Bools, Index

__all__ = ["Circle", "Sphere", "values"]

_TURN = 2 * np.pi
_SAME_CELL = 1e-9  # of eta at v/|v| from |v|, relative: v/|v| lies in the cell of v
_ROWS = 2**22  # numbers alive at once where candidates are evaluated


def values(theta: Array, inputs: Array, p: Array) -> Array:
    """eta at the rows of theta."""
    step = max(1, _ROWS // len(inputs))
    parts = [np.maximum(theta[i : i + step] @ inputs.T, 0) @ p for i in range(0, len(theta), step)]
    return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(frozen=True, eq=False)
class _Walk:
    """Once round each of m circles, in plane coordinates: where each input turns on or off.

    Attributes
    ----------
    angles : ndarray of shape (m, b)
        Of the breaks, ascending.
    who, turn : ndarray of shape (m, b)
        The input that turns there, and +1 for on, -1 for off.
    start : ndarray of shape (m, n)
        Inputs active before the first break.
    local : ndarray of shape (m, n, c)
        Inputs in the frame of each circle: two coordinates in its plane, others across.
    """

    angles: Array
    who: Array
    turn: Array
    start: Array
    local: Array

    @classmethod
    def round(cls, local: Array, on: Bools) -> _Walk:
        """From inputs in the frames of the circles; ``on`` says which of them cross the circle."""
        m = len(local)
        towards = np.arctan2(local[..., 1], local[..., 0])
        rise = np.mod(towards - np.pi / 2, _TURN)
        fall = np.mod(towards + np.pi / 2, _TURN)
        n = local.shape[1]
        angles = np.concatenate([np.where(on, rise, np.inf), np.where(on, fall, np.inf)], 1)
        order = np.argsort(angles, axis=1, kind="stable")[:, : 2 * int(on[0].sum())]
        turn = np.where(order < n, 1.0, -1.0)
        active = on & (rise > fall)  # on already at angle 0
        return cls(
            np.take_along_axis(angles, order, 1),
            order % n,
            turn,
            active.reshape(m, n).astype(float),
            local,
        )

    def sums(self, p: Array) -> Array:
        """Sum of p_i x_i over active inputs on the arc after each break, shape (m, b, c)."""
        rows = np.arange(len(self.who))[:, None]
        steps = (self.turn * p[self.who])[..., None] * self.local[rows, self.who]
        first = np.einsum("mn,n,mnc->mc", self.start, p, self.local)
        total: Array = first[:, None] + np.cumsum(steps, axis=1)
        return total

    def tops(self, u: Array) -> tuple[Array, Array]:
        """Where an arc holds its extremum in its interior, and on which side: shape (2, m, b), angles.

        ``u`` are the sums in the plane; side 0 is that of eta > 0.
        """
        end = np.concatenate([self.angles[:, 1:], self.angles[:, :1] + _TURN], 1)
        towards = np.arctan2(u[..., 1], u[..., 0])
        inside, at = [], []
        for side in (0.0, np.pi):
            beyond = np.mod(towards + side - self.angles, _TURN)
            inside.append(beyond < end - self.angles)
            at.append(self.angles + beyond)
        return np.stack(inside), np.stack(at)

    def kinks(self, u: Array) -> Array:
        """Breaks that are local maxima of s eta along the circle, s = 1, -1: shape (2, m, b)."""
        c, s = np.cos(self.angles), np.sin(self.angles)
        before = np.roll(u, 1, axis=1)
        left = before[..., 1] * c - before[..., 0] * s
        right = u[..., 1] * c - u[..., 0] * s
        return np.stack([(left >= 0) & (right <= 0), (left <= 0) & (right >= 0)])


class Circle:
    """Exact maxima for inputs on the circle, d = 2: O(n) work at each p once the breaks are sorted."""

    exact = True

    def __init__(self, inputs: Array) -> None:
        self.inputs = inputs
        self._walk = _Walk.round(inputs[None], np.ones((1, len(inputs)), bool))

    def maxima(self, p: Array, above: float) -> tuple[Array, Array]:
        """Local maxima of |eta| above a level, and the highest in any case: (theta, eta there)."""
        u = self._walk.sums(p)
        inside, at = self._walk.tops(u)
        kinks = self._walk.kinks(u)
        angles = np.concatenate(
            [at[inside], np.broadcast_to(self._walk.angles, kinks.shape)[kinks]]
        )
        theta = np.stack([np.cos(angles), np.sin(angles)], -1)
        return _kept(theta, values(theta, self.inputs, p), above)


class Sphere:
    """Exact maxima for inputs on the sphere, d = 3: O(n^2) work at each p once the breaks are sorted."""

    exact = True

    def __init__(self, inputs: Array) -> None:
        n = len(inputs)
        self.inputs = inputs
        least = np.eye(3)[np.argmin(abs(inputs), axis=1)]
        first = np.cross(inputs, least)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        self._frame = np.stack([first, np.cross(inputs, first), inputs], 1)  # (n, 3 axes, 3)
        local = np.einsum("jx,iax->ija", inputs, self._frame)
        self._walk = _Walk.round(local, ~np.eye(n, dtype=bool))

    def maxima(self, p: Array, above: float) -> tuple[Array, Array]:
        """Local maxima of |eta| above a level, and the highest in any case: (theta, eta there)."""
        v, walk = self._walk.sums(p), self._walk
        n = len(p)
        inside, at = walk.tops(v)
        kinks = walk.kinks(v)
        off, across = v[..., 2], v[..., 2] + p[:, None]  # beside the circle where x_i is off, on
        found = []
        for side, s in enumerate((1.0, -1.0)):
            # Vertices: local maxima along both circles through them.
            marks = np.zeros((n, n, 2), bool)
            rows, columns = np.nonzero(kinks[side])
            who, up = walk.who[rows, columns], walk.turn[rows, columns] > 0
            # j turns on along circle i at that of +-(x_i x x_j) at which i turns off along circle j.
            marks[rows, who, up.astype(int)] = True
            both = marks[rows, who, up.astype(int)] & marks[who, rows, 1 - up.astype(int)]
            found.append(self._on(rows[both], walk.angles[rows, columns][both]))
            # Edges: across the circle s eta falls on both sides.
            edge = inside[side] & (s * across <= 0) & (s * off >= 0)
            found.append(self._on(np.nonzero(edge)[0], at[side][edge]))
        theta = np.concatenate(found)
        level = min(above, float(abs(values(theta, self.inputs, p)).max(initial=0.0)))
        plane = v[..., 0] ** 2 + v[..., 1] ** 2
        for s in (1.0, -1.0):
            for third, where in ((across, s * across > 0), (off, s * off < 0)):
                rows, columns = np.nonzero(where & (plane + third**2 > level**2))
                local = np.stack(
                    [v[rows, columns, 0], v[rows, columns, 1], third[rows, columns]], -1
                )
                size = np.linalg.norm(local, axis=1)
                theta = s * np.einsum("ca,cax->cx", local / size[:, None], self._frame[rows])
                here = values(theta, self.inputs, p)
                found.append(theta[abs(here - s * size) <= _SAME_CELL * size])
        theta = np.concatenate(found)
        return _kept(theta, values(theta, self.inputs, p), above)

    def _on(self, rows: Array | Index, angles: Array) -> Array:
        """Points of the circles at angles."""
        frame = self._frame[rows]
        point: Array = np.cos(angles)[:, None] * frame[:, 0] + np.sin(angles)[:, None] * frame[:, 1]
        return point


def _kept(theta: Array, eta: Array, above: float) -> tuple[Array, Array]:
    order = np.argsort(-abs(eta))
    count = max(1, int((abs(eta) > above).sum()))
    return theta[order[:count]], eta[order[:count]]
