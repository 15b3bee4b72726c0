"""The channel in mpmath: averages over a training pattern at given (V, Q, m).

In the units of zero temperature (T = 1/beta, V times beta, the conjugates per pattern), with omega ~ N(0, Q)
and Z_*(y; m omega / Q, rho - m^2 / Q) the law of the label,

    Vh = -E[df/domega],  Qh = E[f^2],  mh = E[(d ln Z_*/domega_*) f].

The loss is a function of x = y t or y - t; w is omega in the same coordinate. ``Graph`` and ``Field`` differ
in everything that is a choice: at zero temperature integrals over x with w = x + V l'(x) explicit, or over
w with the prox by root finding; Gauss-Legendre or tanh-sinh; and the two ways of ``tilted``. A square loss
needs second moments only, which is what ``Moments`` uses in the place of ``Graph``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from theory.precise.losses import Formula
from theory.precise.rules import LOW, Rule, integrate, legendre, points, reach, refine, tanh_sinh
from theory.precise.teachers import Labels
from theory.precise.tilted import Closed, Lattice, Panels, Tilted, windows, wrong_share

__all__ = ["Averages", "Channel", "Field", "Graph", "SecondMoments", "student_tail"]

Real = Any


class Averages(NamedTuple):
    """Per pattern: -E df, E f^2, E[score f], E l, E[(y - t)^2], T E ln Z and E df^2."""

    Vh: Real
    Qh: Real
    mh: Real
    loss: Real
    square: Real
    potential: Real
    stiffness: Real


class _Law(NamedTuple):
    """One label: y, its multiplicity, and the Gaussian law of w with its label weights."""

    y: int
    weight: Real
    variance: Real
    density: Callable[[Real], tuple[Real, Real]]


@dataclass(frozen=True)
class Channel:
    """One loss met by one label law at one temperature; subclasses choose the integrals.

    Attributes
    ----------
    formula : Formula
    labels : Labels
    T : mpf
        1/beta.
    digits : float
        Digits wanted of the integrals.
    """

    formula: Formula
    labels: Labels
    T: Real
    digits: float
    _meshes: dict[Any, Any] = field(default_factory=dict)

    def averages(self, V: Real, Q: Real, m: Real) -> Averages:
        """All of them at one point; the mesh is chosen at the first and kept."""
        total = [mp.mpf(0)] * 7
        for law in self._laws(Q, m):
            for i, value in enumerate(self._integrals(law, V)):
                total[i] += law.weight * value
        found = Averages(*total)
        # Stein: for y = nu + noise the score is that of the residual
        return found if self.labels.partition else found._replace(mh=found.Vh)

    def train_error(self, V: Real, Q: Real, m: Real) -> Real:
        """P(y t < 0), or E[(y - t)^2] for real labels."""
        if self.labels.partition is None:
            return self.averages(V, Q, m).square
        if not self.T:
            return student_tail(self.labels, self._boundary(V), Q, m, self.digits, self._rule())
        total = mp.mpf(0)
        for law in self._laws(Q, m):
            side = (0, True) if self.formula.of == "margin" else (law.y, law.y < 0)

            def share(w: Real, law: _Law = law, side: tuple[int, bool] = side) -> list[Real]:
                return [law.density(w)[0] * self._wrong(w, V, side)]

            with mp.workdps(LOW):
                cuts = refine(share, self._field_cuts(law, V), self.digits)
            total += law.weight * integrate(share, cuts, self._rule())[0]
        return total

    def test_error(self, m: Real, Q: Real) -> Real:
        """P(y f < 0) on fresh patterns, or E[(y - f)^2]."""
        if self.labels.partition is None:
            return self.labels.second_moment - 2 * self.labels.correlation * m + Q
        return student_tail(self.labels, mp.mpf(0), Q, m, self.digits, self._rule())

    def _rule(self) -> Rule:
        raise NotImplementedError

    def _integrals(self, law: _Law, V: Real) -> list[Real]:
        raise NotImplementedError

    def _wrong(self, w: Real, V: Real, side: tuple[int, bool]) -> Real:
        raise NotImplementedError

    def _boundary(self, V: Real) -> Real:
        """y omega below which y prox(omega) < 0, from the side of wrong labels."""
        if self.formula.of == "margin":
            return V * self.formula.slope(-_beside(0))
        return -V * self.formula.slope(1 + _beside(1))

    def _laws(self, Q: Real, m: Real) -> list[_Law]:
        labels = self.labels
        if labels.partition is None:
            variance = labels.second_moment - 2 * m + Q
            norm = 1 / mp.sqrt(2 * mp.pi * variance)

            def residual(w: Real) -> tuple[Real, Real]:
                return norm * mp.exp(-w * w / (2 * variance)), mp.mpf(0)

            return [_Law(0, mp.mpf(1), variance, residual)]
        partition, v_star = labels.partition, labels.rho - m * m / Q
        norm = 1 / mp.sqrt(2 * mp.pi * Q)
        out = []
        for y in labels.signs:

            def density(w: Real, y: int = y) -> tuple[Real, Real]:
                omega = y * w if self.formula.of == "margin" else y - w
                gauss = norm * mp.exp(-omega * omega / (2 * Q))
                z, dz = partition(y, m / Q * omega, v_star)
                # f is the derivative in w: its sign in omega goes to the score
                return gauss * z, gauss * dz * (y if self.formula.of == "margin" else -1)

            out.append(_Law(y, mp.mpf(2) / len(labels.signs), Q, density))
        return out

    def _field_cuts(self, law: _Law, V: Real) -> list[Real]:
        """Edges in w: even ones in units of its width, and images of kinks."""
        root = mp.sqrt(law.variance)
        far = reach(self.digits + self._slack)
        shift = 0 if self.formula.of == "margin" else law.y
        cuts = [shift + root * mp.mpf(far) * k / 5 for k in range(-5, 6)]
        for kink in map(mp.mpf, self.formula.kinks):
            cuts += _images(self.formula, kink, V)
        return sorted({c for c in cuts if cuts[0] <= c <= cuts[10]})

    @property
    def _slack(self) -> float:
        """Digits by which the range exceeds what is needed; different in the two ways."""
        return 0.0


def _rows(law: _Law, w: Real, t: Tilted) -> list[Real]:
    """Integrands in the order of ``Averages``."""
    z, score = law.density(w)
    zf = z * t.f
    return [
        *(-z * t.df, zf * t.f, score * t.f, z * t.loss, z * t.square, z * t.potential),
        z * t.df * t.df,
    ]


def _beside(x: Real) -> Real:
    """The smallest useful distance from x."""
    return mp.mpf(10) ** (3 - mp.mp.dps) * max(1, abs(x))


def _images(formula: Formula, kink: Real, V: Real) -> list[Real]:
    """The two values of w between which the prox stays at a kink; equal where l' is continuous."""
    left, right = (formula.slope(kink + s * _beside(kink)) for s in (-1, 1))
    if abs(right - left) < mp.mpf(10) ** (-mp.mp.dps // 2):
        left = right
    return [kink + V * left, kink + V * right]


def _prox(formula: Formula, w: Real, V: Real) -> Real:
    """argmin (x - w)^2 / 2V + l(x), by Newton from double precision."""
    ((_, start, _), *_) = windows(formula, float(w), float(V), 1e-6, 10.0)
    for kink in map(mp.mpf, formula.kinks):
        left, right = _images(formula, kink, V)
        if left <= w <= right:
            return kink
    x = mp.mpf(start)
    for _ in range(60):
        step = (x + V * formula.slope(x) - w) / (1 + V * formula.curvature(x))
        x -= step
        if abs(step) <= mp.mpf(10) ** (-mp.mp.dps // 2 - 2) * (abs(x) + abs(w) + mp.mpf(10) ** -20):
            step = (x + V * formula.slope(x) - w) / (1 + V * formula.curvature(x))
            return x - step
    raise ValueError(f"prox at w = {mp.nstr(w, 8)}, V = {mp.nstr(V, 8)} did not converge")


def _cold(formula: Formula, x: Real, w: Real, V: Real, smooth: bool) -> Tilted:
    """The tilted measure at T = 0: a point mass at the prox x of w."""
    loss = formula.value(x)
    if smooth:  # (x - w) / V would cancel where f is small
        bend = formula.curvature(x)
        f, df = -formula.slope(x), -bend / (1 + V * bend)
    else:
        f, df = (x - w) / V, -1 / V
    return Tilted(f, df, loss, x * x, -V * f * f / 2 - loss)


@dataclass(frozen=True)
class Graph(Channel):
    """Integrals along the graph w = x + V l'(x) (T = 0) or over w (T > 0), by Gauss-Legendre."""

    def _rule(self) -> Rule:
        return legendre(self.digits)

    def _inner(self, law: _Law, V: Real) -> Callable[[Real], Tilted]:
        if self.formula.pieces is not None:
            return Closed(self.formula.pieces, V, self.T)
        if self.formula.rough is None:
            return Panels(self.formula, V, self.T, self.digits + 3)
        key = ("lattice", mp.mp.prec)
        if key not in self._meshes:
            ends = self._field_cuts(law, V)
            low, high = (float(_prox(self.formula, w, V)) for w in (ends[0], ends[-1]))
            step = Lattice.spacing(
                self.formula, float(self.T), float(V), low, high, self.digits
            )
            self._meshes[key] = step, {}
        step, table = self._meshes[key]
        return Lattice(self.formula, self.T, V, step, self.digits, table)

    def _integrals(self, law: _Law, V: Real) -> list[Real]:
        if self.T:
            return self._warm(law, V)
        total = [mp.mpf(0)] * 7
        for smooth, cuts in self._pieces(law, V):
            for x, h in points(cuts, self._rule()):
                for i, value in enumerate(self._on_graph(law, V, smooth, x)):
                    total[i] += h * value
        return total

    def _warm(self, law: _Law, V: Real) -> list[Real]:
        inner = self._inner(law, V)
        key = ("warm", law.y)
        if key not in self._meshes:
            with mp.workdps(LOW):
                low = self._at_low(law)
                coarse = low._inner(law, +V)
                self._meshes[key] = refine(
                    lambda w: _rows(law, w, coarse(w)), self._field_cuts(law, V), self.digits
                )
        return integrate(lambda w: _rows(law, w, inner(w)), self._meshes[key], self._rule())

    def _at_low(self, law: _Law) -> Graph:  # noqa: ARG002
        return Graph(self.formula, self.labels, +self.T, LOW - 4)

    def _on_graph(self, law: _Law, V: Real, smooth: mp.mpf | None, x: Real) -> list[Real]:
        """Integrands at parameter x: on a smooth piece x itself, at a kink w."""
        if smooth is not None:
            return _rows(law, x, _cold(self.formula, smooth, x, V, smooth=False))
        w = x + V * self.formula.slope(x)
        speed = 1 + V * self.formula.curvature(x)
        t = _cold(self.formula, x, w, V, smooth=True)
        return [speed * value for value in _rows(law, w, t)]

    def _pieces(self, law: _Law, V: Real) -> list[tuple[Real, list[Real]]]:
        """(kink or None, cuts) of every part of the graph."""
        key = ("graph", law.y)
        if key in self._meshes and not self.formula.kinks:
            found: list[tuple[Real, list[Real]]] = self._meshes[key]
            return found
        out: list[tuple[Real, list[Real]]] = []
        ends = self._field_cuts(law, V)
        kinks = [mp.mpf(k) for k in self.formula.kinks]
        for k in kinks:
            left, right = _images(self.formula, k, V)
            inside = [left, *(e for e in ends if left < e < right), right]
            if left < ends[-1] and right > ends[0]:
                out.append((k, [e for e in inside if ends[0] <= e <= ends[-1]]))
        images = [_prox(self.formula, w, V) for w in ends]
        grid = sorted({*images, *kinks, *(mp.mpf(k) for k in self.formula.knots)})
        grid = [x for x in grid if images[0] <= x <= images[-1]]
        for low, high in pairwise([-mp.inf, *kinks, mp.inf]):
            cuts = [x for x in grid if low <= x <= high]
            if len(cuts) > 1:
                out.append((None, cuts))
        with mp.workdps(LOW):
            out = [
                (
                    k,
                    refine(lambda x, k=k: self._on_graph(law, V, k, x), cuts, self.digits)
                    if len(cuts) > 1
                    else cuts,
                )
                for k, cuts in out
            ]
        self._meshes[key] = out
        return out

    def _wrong(self, w: Real, V: Real, side: tuple[int, bool]) -> Real:
        if self.formula.pieces is not None:
            return Closed(self.formula.pieces, V, self.T).wrong(w, side)
        digits = min(self.digits, mp.mp.dps)
        return wrong_share(self.formula, w, V, self.T, side, digits, legendre(digits))


@dataclass(frozen=True)
class Field(Channel):
    """Integrals over w by the tanh-sinh rule, the prox by root finding."""

    def _rule(self) -> Rule:
        return tanh_sinh(self.digits)

    @property
    def _slack(self) -> float:
        return 6.0

    def _tilted(self, w: Real, V: Real) -> Tilted:
        if self.T:
            return Panels(self.formula, V, self.T, min(self.digits, mp.mp.dps) + 3)(w)
        x = _prox(self.formula, w, V)
        return _cold(self.formula, x, w, V, smooth=x not in self.formula.kinks)

    def _integrals(self, law: _Law, V: Real) -> list[Real]:
        def rows(w: Real) -> list[Real]:
            return _rows(law, w, self._tilted(w, V))

        key = ("field", law.y)
        if key not in self._meshes or (self.formula.kinks and not self.T):
            with mp.workdps(LOW):
                self._meshes[key] = refine(rows, self._field_cuts(law, V), self.digits)
        return integrate(rows, self._meshes[key], self._rule())

    def _wrong(self, w: Real, V: Real, side: tuple[int, bool]) -> Real:
        digits = min(self.digits, mp.mp.dps)
        return wrong_share(self.formula, w, V, self.T, side, digits, tanh_sinh(digits))


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


def student_tail(labels: Labels, edge: Real, Q: Real, m: Real, digits: float, rule: Rule) -> Real:
    """P(y omega < edge), integrated from the edge outwards so that a thin tail keeps its digits."""
    assert labels.partition is not None
    partition, v_star = labels.partition, labels.rho - m * m / Q
    start = edge / mp.sqrt(Q)
    budget = mp.mpf(reach(digits)) ** 2
    stop = -mp.sqrt(budget + (start**2 if start < 0 else 0))

    def integrands(xi: Real) -> list[Real]:
        total = mp.fsum(
            partition(y, y * m / mp.sqrt(Q) * xi, v_star)[0] for y in labels.signs
        )
        return [2 * total / len(labels.signs) * mp.npdf(xi)]

    with mp.workdps(LOW):
        cuts = [stop, *(start + (stop - start) * mp.mpf(s) for s in (0.5, 0.2, 0.05)), start]
        mesh = refine(integrands, cuts, digits)
    mesh[-1] = start
    return integrate(integrands, mesh, rule)[0]
