r"""Feature laws as expressions: T, and every <h(S)> in closed form.

A law without a formula keeps integrals over the spectral density mu(S), with the teacher's squared
alignment T(S) at eigenvalue S: <T h> = int mu T h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import sympy as sp  # type: ignore[import-untyped]

from twinpeaks.theory.derivation.functions import Alignment, Covariance, Resolvent, Stieltjes
from twinpeaks.theory.derivation.notation import S, Vh, c, kappa_1, kappa_star, rho, z
from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.feature_laws.orthogonal import Orthogonal

__all__ = ["Law", "law", "resolvent_point", "stieltjes", "stieltjes_slope"]


@dataclass(frozen=True)
class Law:
    """The spectrum of S and the teacher's place in it, in symbols.

    Attributes
    ----------
    alignment : sympy.Expr
        T as a function of S.
    closed : callable
        <h> of a function h of S, Omega and R, in closed form or as an integral.
    resolvent : bool
        Whether the closed forms are in g(z).
    shallow : bool
        Whether the influence of the output is kappa_1^2 p + kappa'_star^2 q, as for one layer.
    """

    alignment: Any
    closed: Callable[[Any], Any]
    resolvent: bool = False
    shallow: bool = True


def resolvent_point(ridge: Any) -> Any:
    """Where g is taken: z with R = 1/(Vh kappa_1^2 (S + z))."""
    return (ridge + Vh * kappa_star**2) / (Vh * kappa_1**2)


def stieltjes(point: Any) -> Any:
    """g, the positive root of c z g^2 + (z + 1 - c) g = 1."""
    b = point + 1 - c
    return (sp.sqrt(b**2 + 4 * c * point) - b) / (2 * c * point)


def stieltjes_slope(g: Any, point: Any) -> Any:
    """dg/dz, by differentiating the equation of g."""
    unknown = sp.Function("g")(point)
    equation = c * point * unknown**2 + (point + 1 - c) * unknown - 1
    (slope,) = sp.solve(equation.diff(point), unknown.diff(point))
    return sp.factor(slope.subs(unknown, g))


@singledispatch
def law(features: FeatureLaw | None) -> Law:
    """A feature law in symbols; abstract for None and for laws without a formula."""
    density = sp.Function("mu", nonnegative=True)(S)
    shallow = features is None or type(features).influences is FeatureLaw.influences
    return Law(
        Alignment(S),
        lambda h: sp.Integral(density * spelled(h), (S, 0, sp.oo)),
        shallow=shallow,
    )


_ISOTROPIC = c * rho * kappa_1**2 * S


@law.register
def _(features: Gaussian) -> Law:  # noqa: ARG001
    return Law(_ISOTROPIC, _marchenko_pastur, resolvent=True)


@law.register
def _(features: Orthogonal) -> Law:  # noqa: ARG001
    return Law(_ISOTROPIC, _atoms)


def spelled(h: Any) -> Any:
    """Omega and R written out."""
    omega = kappa_1**2 * S + kappa_star**2
    h = h.replace(Resolvent, lambda _, v, ridge: 1 / (ridge + v * omega))
    return h.replace(Covariance, lambda _: omega)


def _atoms(h: Any) -> Any:
    """S has the eigenvalue 1 for c <= 1, and beyond c on a share 1/c and 0 on the rest."""
    h = spelled(h)
    wide = h.subs(S, c) / c + (1 - 1 / c) * h.subs(S, 0)
    return sp.Piecewise((h.subs(S, 1), c <= 1), (wide, True))


def _marchenko_pastur(h: Any) -> Any:
    """Partial fractions in S, each (S + z)^{-k} a derivative of g; and the logarithm."""
    g = Stieltjes(0, z, c)
    scale = Vh * kappa_1**2
    if isinstance(h, sp.log):
        # <ln R>; <ln(S + z)> is the integral of g over z
        return -sp.log(scale) - sp.log(1 + c * g) / c + sp.log(g) + g / (1 + c * g)
    (ridge,) = {factor.args[2] for factor in h.atoms(Resolvent)}
    h = h.replace(Resolvent, lambda s, *_: 1 / (scale * (s + z)))
    h = h.replace(Covariance, lambda s: kappa_1**2 * (s + z) - ridge / Vh)
    total = sp.S.Zero
    for term in sp.Add.make_args(sp.apart(sp.together(h), S)):
        front, back = term.as_independent(S, as_Add=False)
        total += front * _fraction(back)
    return sp.collect(sp.expand(sp.simplify(total)), [g, g.diff(z)], sp.factor)


def _fraction(term: Any) -> Any:
    """<a (S + z)^{-k}> up to the factor that ``as_independent`` left on the denominator."""
    if term == 1:
        return sp.S.One
    base, power = sp.fraction(sp.factor(term))[1].as_base_exp()
    slope = sp.Poly(base, S).coeff_monomial(S)
    k = int(power)
    assert sp.simplify(base / slope - S - z) == 0
    derivative = Stieltjes(k - 1, z, c) * (-1) ** (k - 1) / sp.factorial(k - 1)
    return derivative / slope**k
