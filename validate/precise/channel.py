"""The channel in mpmath: averages over a training pattern at given (V, Q, m).

In the units of zero temperature (T = 1/beta, V times beta, the conjugates per pattern), with omega ~ N(0, Q)
and Z_*(y; m omega / Q, rho - m^2 / Q) the law of the label,

    Vh = -E[df/domega],  Qh = E[f^2],  mh = E[(d ln Z_*/domega_*) f].

The loss is a function of x = y t or y - t; w is omega in the same coordinate. The two ways, ``first_way.py``
and ``second_way.py``, differ in everything that is a choice: at zero temperature integrals over x with
w = x + V l'(x) explicit, or over w with the prox by root finding; Gauss-Legendre or tanh-sinh (T = 0) and
trapezoidal (T > 0) rules; and the two ways of ``tilted.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.validate.precise.losses import Formula
from twinpeaks.validate.precise.rules import PROBE, Rule, integrate, reach, refine
from twinpeaks.validate.precise.teachers import Labels
from twinpeaks.validate.precise.tilted import Tilted
from twinpeaks.validate.precise.windows import Side, rough_prox

__all__ = ["Averages", "Channel", "Law", "cold", "images", "prox", "rows_at", "student_tail"]

Real = Any
# Standard deviations to which tails are followed: 1e-544, past the end of double precision.
_DEEPEST = 50


class Averages(NamedTuple):
    """Per pattern: -E df, E f^2, E[score f], E l, E[(y - t)^2], T E ln Z and E df^2."""

    Vh: Real
    Qh: Real
    mh: Real
    loss: Real
    square: Real
    potential: Real
    stiffness: Real


class Law(NamedTuple):
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

            def share(w: Real, law: Law = law, side: Side = side) -> list[Real]:
                return [law.density(w)[0] * self._wrong(law, w, V, side)]

            total += law.weight * self._over_field(share, law, V)[0]
        return total

    def test_error(self, m: Real, Q: Real) -> Real:
        """P(y f < 0) on fresh patterns, or E[(y - f)^2]."""
        if self.labels.partition is None:
            return self.labels.second_moment - 2 * self.labels.correlation * m + Q
        closed = self._closed_error()
        if closed is not None:
            return closed(m, Q)
        return student_tail(self.labels, mp.mpf(0), Q, m, self.digits, self._rule())

    def _closed_error(self) -> Callable[[Real, Real], Real] | None:
        """The elementary test error, for the first way only."""
        return None

    def _rule(self) -> Rule:
        raise NotImplementedError

    def _integrals(self, law: Law, V: Real) -> list[Real]:
        raise NotImplementedError

    def _over_field(self, rows: Callable[[Real], list[Real]], law: Law, V: Real) -> list[Real]:
        """Integrals over w at finite temperature, on the mesh that ``averages`` chose."""
        raise NotImplementedError

    def _wrong(self, law: Law, w: Real, V: Real, side: Side) -> Real:
        raise NotImplementedError

    def _boundary(self, V: Real) -> Real:
        """The y omega below which y prox(omega) < 0, from the side of wrong labels."""
        if self.formula.of == "margin":
            return V * self.formula.slope(-_beside(0))
        return -V * self.formula.slope(1 + _beside(1))

    def _laws(self, Q: Real, m: Real) -> list[Law]:
        labels = self.labels
        if labels.partition is None:
            variance = labels.second_moment - 2 * m + Q
            norm = 1 / mp.sqrt(2 * mp.pi * variance)

            def residual(w: Real) -> tuple[Real, Real]:
                return norm * mp.exp(-w * w / (2 * variance)), mp.mpf(0)

            return [Law(0, mp.mpf(1), variance, residual)]
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

            out.append(Law(y, mp.mpf(2) / len(labels.signs), Q, density))
        return out

    def _field_cuts(self, law: Law, V: Real) -> list[Real]:
        """Edges in w: even ones in units of its width, and images of kinks.

        At T = 0 the loss may live in a tail beyond a kink: the range then covers that tail.
        """
        root = mp.sqrt(law.variance)
        kinks = [w for kink in self.formula.kinks for w in images(self.formula, mp.mpf(kink), V)]
        centre = 0 if self.formula.of == "margin" else law.y
        depth = max((abs(w - centre) / root for w in kinks), default=0) if not self.T else 0
        far = mp.sqrt(reach(self.digits + self._slack) ** 2 + min(depth, _DEEPEST) ** 2)
        cuts = [centre + root * far * k / 5 for k in range(-5, 6)]
        return sorted({*cuts, *(w for w in kinks if cuts[0] <= w <= cuts[10])})

    @property
    def _slack(self) -> float:
        """Digits by which the range exceeds what is needed; different in the two ways."""
        return 0.0


def rows_at(law: Law, w: Real, t: Tilted) -> list[Real]:
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


def images(formula: Formula, kink: Real, V: Real) -> list[Real]:
    """The two values of w between which the prox stays at a kink; equal where l' is continuous."""
    left, right = (formula.slope(kink + s * _beside(kink)) for s in (-1, 1))
    if abs(right - left) < mp.mpf(10) ** (-mp.mp.dps // 2):
        left = right
    return [kink + V * left, kink + V * right]


def prox(formula: Formula, w: Real, V: Real) -> Real:
    """Minimise (x - w)^2 / 2V + l(x), by Newton from double precision."""
    for kink in map(mp.mpf, formula.kinks):
        left, right = images(formula, kink, V)
        if left <= w <= right:
            return kink
    x = mp.mpf(rough_prox(formula, float(w), float(V)))
    for _ in range(60):
        slope, bend = formula.derivatives(x)
        step = (x + V * slope - w) / (1 + V * bend)
        x -= step
        if abs(step) <= mp.mpf(10) ** (-mp.mp.dps // 2 - 2) * (abs(x) + abs(w) + mp.mpf(10) ** -20):
            slope, bend = formula.derivatives(x)
            return x - (x + V * slope - w) / (1 + V * bend)
    raise ValueError(f"prox at w = {mp.nstr(w, 8)}, V = {mp.nstr(V, 8)} did not converge")


def cold(formula: Formula, x: Real, w: Real, V: Real, smooth: bool) -> Tilted:
    """The tilted measure at T = 0: a point mass at the prox x of w."""
    loss = formula.value(x)
    if smooth:  # (x - w) / V would cancel where f is small
        slope, bend = formula.derivatives(x)
        f, df = -slope, -bend / (1 + V * bend)
    else:
        f, df = (x - w) / V, -1 / V
    return Tilted(f, df, loss, x * x, -V * f * f / 2 - loss)


def student_tail(labels: Labels, edge: Real, Q: Real, m: Real, digits: float, rule: Rule) -> Real:
    """P(y omega < edge), integrated from the edge outwards so that a thin tail keeps its digits."""
    assert labels.partition is not None
    partition, v_star = labels.partition, labels.rho - m * m / Q
    start = edge / mp.sqrt(Q)
    budget = mp.mpf(reach(digits)) ** 2
    stop = -mp.sqrt(budget + (start**2 if start < 0 else 0))

    def integrands(xi: Real) -> list[Real]:
        total = mp.fsum(partition(y, y * m / mp.sqrt(Q) * xi, v_star)[0] for y in labels.signs)
        return [2 * total / len(labels.signs) * mp.npdf(xi)]

    with mp.workdps(PROBE):
        cuts = [stop, *(start + (stop - start) * mp.mpf(s) for s in (0.5, 0.2, 0.05)), start]
        mesh = refine(integrands, cuts, digits)
    mesh[-1] = start
    return integrate(integrands, mesh, rule)[0]
