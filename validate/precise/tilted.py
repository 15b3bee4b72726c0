"""Averages under the tilted measure exp(-beta [(x - w)^2 / 2V + l(x)]) at finite temperature.

Two ways. ``Closed`` and ``Lattice``: closed forms for piecewise quadratic losses; for analytic ones the
trapezoidal rule on one lattice shared by all w, with f = -E l' and df/dw = beta Var l' - E l'', which do not
cancel. ``Panels``: any loss, on Gauss-Legendre panels placed anew around each w, with moments of x instead,
f = (E x - w)/V and df/dw = Var x / (T V^2) - 1/V.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]
import numpy as np

from twinpeaks.validate.precise.losses import Formula, Piece
from twinpeaks.validate.precise.rules import legendre, points
from twinpeaks.validate.precise.windows import Side, windows

__all__ = ["Closed", "Lattice", "Panels", "Tilted"]

Real = Any


class Tilted(NamedTuple):
    """Averages at one w: f, df/dw, E l, E x^2 and T ln Z."""

    f: Real
    df: Real
    loss: Real
    square: Real
    potential: Real


def _from_moments(
    w: Real, V: Real, T: Real, mean: Real, variance: Real, loss: Real, log_z: Real
) -> Tilted:
    f, df = (mean - w) / V, variance / (T * V * V) - 1 / V
    return Tilted(f, df, loss, variance + mean**2, T * log_z)


def _truncated(low: Real, high: Real) -> tuple[Real, Real, Real]:
    """Integrals of (1, u, u^2) against the standard Gaussian over (low, high)."""
    a, b = (-high, -low) if low > 0 else (low, high)  # the smaller tails
    mass = mp.ncdf(b) - mp.ncdf(a)
    at_low = mp.npdf(low) if mp.isfinite(low) else mp.mpf(0)
    at_high = mp.npdf(high) if mp.isfinite(high) else mp.mpf(0)
    edge_low = low * at_low if at_low else mp.mpf(0)
    edge_high = high * at_high if at_high else mp.mpf(0)
    return mass, at_low - at_high, mass + edge_low - edge_high


@dataclass(frozen=True)
class Closed:
    """Piecewise quadratic losses: a sum of truncated Gaussians."""

    pieces: tuple[Piece, ...]
    V: Real
    T: Real

    def _weights(self, w: Real) -> list[tuple[Piece, tuple[Real, Real], Real, Real, Real]]:
        """(piece, edges in units of the width from the mode, mode, width, prefactor) of each."""
        out = []
        for piece, right in zip(
            self.pieces, [*(p.left for p in self.pieces[1:]), mp.inf], strict=True
        ):
            stiffness = (1 / self.V + piece.a) / self.T
            mode = (w / self.V - piece.b) / (1 / self.V + piece.a)
            width = 1 / mp.sqrt(stiffness)
            at_mode = (mode - w) ** 2 / (2 * self.V) + piece.value(mode)
            prefactor = mp.exp(-at_mode / self.T) * width / mp.sqrt(self.T * self.V)
            edges = tuple((mp.mpf(e) - mode) / width for e in (piece.left, right))
            out.append((piece, edges, mode, width, prefactor))
        return out

    def __call__(self, w: Real) -> Tilted:
        """Moments of the pieces, added."""
        Z = first = second = loss = mp.mpf(0)
        for piece, edges, mode, width, prefactor in self._weights(w):
            u0, u1, u2 = (prefactor * u for u in _truncated(*edges))
            x1 = mode * u0 + width * u1
            x2 = mode**2 * u0 + 2 * mode * width * u1 + width**2 * u2
            Z, first, second = Z + u0, first + x1, second + x2
            loss += piece.a * x2 / 2 + piece.b * x1 + piece.c * u0
        mean = first / Z
        return _from_moments(w, self.V, self.T, mean, second / Z - mean**2, loss / Z, mp.log(Z))

    def wrong(self, w: Real, side: Side) -> Real:
        """Share of the measure where y t < 0."""
        boundary, below = side
        Z = part = mp.mpf(0)
        for _, edges, mode, width, prefactor in self._weights(w):
            Z += prefactor * _truncated(*edges)[0]
            cut = min(max((boundary - mode) / width, edges[0]), edges[1])
            inside = (edges[0], cut) if below else (cut, edges[1])
            part += prefactor * _truncated(*inside)[0]
        return part / Z


@dataclass(frozen=True)
class Lattice:
    """Analytic losses: the trapezoidal rule on points k h, whose weights no w enters.

    For an integrand analytic and decaying in |Im x| <= d the rule errs by about exp(-2 pi d / h)
    times the growth of the integrand at distance d (Trefethen & Weideman, SIAM Review 56, 385
    (2014)); h is the largest that keeps this below 10^-digits for the best d.
    """

    formula: Formula
    T: Real
    V: Real
    step: float
    digits: float
    _table: dict[int, tuple[Real, Real, Real, Real]] = field(default_factory=dict)
    _decay: list[Real] = field(default_factory=list)

    @staticmethod
    def spacing(
        formula: Formula, T: float, V: float, low: float, high: float, digits: float
    ) -> float:
        """The largest admissible h for measures whose modes lie between low and high."""
        assert formula.rough is not None
        assert formula.quick is not None
        modes = np.linspace(low, high, 41)
        fields = modes + V * np.array([formula.quick[1](float(x)) for x in modes])
        spread = 8.0 * math.sqrt(T * V)
        x = np.linspace(low - spread, high + spread, 1000)
        with np.errstate(over="ignore", invalid="ignore"):
            value = formula.rough(x + 0j).real
            energy = (x - fields[:, None]) ** 2 / (2 * V) + value
            excess = energy - np.min(energy, axis=1, keepdims=True)
            budget = math.log(10.0) * (digits + 4.0)
            best = 0.0
            for d in formula.strip * 0.98 * 2.0 ** -np.arange(0.0, 12.0, 0.125):
                lift = d * d / (2 * V) + value - formula.rough(x + 1j * d).real
                growth = float(np.nanmax(lift - excess)) / T
                best = max(best, 2 * math.pi * d / (budget + max(growth, 0.0)))
        return best

    def _node(self, k: int) -> tuple[Real, Real, Real, Real]:
        """exp(-beta l), l, l' and l'' at a lattice point."""
        found = self._table.get(k)
        if found is None:
            x = k * mp.mpf(self.step)
            value = self.formula.value(x)
            found = self._table[k] = (mp.exp(-value / self.T), value, *self.formula.derivatives(x))
        return found

    def _gauss(self, j: int) -> Real:
        """exp(-(j h)^2 / 2 T V)."""
        while len(self._decay) <= j:
            n = len(self._decay) * mp.mpf(self.step)
            self._decay.append(mp.exp(-n * n / (2 * self.T * self.V)))
        return self._decay[j]

    def __call__(self, w: Real) -> Tilted:
        """Sums over the part of the lattice that carries the measure."""
        ((low, mode, high),) = windows(
            self.formula, float(w), float(self.V), float(self.T), self.digits
        )
        centre = round(mode / self.step)
        h = mp.mpf(self.step)
        offset = centre * h - w
        # exp(-(offset + j h)^2 / 2TV) = const * ratio^j * exp(-(j h)^2 / 2TV)
        ratio = mp.exp(-h * offset / (self.T * self.V))
        sums = [mp.mpf(0)] * 5
        for stride, end in ((1, math.ceil(high / self.step)), (-1, math.floor(low / self.step))):
            factor = ratio if stride > 0 else 1 / ratio
            power = mp.mpf(1) if stride > 0 else factor
            for j in range(0 if stride > 0 else 1, abs(end - centre) + 1):
                weight, value, slope, bend = self._node(centre + stride * j)
                term = weight * self._gauss(j) * power
                power *= factor
                pull = term * slope
                for i, part in enumerate((term, term * value, pull, pull * slope, term * bend)):
                    sums[i] += part
        total = sums[0]
        loss, pull, spread, bend = (s / total for s in sums[1:])
        f, df = -pull, (spread - pull**2) / self.T - bend
        log_z = mp.log(total * h / mp.sqrt(2 * mp.pi * self.T * self.V))
        log_z -= offset**2 / (2 * self.T * self.V)
        square = self.T * self.V * (1 + self.V * df) + (w + self.V * f) ** 2
        return Tilted(f, df, loss, square, self.T * log_z)


@dataclass(frozen=True)
class Panels:
    """Any loss: panels cut where the density has fallen by fixed amounts, at kinks and at knots."""

    formula: Formula
    V: Real
    T: Real
    digits: float
    shares: tuple[float, ...] = (0.08, 0.35)

    def place(self, w: Real, clip: Side | None = None) -> tuple[list[Real], float]:
        """Sorted cuts, and the mode."""
        found = windows(self.formula, float(w), float(self.V), float(self.T), self.digits, clip)
        cuts = set()
        for low, mode, high in found:
            cuts |= {low, mode, high}
            cuts |= {k for k in (*self.formula.kinks, *self.formula.knots) if low < k < high}
            for share in self.shares:
                cuts |= {mode + share * (low - mode), mode + share * (high - mode)}
        return [mp.mpf(c) for c in sorted(cuts)], found[0][1]

    def density(self, w: Real, mode: float) -> tuple[Callable[[Real], Real], Real]:
        """The density against its value near the mode, and the exponent taken out."""
        x0 = mp.mpf(mode)
        top = (x0 - w) ** 2 / (2 * self.V) + self.formula.value(x0)
        return (
            lambda x: mp.exp((top - (x - w) ** 2 / (2 * self.V) - self.formula.value(x)) / self.T),
            top,
        )

    def __call__(self, w: Real) -> Tilted:
        """Sums over the panels."""
        cuts, mode = self.place(w)
        density, top = self.density(w, mode)
        sums = [mp.mpf(0)] * 4
        for x, h in points(cuts, legendre(self.digits)):
            term, shift = h * density(x), x - w
            moved = term * shift
            for i, part in enumerate((term, moved, moved * shift, term * self.formula.value(x))):
                sums[i] += part
        shift, spread, loss = (s / sums[0] for s in sums[1:])
        log_z = mp.log(sums[0] / mp.sqrt(2 * mp.pi * self.T * self.V)) - top / self.T
        return _from_moments(w, self.V, self.T, w + shift, spread - shift**2, loss, log_z)

    def wrong(self, w: Real, side: Side, potential: Real) -> Real:
        """Share of the measure where y t < 0, given T ln Z.

        Cut at the boundary, so that a share that is exponentially small keeps its digits.
        """
        cuts, mode = self.place(w, side)
        density, top = self.density(w, mode)
        part = mp.fsum(h * density(x) for x, h in points(cuts, legendre(self.digits)))
        return part * mp.exp(-(top + potential) / self.T) / mp.sqrt(2 * mp.pi * self.T * self.V)
