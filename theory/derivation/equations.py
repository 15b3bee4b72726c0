r"""phi as an expression, its zero-temperature limit, and what stationarity makes of both.

Nothing below states a saddle-point equation: phi is written down once, and sympy differentiates it. The
limit beta -> oo is taken term by term after V -> V/beta, Vh -> beta Vh, Qh -> beta^2 Qh,
mh -> beta mh, with Laplace's method for ln Z. docs/derivations/free-entropy.md has the steps on paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp  # type: ignore[import-untyped]

from twinpeaks.theory.derivation import notation as n
from twinpeaks.theory.derivation.averages import PatternMean, SpectralMean, stein
from twinpeaks.theory.derivation.functions import (
    Covariance,
    Kernel,
    LogZ,
    Moreau,
    Resolvent,
    Stieltjes,
    Thermal,
)
from twinpeaks.theory.derivation.laws import Law, resolvent_point, stieltjes, stieltjes_slope
from twinpeaks.theory.derivation.notation import Q_0, Qh, V, Vh, alpha, beta, lam, m, mh
from twinpeaks.theory.derivation.teachers import Rule, gaussian

__all__ = ["Z_STAR", "FreeEntropy"]

_OMEGA = sp.sqrt(Q_0) * n.xi
Z_STAR = Kernel(0, n.y, m * n.xi / sp.sqrt(Q_0), n.rho - m**2 / Q_0)
_CONJUGATE = {V: Qh, Q_0: Vh, m: mh, Vh: Q_0, Qh: V, mh: m}


@dataclass(frozen=True)
class FreeEntropy:
    """The replica-symmetric free entropy as a sympy expression.

    Attributes
    ----------
    loss : sympy.Expr
        l(y, t).
    teacher : Rule
        P(y | nu), Z_* and the labels.
    features : Law
        T and the closed form of traces.
    zero_temperature : bool
        Whether ``expression`` is e = -lim phi/beta, in the units of zero temperature (V times
        beta, the conjugates divided by beta, beta^2, beta), instead of phi.

    Notes
    -----
    With R = (beta lam + Vh Omega)^{-1}, or (lam + Vh Omega)^{-1} at zero temperature,

        phi = -m mh + ((Q_0 + V) Vh - V Qh)/2 + <(mh^2 T + Qh Omega) R>/2 + <ln R>/2
              + alpha int Dxi sum_y Z_* ln Z + ln(2 pi)/2,

    stationary in V, Q_0, m, Vh, Qh, mh (theory/equations/ solves the result).
    """

    loss: Any
    teacher: Rule
    features: Law
    zero_temperature: bool = False

    @cached_property
    def expression(self) -> Any:
        """phi, or e = -lim phi/beta at zero temperature."""
        phi = self._finite
        return zero_temperature_limit(phi) if self.zero_temperature else phi

    @property
    def _finite(self) -> Any:
        resolvent = Resolvent(n.S, Vh, beta * lam)
        omega, alignment = Covariance(n.S), self.features.alignment
        log_z = LogZ(0, n.y, _OMEGA, V, beta, self.loss)
        return (
            -m * mh
            + ((Q_0 + V) * Vh - V * Qh) / 2
            + SpectralMean((mh**2 * alignment + Qh * omega) * resolvent) / 2
            + SpectralMean(sp.log(resolvent)) / 2
            + alpha * PatternMean(Z_STAR * log_z, self.teacher.labels)
            + sp.log(2 * sp.pi) / 2
        )

    @cached_property
    def gradient(self) -> Mapping[Any, Any]:
        """d(expression)/dx for each order parameter and conjugate x, as sympy returns it."""
        return {x: self.expression.diff(x) for x in _CONJUGATE}

    @cached_property
    def saddle_point(self) -> Mapping[Any, Any]:
        """The stationarity conditions, each solved for the variable it determines.

        Vh, Qh, mh in terms of V, Q_0, m and the reverse. Explicit factors of xi are removed by
        Stein's lemma. At finite temperature the condition of V also contains Vh, and that of Vh also
        V: those of Q_0 and Qh are subtracted.
        """
        conditions = {x: sp.expand_mul(stein(slope)) for x, slope in self.gradient.items()}
        conditions[V] = _eliminate(Vh, conditions[V], conditions[Q_0])
        conditions[Vh] = _eliminate(V, conditions[Vh], conditions[Qh])
        solved = {_CONJUGATE[x]: _isolate(_CONJUGATE[x], a) for x, a in conditions.items()}
        return {x: solved[x] for x in (Vh, Qh, mh, V, Q_0, m)}

    @cached_property
    def observables(self) -> Mapping[Any, Any]:
        """What a solution says, in terms of the order parameters.

        q_d is a derivative of the expression in lam, q_0 what is left of it without the part that
        survives Qh = mh = 0 (the spread inside one replica), and p follows from Q. The mean
        dimension is left out for laws of several layers, whose influence has more terms.
        """
        scale = 2 if self.zero_temperature else -2 / beta
        q_d = sp.expand_mul(scale * self.expression.diff(lam))
        spread = q_d.subs({Qh: 0, mh: 0})
        Q_d = Q_0 if self.zero_temperature else Q_0 + V
        k1, ks, dks = n.kappa_1**2, n.kappa_star**2, n.dkappa_star**2
        arguments = (n.y, _OMEGA, V, sp.oo if self.zero_temperature else beta)
        labels = self.teacher.labels
        df = self.response(2).subs(n.omega, _OMEGA)
        square = Covariance(n.S) ** 2 * Resolvent(n.S, Vh, self.ridge) ** 2
        return {
            n.Q_d: Q_d,
            n.q_0: q_d - spread,
            n.q_d: n.q_0 + spread,
            n.p_d: (n.Q_d - ks * n.q_d) / k1,
            n.p_0: (Q_0 - ks * n.q_0) / k1,
            n.r: m / n.kappa_1,
            n.test_error: self.teacher.test_error,
            **({n.bmd: (k1 * n.p_d + dks * n.q_d) / n.Q_d} if self.features.shallow else {}),
            n.train_loss: PatternMean(Z_STAR * Thermal(self.loss, *arguments), labels),
            n.energy: alpha * n.train_loss + lam * n.q_d / 2,
            n.replicon: 1 - alpha * PatternMean(Z_STAR * df**2, labels) * SpectralMean(square),
        }

    def response(self, order: int) -> Any:
        """The response f = d ln Z/domega, or -dM/domega, and its derivatives at a free omega.

        Parameters
        ----------
        order : int
            1 for f, 2 for df/domega.
        """
        if self.zero_temperature:
            return Moreau(order, n.y, n.omega, V, self.loss)
        return LogZ(order, n.y, n.omega, V, beta, self.loss)

    @property
    def exponent(self) -> Any:
        """(t - omega)^2/2V + l(y, t), which the proximal point minimises.

        It is minus the logarithm of the integrand of Z at V/beta, divided by beta, as beta -> oo.
        """
        integrand = gaussian(n.t, n.omega, V / beta) * sp.exp(-beta * self.loss)
        return _limit(-sp.expand_log(sp.log(integrand), force=True) / beta)

    @cached_property
    def explicit(self) -> Any:
        """``expression`` with every average written as an integral over xi, y, t or S.

        Traces are in closed form where the feature law has one. At zero temperature the Moreau
        envelope, a minimum over t of ``exponent``, stays a function.
        """
        return self.written_out(self.expression)

    def written_out(self, expr: Any) -> Any:
        """Replace averages, Z_*, ln Z and their derivatives by what they stand for."""
        expr = expr.replace(SpectralMean, lambda h: self.trace(h, unfold=True))
        expr = expr.replace(PatternMean, lambda h, labels: PatternMean(h, labels).integral)

        def kernel(order: Any, label: Any, centre: Any, width: Any) -> Any:
            derivative = self.teacher.kernel.diff(n.omega_star, int(order))
            given = {n.y: label, n.omega_star: centre, n.V_star: width}
            return derivative.subs(given, simultaneous=True)

        def log_z(order: Any, label: Any, centre: Any, width: Any, *rest: Any) -> Any:
            integrand = gaussian(n.t, n.omega, V) * sp.exp(-rest[0] * rest[1])
            integral = sp.Integral(integrand, (n.t, -sp.oo, sp.oo))
            derivative = sp.log(integral).diff(n.omega, int(order))
            given = {n.y: label, n.omega: centre, V: width}
            return derivative.subs(given, simultaneous=True)

        return expr.replace(Kernel, kernel).replace(LogZ, log_z)

    def trace(self, h: Any, unfold: bool = False) -> Any:
        """<h> in closed form, or as an integral over the spectral density.

        Parameters
        ----------
        h : sympy.Expr
            A product of S, Omega, T and R, or ln R.
        unfold : bool
            Write g(z) and z out.
        """
        closed = self.features.closed(h)
        if not (unfold and self.features.resolvent):
            return closed
        g = stieltjes(n.z)
        slopes = [g, stieltjes_slope(g, n.z)]

        def derivative(order: Any, *_: Any) -> Any:
            while len(slopes) <= order:
                slopes.append(slopes[-1].diff(n.z))
            return slopes[int(order)]

        return closed.replace(Stieltjes, derivative).subs(n.z, resolvent_point(self.ridge))

    @property
    def ridge(self) -> Any:
        """What R adds to Vh Omega: beta lam, or lam at zero temperature."""
        return lam if self.zero_temperature else beta * lam


def zero_temperature_limit(phi: Any) -> Any:
    """-lim phi/beta in the units of zero temperature, term by term.

    R is homogeneous of degree -1 in (Vh, ridge), and by Laplace's method ln Z(y; omega, V/beta) =
    -beta M(y; omega, V) + o(beta).
    """
    units = {V: V / beta, Vh: beta * Vh, Qh: beta**2 * Qh, mh: beta * mh}
    scaled = phi.subs(units, simultaneous=True)
    scaled = scaled.replace(
        Resolvent, lambda s, vh, ridge: Resolvent(s, vh / beta, ridge / beta) / beta
    )
    scaled = scaled.replace(
        LogZ, lambda k, y, omega, v, b, loss: -b * Moreau(k, y, omega, b * v, loss)
    )
    return _limit(-scaled / beta)


def _limit(expr: Any) -> Any:
    """Limit beta -> oo of a sum whose terms depend on beta through powers and logarithms."""
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.expand_mul(expr)):
        fixed, varying = term.as_independent(beta, as_Add=False)
        total += fixed * sp.limit(varying, beta, sp.oo)
    return total


def _eliminate(symbol: Any, condition: Any, other: Any) -> Any:
    """The multiple of another condition subtracted that removes a symbol."""
    share = condition.coeff(symbol, 1) / other.coeff(symbol, 1)
    return sp.expand_mul(condition - share * other)


def _isolate(symbol: Any, condition: Any) -> Any:
    """A linear condition solved for a symbol; averages depend on it at most through others."""
    slope = condition.coeff(symbol, 1)
    return sp.expand_mul((slope * symbol - condition) / slope)
