"""The second way through the channel: the prox by root finding, tanh-sinh, the trapezoidal rule, panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.validate.precise.channel import Channel, Law, cold, prox, rows_at
from twinpeaks.validate.precise.rules import (
    PROBE,
    Rule,
    integrate,
    reach,
    refine,
    tanh_sinh,
    trapezoid,
)
from twinpeaks.validate.precise.tilted import Panels
from twinpeaks.validate.precise.windows import Side

__all__ = ["Field"]

Real = Any


@dataclass(frozen=True)
class Field(Channel):
    """Integrals over w by the tanh-sinh rule, the prox by root finding."""

    def _rule(self) -> Rule:
        return tanh_sinh(self.digits)

    @property
    def _slack(self) -> float:
        return 6.0

    def _integrals(self, law: Law, V: Real) -> list[Real]:
        if self.T:
            inner = Panels(self.formula, V, self.T, self.digits + 3)
            return self._over_field(lambda w: rows_at(law, w, inner(w)), law, V)

        def rows(w: Real) -> list[Real]:
            x = prox(self.formula, w, V)
            return rows_at(law, w, cold(self.formula, x, w, V, x not in self.formula.kinks))

        if law.y not in self._meshes or self.formula.kinks:
            cuts = self._field_cuts(law, V)  # kinks must be cut at full precision
            with mp.workdps(PROBE):
                self._meshes[law.y] = refine(rows, cuts, self.digits)
        return integrate(rows, self._meshes[law.y], self._rule())

    def _over_field(self, rows: Callable[[Real], list[Real]], law: Law, V: Real) -> list[Real]:
        """The trapezoidal rule: at finite temperature every integrand is analytic and Gaussian.

        A step found for some integrands is kept for them; the share of wrong labels, one integrand
        that may be much steeper, finds its own.
        """
        root = mp.sqrt(law.variance)
        far = root * mp.mpf(reach(self.digits + self._slack))
        centre = mp.mpf(0 if self.formula.of == "margin" else law.y)
        key = (law.y, len(rows(centre)))
        known = self._meshes.get(key)
        found, self._meshes[key] = trapezoid(
            rows, centre, far, known or root / 2, self.digits, final=known is not None
        )
        return found

    def _wrong(self, law: Law, w: Real, V: Real, side: Side) -> Real:
        inner = Panels(self.formula, V, self.T, self.digits + 3)
        return inner.wrong(w, side, inner(w).potential)
