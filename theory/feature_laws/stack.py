"""Features of features: the covariance of the last of several hidden layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from twinpeaks.theory.feature_laws.pairs import (
    PairFormSums,
    PairGram,
    PairSums,
    cross,
    spectrum_pair,
)
from twinpeaks.theory.feature_laws.population import (
    Atoms,
    FormSums,
    Gram,
    Population,
    Sums,
    arc,
    is_turned,
    spectrum,
)

__all__ = ["Layer", "Stack"]

_SWEEPS = 3  # of the equations one by one, before all at once
_STEPS = 100
_SETTLED = 1e-14
_ROUNDING = 1e-8  # a smaller excess over the solution may be rounding


class Layer(NamedTuple):
    """Features of a population: C = linear S + noise, S the Gram matrix at ratio c.

    A normalised activation adds linear = kappa_1^2 / v and noise = kappa_star^2 / v, which sum to 1.
    """

    c: float
    linear: float
    noise: float

    def shift(self, k: Any) -> Any:
        """z of 1 + k C = k linear (S + z)."""
        return (1.0 + k * self.noise) / (k * self.linear)

    def sums(self, k: Any, s: Gram) -> Sums:
        """Averages over C from those over S at z = shift(k)."""
        a, b = self.linear, self.noise
        scale = k * a
        forms = [
            FormSums(
                first=a * m.first / scale,
                second=a * m.second / scale**2,
                product=a * (a * m.product + b * m.second) / scale**2,
                teacher=a * a * m.teacher / scale**2,
            )
            for m in s.forms
        ]
        identity = FormSums(
            first=s.g / scale,
            second=s.g2 / scale**2,
            product=(a * s.sg2 + b * s.g2) / scale**2,
            teacher=a * s.tg2 / scale**2,
        )
        return Sums(
            log=np.log(scale) + s.log,
            A=(a * s.sg + b * s.g) / scale,
            B=(a * s.sg2 + b * s.g2) / scale**2,
            A2=(a * a * s.s2g2 + 2 * a * b * s.sg2 + b * b * s.g2) / scale**2,
            TA=a * s.tg / scale,
            TB=a * s.tg2 / scale**2,
            TA2=a * (a * s.tsg2 + b * s.tg2) / scale**2,
            forms=(*forms, identity),
        )

    def pair_sums(self, k: Any, other: Any, s: PairGram) -> PairSums:
        """The same at every pair of k and k'."""
        a, b = self.linear, self.noise
        scale = a * a * cross(k, other)
        omega = (a * s.sg2 + b * s.g2) / scale
        forms = [
            PairFormSums(
                second=a * m.second / scale,
                product=a * (a * m.product + b * m.second) / scale,
                teacher=a * a * m.teacher / scale,
            )
            for m in s.forms
        ]
        identity = PairFormSums(second=s.g2 / scale, product=omega, teacher=a * s.tg2 / scale)
        return PairSums(
            B=omega,
            A2=(a * a * s.s2g2 + 2 * a * b * s.sg2 + b * b * s.g2) / scale,
            TB=a * s.tg2 / scale,
            TA2=a * (a * s.tsg2 + b * s.tg2) / scale,
            forms=(*forms, identity),
        )


@dataclass(frozen=True, eq=False)
class Stack(Population):
    """Hidden layers on a discrete population, first to last.

    The resolvent g_i of each Gram matrix S_i depends on its two neighbours alone. With k_i = c_i g_i and
    C_i = a S_{i-1} + b between S_{i-1} and S_i, 1/g = z + A(k) reads

        z_i g_i^2 + (1/c_i - 1) g_i = g_{i-1} / (a c_i^2),   z_i = (1 + k_{i+1} b) / (k_{i+1} a),

    for the first with <1 / (1 + k_0 C)> g_0 / c_0 on the right, and with z given for the last. They are
    solved together: left minus right is jointly convex, with negative derivatives off the diagonal,
    so that Newton's method falls monotonically to the solution from where no g_i can be larger (Ortega
    & Rheinboldt 1970, theorem 13.3.4). A step costs one pass through the layers.
    """

    inputs: Atoms
    layers: tuple[Layer, ...]

    def sums(self, k: Any) -> Sums:
        """Averages over the covariance of the last hidden layer."""
        *below, last = self.layers
        return last.sums(k, self._climb(below, last.shift(k), last.c))

    def gram(self, z: Any, c: Any) -> Gram:
        """Averages over the Gram matrix of features of the last hidden layer."""
        return self._climb(self.layers, z, c)

    def pair_sums(self, k: Any, other: Any) -> PairSums:
        """Averages over the covariance of the last hidden layer at every pair."""
        *below, last = self.layers
        gram = self._pair_climb(below, last.shift(k), last.shift(other), last.c)
        return last.pair_sums(k, other, gram)

    def _pair_climb(self, layers: Sequence[Layer], z: Any, other: Any, c: float) -> PairGram:
        ratios = [*(layer.c for layer in layers), c]
        g, h = self._resolvents(layers, z, ratios), self._resolvents(layers, other, ratios)
        k, j = (
            [ratio * root for ratio, root in zip(ratios, roots, strict=True)] for roots in (g, h)
        )
        sums = self.inputs.pair_sums(k[0], j[0])
        for i, layer in enumerate(layers):
            below = spectrum_pair(sums, g[i], h[i], layer.shift(k[i + 1]), ratios[i])
            sums = layer.pair_sums(k[i + 1], j[i + 1], below)
        return spectrum_pair(sums, g[-1], h[-1], z, c)

    def _climb(self, layers: Sequence[Layer], z: Any, c: Any) -> Gram:
        """The Gram matrix at (z, c) above some of the layers, from the bottom up."""
        ratios = [*(layer.c for layer in layers), c]
        roots = self._resolvents(layers, z, ratios)
        k = [ratio * g for ratio, g in zip(ratios, roots, strict=True)]
        sums = self.inputs.sums(k[0])
        for i, layer in enumerate(layers):
            below = spectrum(sums, roots[i], layer.shift(k[i + 1]), ratios[i])
            sums = layer.sums(k[i + 1], below)
        return spectrum(sums, roots[-1], z, c)

    def _resolvents(self, layers: Sequence[Layer], z: Any, ratios: Sequence[Any]) -> list[Any]:
        """Resolvents g of every Gram matrix, first to last."""
        turned = is_turned(z)
        real = np.abs(z) if turned else np.real(z)
        real = np.broadcast_to(real, np.broadcast_shapes(np.shape(z), np.shape(ratios[-1])))
        equations = _Equations(self.inputs, layers, ratios, real)
        g = equations.largest()
        for _ in range(_SWEEPS):
            g = equations.sweep(g)
        for _ in range(_STEPS):
            step = equations.newton(g)
            g = [a * (1.0 + np.maximum(b, -0.9)) for a, b in zip(g, step, strict=True)]
            if np.max(np.abs(step)) < _SETTLED:
                break
        if turned:
            for at in arc(z):
                for _ in range(_STEPS):
                    step = equations._replace(z=at).newton(g)
                    g = [a * np.exp(b) for a, b in zip(g, step, strict=True)]
                    if np.max(np.abs(step)) < (_SETTLED if at is z else 1e-2):
                        break
        elif np.iscomplexobj(z):
            # one complex step carries an infinitesimal imaginary part exactly
            step = equations._replace(z=z).newton(g)
            g = [a * (1.0 + b) for a, b in zip(g, step, strict=True)]
        return g


class _Equations(NamedTuple):
    """The equations of ``Stack`` for g = (g_0, ..., g_n), z that of the last."""

    inputs: Atoms
    layers: Sequence[Layer]
    ratios: Sequence[Any]
    z: Any

    def shifts(self, g: Sequence[Any]) -> list[Any]:
        """z of every Gram matrix."""
        above = zip(self.layers, self.ratios[1:], g[1:], strict=True)
        return [*(layer.shift(c * root) for layer, c, root in above), self.z]

    def largest(self) -> list[Any]:
        """Upper bounds g = 1/z, from the top down."""
        g = [1.0 / self.z]
        for layer, c in zip(reversed(self.layers), reversed(self.ratios), strict=False):
            g.insert(0, 1.0 / layer.shift(c * g[0]))
        return g

    def sweep(self, g: Sequence[Any]) -> list[Any]:
        """Each equation solved for its own g, from the bottom up; upper bounds stay such."""
        z = self.shifts(g)
        out = [self.inputs.resolvent(z[0], self.ratios[0])]
        for layer, c, zeta in zip(self.layers, self.ratios[1:], z[1:], strict=True):
            slope, pull = 1.0 / c - 1.0, out[-1] / (layer.linear * c * c)
            root = np.sqrt(slope * slope + 4.0 * zeta * pull)
            falls = slope < 0
            # the untaken branch of np.where is still evaluated
            out.append(
                np.where(
                    falls,
                    (root - slope) / (2.0 * zeta),
                    2.0 * pull / np.where(falls, 1.0, root + slope),
                )
            )
        return out

    def newton(self, g: Sequence[Any]) -> list[Any]:
        """Newton steps of every g, relative; z may be complex.

        Where c is small the terms of the convex form cancel. It is F_i - F_{i-1} / c_i in terms of
        F_i = g_i (z_i + A_i) - 1, in which g_i A_i = (g_{i-1} A_{i-1} + g_{i-1} b / a) / c_i adds up
        without loss. Both have the same steps, but for a term that vanishes at the solution.
        """
        z, n = self.shifts(g), len(g)
        shape = np.shape(g[-1])
        inputs = self.inputs.sums(self.ratios[0] * g[0])
        filled = g[0] * inputs.A  # g_i A_i, and its derivative in every ln g
        # a complex z has real g where it is a complex step, and complex ones off the axis
        turned = np.iscomplexobj(g[-1])
        part, kind = (np.asarray, complex) if turned else (np.real, float)
        slopes, weights = np.zeros((n, *shape), kind), np.zeros((n, *shape), kind)
        slopes[0], weights[0] = g[0] * inputs.B, 1.0
        value = [z[0] * g[0] + filled - 1.0]
        excess = [np.real(value[0])]
        jacobian = np.zeros((*shape, n, n), kind)
        for i in range(n):
            if i:
                c, layer = self.ratios[i], self.layers[i - 1]
                more = g[i - 1] * (layer.noise / layer.linear)
                filled = (filled + more) / c
                slopes[i - 1] += more
                slopes, weights = slopes / c, weights / c
                weights[i] = 1.0
                value.append(z[i] * g[i] + filled - 1.0)
                excess.append(np.real(value[i] - value[i - 1] / c))
            for j in range(i + 1):
                far = np.where((excess[j] > _ROUNDING) & (not turned), excess[j], 0.0)
                jacobian[..., i, j] = slopes[j] + weights[j] * far
            jacobian[..., i, i] += part(z[i]) * g[i]
            if i + 1 < n:
                above = self.layers[i].linear * self.ratios[i + 1] * g[i + 1]
                jacobian[..., i, i + 1] = -g[i] / above
        right = np.stack(np.broadcast_arrays(*value), axis=-1)[..., None]
        lost = ~(np.abs(np.linalg.det(jacobian)) > 0)  # as of a trial point that is no number
        safe = np.where(lost[..., None, None], np.eye(n), jacobian)
        return list(np.moveaxis(-np.linalg.solve(safe, right)[..., 0], -1, 0))
