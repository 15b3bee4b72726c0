"""Averages under the tilted measure exp(-beta [(x - w)^2 / 2V + l(x)]) at finite temperature.

Two ways. ``Closed`` and ``Lattice`` use moments of x, f = (E x - w)/V and df/dw = Var x / (T V^2) - 1/V: in
closed form for piecewise quadratic losses, by the trapezoidal rule on one lattice shared by all w for
analytic ones. ``Panels`` integrates on Gauss-Legendre panels around each w, and for losses without jumps
uses f = -E l', df/dw = beta Var l' - E l'' (a jump of the slope is a delta function in l'').
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]
import numpy as np

from theory.precise.losses import Formula, Piece
from theory.precise.rules import Rule, legendre, points

__all__ = ["Closed", "Lattice", "Panels", "Tilted", "windows", "wrong_share"]

Real = Any
#: Where y t < 0 lies in the argument of the loss: (boundary, True if below it).
Side = tuple[int, bool]


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
    if low > 0:  # the smaller tails
        mass = mp.ncdf(-low) - mp.ncdf(-high)
    else:
        mass = mp.ncdf(high) - mp.ncdf(low)
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
    _table: dict[int, tuple[Real, Real]] = field(default_factory=dict)
    _decay: list[Real] = field(default_factory=list)

    @staticmethod
    def spacing(formula: Formula, T: float, V: float, low: float, high: float, digits: float) -> float:
        """The largest admissible h for measures whose modes lie between low and high."""
        assert formula.rough is not None
        x = np.linspace(low, high, 400)
        budget = math.log(10.0) * (digits + 4.0)
        best = 0.0
        for d in formula.strip * np.arange(1, 40) / 40.0:
            lift = formula.rough(x + 0j).real - formula.rough(x + 1j * d).real
            growth = (d * d / (2 * V) + float(np.max(lift))) / T
            for shrunk in (d, d / 4, d / 16, d / 64, d / 256):
                # growth is at most quadratic near the axis
                cost = growth * (shrunk / d) ** 2
                best = max(best, 2 * math.pi * shrunk / (budget + cost))
        return best

    def _node(self, k: int) -> tuple[Real, Real]:
        found = self._table.get(k)
        if found is None:
            value = self.formula.value(k * mp.mpf(self.step))
            found = self._table[k] = (mp.exp(-value / self.T), value)
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
        sums = [mp.mpf(0)] * 4
        for stride, end in ((1, math.ceil(high / self.step)), (-1, math.floor(low / self.step))):
            factor = ratio if stride > 0 else 1 / ratio
            power = mp.mpf(1) if stride > 0 else factor
            for j in range(0 if stride > 0 else 1, abs(end - centre) + 1):
                weight, value = self._node(centre + stride * j)
                term = weight * self._gauss(j) * power
                power *= factor
                sums[0] += term
                sums[1] += stride * j * term
                sums[2] += j * j * term
                sums[3] += term * value
        total, first, second, loss = sums
        shift = first / total
        mean, variance = centre * h + h * shift, h * h * (second / total - shift**2)
        log_z = mp.log(total * h / mp.sqrt(2 * mp.pi * self.T * self.V))
        log_z -= offset**2 / (2 * self.T * self.V)
        return _from_moments(w, self.V, self.T, mean, variance, loss / total, log_z)


def windows(
    formula: Formula, w: float, V: float, T: float, digits: float, clip: Side | None = None
) -> list[tuple[float, float, float]]:
    """(low, mode, high) of the tilted density in every smooth piece where it matters, largest first.

    Outside of [low, high] the density is below 10^-digits of its maximum. In double precision: it
    only says where to integrate. ``clip`` restricts the measure to one side.
    """
    value, slope = _quick(formula)
    target = math.log(10.0) * (digits + 3.0) * T

    def energy(x: float) -> float:
        return (x - w) ** 2 / (2 * V) + value(x)

    def push(x: float) -> float:
        return (x - w) / V + slope(x)

    found = []
    for left, right in pairwise([-math.inf, *formula.kinks, math.inf]):
        if clip is not None:
            left, right = (left, min(right, clip[0])) if clip[1] else (max(left, clip[0]), right)
        if left < right:
            mode = _root(push, w, V, left, right)
            inside = math.nextafter(mode, right if mode == left else left)
            found.append((energy(inside), left, mode, right))
    best = min(height for height, *_ in found)
    out = []
    for height, left, mode, right in sorted(found):
        if height - best > target:
            continue
        ends = []
        for sign, edge in ((-1.0, left), (1.0, right)):
            width = math.sqrt(T * V) if mode != edge else 0.0
            while width and energy(mode + sign * width) - best > target:
                width /= 1.4
            while width and energy(mode + sign * width) - best < target:
                width *= 1.4
            ends.append(mode + sign * min(width, abs(edge - mode)))
        out.append((ends[0], mode, ends[1]))
    return out


def _quick(formula: Formula) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Value and slope for Python floats."""
    if formula.quick is not None:
        return formula.quick

    def low(function: Callable[[Real], Real]) -> Callable[[float], float]:
        def at(x: float) -> float:
            with mp.workdps(15):
                return float(function(mp.mpf(x)))

        return at

    return low(formula.value), low(formula.slope)


def _root(push: Callable[[float], float], w: float, V: float, left: float, right: float) -> float:
    """Zero of an increasing function on (left, right), or the end it points to."""
    low, high = left, right
    if math.isinf(low):
        low, step = min(w, right) - 1e-9 * (1 + abs(w)), V + 1e-3
        while push(low) > 0:
            low, step = low - step, 2 * step
    if math.isinf(high):
        high, step = max(w, left) + 1e-9 * (1 + abs(w)), V + 1e-3
        while push(high) < 0:
            high, step = high + step, 2 * step
    if push(math.nextafter(low, high)) >= 0:
        return low
    if push(math.nextafter(high, low)) <= 0:
        return high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high or high - low < 1e-9 * (abs(low) + 1e-3 * math.sqrt(V)):
            break
        if push(middle) > 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@dataclass(frozen=True)
class Panels:
    """Any loss: panels cut where the density has fallen by fixed amounts, at kinks and at knots."""

    formula: Formula
    V: Real
    T: Real
    digits: float

    def place(self, w: Real, clip: Side | None = None) -> tuple[list[Real], float]:
        """Sorted cuts, and the mode."""
        found = windows(
            self.formula, float(w), float(self.V), float(self.T), self.digits, clip
        )
        cuts = set()
        for low, mode, high in found:
            cuts |= {low, mode, high}
            cuts |= {k for k in (*self.formula.kinks, *self.formula.knots) if low < k < high}
            for share in (0.08, 0.35):
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
        sums = [mp.mpf(0)] * 7
        jumps = self.formula.jumps
        for x, h in points(cuts, legendre(self.digits)):
            term = h * density(x)
            slope = x - w if jumps else self.formula.slope(x)
            sums[0] += term
            sums[1] += term * slope
            sums[2] += term * slope * slope
            sums[3] += term * self.formula.value(x)
            sums[4] += term * (x - w) ** 2
            sums[5] += term * (x - w)
            if not jumps:
                sums[6] += term * self.formula.curvature(x)
        Z = sums[0]
        one, two, loss, spread, shift, bend = (s / Z for s in sums[1:])
        square = spread + 2 * w * shift + w * w
        potential = self.T * mp.log(Z / mp.sqrt(2 * mp.pi * self.T * self.V)) - top
        if jumps:
            df = (two - one**2) / (self.T * self.V**2) - 1 / self.V
            return Tilted(one / self.V, df, loss, square, potential)
        for kink in map(mp.mpf, self.formula.kinks):
            tiny = mp.mpf(10) ** (3 - mp.mp.dps) * max(1, abs(kink))
            jump = self.formula.slope(kink + tiny) - self.formula.slope(kink - tiny)
            bend += density(kink) / Z * jump
        return Tilted(-one, (two - one**2) / self.T - bend, loss, square, potential)


def wrong_share(
    formula: Formula, w: Real, V: Real, T: Real, side: Side, digits: float, rule: Rule
) -> Real:
    """Share of the tilted measure where y t < 0, by quadrature on that side alone.

    Cut at the boundary, so that a share that is exponentially small keeps its digits.
    """
    panels = Panels(formula, V, T, digits)
    whole, mode = panels.place(w)
    part, _ = panels.place(w, side)
    density, _ = panels.density(w, mode)
    total = mp.fsum(h * density(x) for x, h in points(whole, rule))
    return mp.fsum(h * density(x) for x, h in points(part, rule)) / total
