"""The saddle point in mpmath: a sweep of the equations, and its root by Broyden's method.

Unknowns u = (ln V, ln Q, ln a), a = m / sqrt(rho Q - m^2). A first solution at low precision, with a Jacobian
by finite differences, starts the full precision, where Broyden's updates of that Jacobian need one sweep an
iteration and at most a handful of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.validate.precise.channel import Averages, Channel
from twinpeaks.validate.precise.moments import Moments
from twinpeaks.validate.precise.spectrum import Law, Traces, traces

__all__ = ["Equations", "Sweep", "find", "polish"]

Real = Any
Vector = list[Any]


class Sweep(NamedTuple):
    """One sweep: (V, Q, m) -> averages -> traces -> (V', Q', m')."""

    averages: Averages
    traces: Traces
    V: Real
    Q: Real
    m: Real


@dataclass(frozen=True)
class Equations:
    """The equations of one point, evaluated one way."""

    channel: Channel
    law: Law
    features: FeatureLaw
    moments: Moments
    alpha: Real
    c: Real
    lam: Real

    def overlaps(self, u: Vector) -> tuple[Real, Real, Real]:
        """(V, Q, m) from u."""
        V, Q, a = (mp.exp(x) for x in u)
        return V, Q, mp.sqrt(self.channel.labels.rho * Q) * a / mp.sqrt(1 + a * a)

    def coordinates(self, V: Real, Q: Real, m: Real) -> Vector:
        """The inverse.

        Raises
        ------
        ValueError
            If m^2 >= rho Q, or a component is not positive.
        """
        rest = self.channel.labels.rho * Q - m * m
        if not (V > 0 and m > 0 and rest > 0):
            raise ValueError(
                f"V = {mp.nstr(V, 5)}, Q = {mp.nstr(Q, 5)}, m = {mp.nstr(m, 5)} is not physical"
            )
        return [mp.log(V), mp.log(Q), mp.log(m / mp.sqrt(rest))]

    def sweep(self, u: Vector) -> Sweep:
        """Channel, then read-out."""
        found = self.channel.averages(*self.overlaps(u))
        Vh, Qh, mh = (self.alpha * h for h in (found.Vh, found.Qh, found.mh))
        if not Vh > self.lam * mp.mpf(10) ** (-mp.mp.dps):
            raise ValueError(
                f"Vh = {mp.nstr(Vh, 3)} is nothing beside lam = {mp.nstr(self.lam, 3)}: no pattern "
                "reaches a kink of the loss, and the spectrum cannot be resolved; lower lam"
            )
        rho, k = self.channel.labels.rho, self.moments
        t = traces(self.law, self.features, self.c, k, rho, self.lam, Vh)
        k2 = k.kappa_1**2
        Q = Qh * (k2 * t.SOmegaR2 + k.star2 * t.OmegaR2)
        Q += mh * mh * (k2 * t.TSR2 + k.star2 * t.TR2)
        return Sweep(found, t, t.OmegaR, Q, mh * t.TR)

    def residual(self, u: Vector) -> Vector:
        """Mismatch u' - u of a sweep."""
        s = self.sweep(u)
        return [new - old for new, old in zip(self.coordinates(s.V, s.Q, s.m), u, strict=True)]


def _jacobian(f: Callable[[Vector], Vector], u: Vector, here: Vector) -> Any:
    """Forward differences; the step balances rounding and curvature."""
    step = mp.mpf(10) ** (-mp.mp.dps // 2)
    out = mp.matrix(3, 3)
    for j in range(3):
        moved = list(u)
        moved[j] += step
        for i, value in enumerate(f(moved)):
            out[i, j] = (value - here[i]) / step
    return out


def _norm(v: Vector) -> Real:
    return max(abs(x) for x in v)


def find(equations: Equations, start: Mapping[str, Any] | None) -> tuple[Vector, Any]:
    """A solution at the working precision (meant to be low), and the inverse Jacobian there.

    Damped sweeps from V = Q = 1 where no start is given, then Newton with step halving.

    Raises
    ------
    ValueError
        If Newton does not converge.
    """
    if start is not None:
        V, Q, m = (mp.mpf(float(start[k])) for k in ("V", "Q_0", "m"))
        u = equations.coordinates(V, Q, m)
    else:
        u = _relaxed(equations)
    here = equations.residual(u)
    tolerance = mp.mpf(10) ** (6 - mp.mp.dps)
    for _ in range(60):
        inverse = _jacobian(equations.residual, u, here) ** -1
        step = [-x for x in inverse * mp.matrix(here)]
        size = mp.mpf(1) / max(1, _norm(step) / 2)
        for _ in range(30):
            trial = [a + size * b for a, b in zip(u, step, strict=True)]
            try:
                there = equations.residual(trial)
            except (ValueError, ZeroDivisionError):
                there = None
            if there is not None and (_norm(there) < _norm(here) or _norm(there) < tolerance):
                break
            size /= 2
        else:
            break
        u, here = trial, there
        if _norm(step) < mp.mpf(10) ** (5 - mp.mp.dps // 2) or _norm(here) < tolerance:
            return u, inverse
    raise ValueError(
        "the saddle point was not found at low precision (residual "
        f"{mp.nstr(_norm(here), 3)}); give start=tp.solve(...) at the same point"
    )


def _relaxed(equations: Equations) -> Vector:
    u = [mp.mpf(0), mp.mpf(0), mp.mpf(-1)]
    for _ in range(300):
        try:
            step = equations.residual(u)
        except ValueError as error:
            raise ValueError(
                f"damped sweeps left the physical region ({error}); give start=tp.solve(...) "
                "at the same point"
            ) from error
        u = [a + b / 2 for a, b in zip(u, step, strict=True)]
        if _norm(step) < 1e-2:
            break
    return u


def polish(
    equations: Equations, u: Vector, inverse: Any, digits: float
) -> tuple[Vector, Sweep, Any]:
    """Broyden's iteration to the given digits, by one sweep an iteration.

    Returns
    -------
    u : list of mpf
    sweep : Sweep
        The last one, at a point whose Newton step is below 10^-digits.
    inverse : matrix
        The updated inverse Jacobian.

    Raises
    ------
    ValueError
        If 25 sweeps do not reach the tolerance.
    """
    tolerance = mp.mpf(10) ** -digits
    before: Any = None
    step: Any = None
    for _ in range(25):
        sweep = equations.sweep(u)
        new = equations.coordinates(sweep.V, sweep.Q, sweep.m)
        here = mp.matrix([a - b for a, b in zip(new, u, strict=True)])
        if before is not None:
            gain = inverse * (here - before)
            row = step.T * inverse
            inverse = inverse + (step - gain) * row / (step.T * gain)[0]
        step = -(inverse * here)
        if _norm(step) < tolerance:
            return u, sweep, inverse
        u, before = [a + b for a, b in zip(u, step, strict=True)], here
    raise ValueError(
        f"the saddle point did not settle to {digits:g} digits (step {mp.nstr(_norm(step), 3)}); "
        "raise dps"
    )
