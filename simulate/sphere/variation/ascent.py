"""Local maxima of |eta| in any dimension from many starts: what exact enumeration cannot reach."""

from __future__ import annotations

import numpy as np

from twinpeaks.simulate.sphere.variation.arrangement import values
from twinpeaks.theory.arrays import Array

__all__ = ["Ascent"]

_STEPS = 40
_SHRINK = 0.5


class Ascent:
    """theta <- s v/|v| with v the sum of active p_i x_i, shortened until |eta| rises.

    Attributes
    ----------
    inputs : ndarray of shape (n, d)
        On the sphere.
    near : ndarray of shape (k, d)
        Starts beside the random ones: atoms of the basis.
    """

    exact = False

    def __init__(self, inputs: Array, random: np.random.Generator) -> None:
        self.inputs = inputs
        self.near = inputs[:0]
        self._random = random

    def maxima(self, p: Array, above: float, factor: int = 3) -> tuple[Array, Array]:
        """Local maxima of |eta| above a level, and the highest in any case: (theta, eta there)."""
        x = self.inputs
        n, d = x.shape
        start = self._random.standard_normal((factor * n, d))
        start /= np.linalg.norm(start, axis=1, keepdims=True)
        theta = np.concatenate([start, x, -x, self.near])
        eta = values(theta, x, p)
        alive = np.arange(len(theta))
        length = np.ones(len(theta))
        for _ in range(_STEPS):
            here = theta[alive]
            s = np.sign(eta[alive])[:, None]
            v = ((here @ x.T > 0) * p) @ x
            size = np.linalg.norm(v, axis=1, keepdims=True)
            towards = s * v / np.where(size > 0, size, 1.0)
            step = here + length[alive, None] * (towards - here)
            norm = np.linalg.norm(step, axis=1, keepdims=True)
            step /= np.where(norm > 1e-12, norm, 1.0)
            new = values(step, x, p)
            gain = abs(new) - abs(eta[alive])
            up = gain > 0
            theta[alive[up]], eta[alive[up]] = step[up], new[up]
            length[alive[~up]] *= _SHRINK
            alive = alive[(up & (gain > 1e-13 * abs(new))) | (~up & (length[alive] > 1e-4))]
            if not len(alive):
                break
        order = np.argsort(-abs(eta))
        count = max(1, int((abs(eta) > above).sum()))
        return theta[order[:count]], eta[order[:count]]
