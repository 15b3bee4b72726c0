"""The first way through the channel: the graph of the prox, Gauss-Legendre, closed forms, the lattice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.validate.precise.channel import Averages, Channel, Law, cold, images, prox, rows_at
from twinpeaks.validate.precise.rules import LOW, PROBE, Rule, integrate, legendre, points, refine
from twinpeaks.validate.precise.tilted import Closed, Lattice, Panels, Tilted
from twinpeaks.validate.precise.windows import Side

__all__ = ["Graph", "SecondMoments"]

Real = Any


@dataclass(frozen=True)
class Graph(Channel):
    """Integrals along the graph w = x + V l'(x) (T = 0) or over w (T > 0), by Gauss-Legendre."""

    def _closed_error(self) -> Callable[[Real, Real], Real] | None:
        return self.labels.test_error

    def _rule(self) -> Rule:
        return legendre(self.digits)

    def _inner(self, law: Law, V: Real) -> Callable[[Real], Tilted]:
        if self.formula.pieces is not None:
            return Closed(self.formula.pieces, V, self.T)
        if self.formula.rough is None:
            return Panels(self.formula, V, self.T, self.digits + 3)
        key = ("lattice", mp.mp.prec)
        if key not in self._meshes:
            ends = self._field_cuts(law, V)
            low, high = (float(prox(self.formula, w, V)) for w in (ends[0], ends[-1]))
            step = Lattice.spacing(self.formula, float(self.T), float(V), low, high, self.digits)
            self._meshes[key] = step, {}
        step, table = self._meshes[key]
        return Lattice(self.formula, self.T, V, step, self.digits, table)

    def _integrals(self, law: Law, V: Real) -> list[Real]:
        if self.T:
            return self._warm(law, V)
        total = [mp.mpf(0)] * 7
        for smooth, cuts in self._pieces(law, V):
            for x, h in points(cuts, self._rule()):
                for i, value in enumerate(self._on_graph(law, V, smooth, x)):
                    total[i] += h * value
        return total

    def _warm(self, law: Law, V: Real) -> list[Real]:
        inner = self._inner(law, V)
        if law.y not in self._meshes:
            with mp.workdps(PROBE):
                coarse = replace(self, digits=LOW, _meshes={})._inner(law, +V)
                self._meshes[law.y] = refine(
                    lambda w: rows_at(law, w, coarse(w)), self._field_cuts(law, V), self.digits
                )
        return self._over_field(lambda w: rows_at(law, w, inner(w)), law, V)

    def _over_field(self, rows: Callable[[Real], list[Real]], law: Law, V: Real) -> list[Real]:
        if law.y not in self._meshes:
            with mp.workdps(PROBE):
                self._meshes[law.y] = refine(rows, self._field_cuts(law, V), self.digits)
        return integrate(rows, self._meshes[law.y], self._rule())

    def _on_graph(self, law: Law, V: Real, kink: Real | None, x: Real) -> list[Real]:
        """Integrands at parameter x: w where the prox stays at a kink, the prox elsewhere."""
        if kink is not None:
            return rows_at(law, x, cold(self.formula, kink, x, V, smooth=False))
        slope, bend = self.formula.derivatives(x)
        w, speed = x + V * slope, 1 + V * bend
        t = cold(self.formula, x, w, V, smooth=True)
        return [speed * value for value in rows_at(law, w, t)]

    def _pieces(self, law: Law, V: Real) -> list[tuple[Real | None, list[Real]]]:
        """(kink or None, cuts) of every part of the graph; kinks move with V, so they are not kept."""
        if law.y in self._meshes and not self.formula.kinks:
            found: list[tuple[Real | None, list[Real]]] = self._meshes[law.y]
            return found
        out = []
        for kink, cuts in self._coarse(law, V):

            def rows(x: Real, kink: Real | None = kink) -> list[Real]:
                return self._on_graph(law, V, kink, x)

            with mp.workdps(PROBE):
                out.append((kink, refine(rows, cuts, self.digits)))
        self._meshes[law.y] = out
        return out

    def _coarse(self, law: Law, V: Real) -> list[tuple[Real | None, list[Real]]]:
        ends = self._field_cuts(law, V)
        kinks = [mp.mpf(k) for k in self.formula.kinks]
        proxes = [prox(self.formula, w, V) for w in ends]
        grid = {*proxes, *kinks, *(mp.mpf(k) for k in self.formula.knots)}
        grid = {x for x in grid if proxes[0] <= x <= proxes[-1]}
        pieces: list[tuple[Real | None, list[Real]]] = []
        for low, high in pairwise([-mp.inf, *kinks, mp.inf]):
            pieces.append((None, sorted(x for x in grid if low <= x <= high)))
        for kink in kinks:
            left, right = images(self.formula, kink, V)
            pieces.append((kink, [w for w in ends if left <= w <= right]))
        return [(kink, cuts) for kink, cuts in pieces if len(cuts) > 1]

    def _wrong(self, law: Law, w: Real, V: Real, side: Side) -> Real:
        if self.formula.pieces is not None:
            return Closed(self.formula.pieces, V, self.T).wrong(w, side)
        inner = Panels(self.formula, V, self.T, self.digits, (0.15, 0.5))
        return inner.wrong(w, side, self._inner(law, V)(w).potential)


@dataclass(frozen=True)
class SecondMoments(Graph):
    """Square loss in closed form: f = (y - omega) / (1 + V)."""

    def averages(self, V: Real, Q: Real, m: Real) -> Averages:
        """From E[(y - omega)^2] alone."""
        tau = self.labels.correlation
        square = self.labels.second_moment - 2 * tau * m + Q
        d = 1 + V
        rest = square / d**2 + self.T * V / d
        potential = -square / (2 * d) - self.T * mp.log(d) / 2
        return Averages(1 / d, square / d**2, tau / d, rest / 2, rest, potential, 1 / d**2)
