"""What the symbols of the equations stand for, as pairs of expressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp  # type: ignore[import-untyped]

from twinpeaks.theory.derivation import notation as n
from twinpeaks.theory.derivation.averages import SpectralMean
from twinpeaks.theory.derivation.equations import Z_STAR, FreeEntropy
from twinpeaks.theory.derivation.functions import Covariance, Moreau, Resolvent, Stieltjes, Thermal
from twinpeaks.theory.derivation.laws import resolvent_point, stieltjes, stieltjes_slope
from twinpeaks.theory.derivation.teachers import gaussian

__all__ = ["Pair", "definitions"]

Pair = tuple[Any, Any]


def definitions(free: FreeEntropy, shown: Iterable[Any]) -> list[Pair]:
    """Left- and right-hand sides, from the outermost average inwards.

    Parameters
    ----------
    free : FreeEntropy
    shown : iterable of sympy.Expr
        The expressions whose traces are to be explained.
    """
    weight = sp.exp(-(n.xi**2) / 2) / sp.sqrt(2 * sp.pi) * n.dxi
    pairs = [
        (n.Dxi, weight),
        (n.omega, sp.sqrt(n.Q_0) * n.xi),
        (n.omega_star, n.m * n.xi / sp.sqrt(n.Q_0)),
        (n.V_star, n.rho - n.m**2 / n.Q_0),
        (sp.Function("P")(n.y, n.nu), free.teacher.law),
        (Z_STAR, free.teacher.kernel),
        *(_cold(free) if free.zero_temperature else _warm(free)),
        (sp.Function("ell")(n.y, n.t), free.loss),
        (Covariance(n.S), n.kappa_1**2 * n.S + n.kappa_star**2),
        (Resolvent(n.S, n.Vh, free.ridge), 1 / (free.ridge + n.Vh * Covariance(n.S))),
        *_traces(free, shown),
    ]
    return [(left, right) for left, right in pairs if sp.srepr(left) != sp.srepr(right)]


def _warm(free: FreeEntropy) -> list[Pair]:
    """The tilted measure over t."""
    Z, h = sp.Function("Z")(n.y, n.omega, n.V), sp.Function("h")(n.t)
    boltzmann = gaussian(n.t, n.omega, n.V) * sp.exp(-n.beta * sp.Function("ell")(n.y, n.t))
    f, df = free.response(1), free.response(2)
    mean = sp.Integral(h * boltzmann, (n.t, -sp.oo, sp.oo)) / Z
    return [
        (Z, sp.Integral(boltzmann, (n.t, -sp.oo, sp.oo))),
        (f, sp.Derivative(sp.log(Z), n.omega)),
        (df, sp.Derivative(f, n.omega)),
        (Thermal(h, n.y, n.omega, n.V, n.beta), mean),
    ]


def _cold(free: FreeEntropy) -> list[Pair]:
    """The proximal point; solved where the loss is quadratic in t."""
    energy = free.exponent.subs(free.loss, sp.Function("ell")(n.y, n.t))
    f, df = free.response(1), free.response(2)
    pairs = [
        (Moreau(0, n.y, n.omega, n.V, free.loss), sp.Function("min_t")(energy)),
        (n.t, sp.Function("argmin_t")(energy)),
        (f, (n.t - n.omega) / n.V),
        (df, sp.Derivative(f, n.omega)),
    ]
    slope = free.exponent.diff(n.t)
    if slope.diff(n.t, 2) == 0 and not slope.has(sp.Derivative, sp.Heaviside):
        (point,) = sp.solve(slope, n.t)
        pairs.insert(2, (n.t, sp.factor(point)))
    return pairs


def _traces(free: FreeEntropy, shown: Iterable[Any]) -> list[Pair]:
    """Every <h> of some expressions in closed form, or the integral that it is."""
    h = sp.Function("h")(n.S)
    if not free.features.resolvent:
        return [(SpectralMean(h), free.trace(h))]
    means = {mean for expr in shown for mean in expr.atoms(SpectralMean)}
    ordered = sorted(means, key=lambda mean: (sp.count_ops(mean), str(mean)))
    g = Stieltjes(0, n.z, n.c)
    return [
        *((mean, free.trace(mean.integrand)) for mean in ordered),
        (g, stieltjes(n.z)),
        (g.diff(n.z), stieltjes_slope(g, n.z)),
        (n.z, resolvent_point(free.ridge)),
    ]
