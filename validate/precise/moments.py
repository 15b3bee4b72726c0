"""Hermite moments of an activation in mpmath.

    kappa_0 = E sigma,  kappa_1 = E g sigma,  kappa_star^2 = E sigma^2 - kappa_0^2 - kappa_1^2,
    dkappa_star^2 = E sigma'^2 - kappa_1^2.

The equations see kappa_1^2, kappa_star^2 and dkappa_star^2 only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.activations import Activation, Custom, Erf, Identity, ReLU, Tanh
from twinpeaks.validate.precise.rules import PROBE, Rule, integrate, reach, refine

__all__ = ["Moments", "moments"]

Real = Any


class Moments(NamedTuple):
    """kappa_1, kappa_star^2 and dkappa_star^2."""

    kappa_1: Real
    star2: Real
    dstar2: Real


def moments(activation: Activation, digits: float, rule: Callable[[float], Rule]) -> Moments:
    """Moments of an activation: closed forms, or integrals by the given rule.

    Parameters
    ----------
    activation : Activation
    digits : float
        Digits wanted of the integrals.
    rule : callable
        ``rules.legendre`` or ``rules.tanh_sinh``.

    Raises
    ------
    ValueError
        For an activation that is not known here, and for a callable that mpmath cannot use.
    """
    return _moments(activation, digits, rule, mp.mp.prec)


@cache
def _moments(
    activation: Activation,
    digits: float,
    rule: Callable[[float], Rule],
    prec: int,  # noqa: ARG001 - a key of the cache
) -> Moments:
    pi = mp.pi
    if isinstance(activation, Identity):
        return Moments(mp.mpf(1), mp.mpf(0), mp.mpf(0))
    if isinstance(activation, ReLU):
        return Moments(mp.mpf(1) / 2, mp.mpf(1) / 4 - 1 / (2 * pi), mp.mpf(1) / 4)
    if isinstance(activation, Erf):
        k1 = 2 / mp.sqrt(3 * pi)
        star2 = 2 / pi * mp.asin(mp.mpf(2) / 3) - k1**2
        return Moments(k1, star2, 4 / (pi * mp.sqrt(5)) - k1**2)
    if isinstance(activation, Tanh):
        return _by_quadrature(mp.tanh, lambda x: mp.sech(x) ** 2, (), digits, rule)
    if isinstance(activation, Custom):
        function = _checked(activation)
        return _by_quadrature(
            function, lambda x: mp.diff(function, x), activation.kinks, digits, rule
        )
    raise ValueError(
        f"activation = {activation!r} has no mpmath formula: describe it as a Custom whose callable "
        "accepts mpmath numbers, or add it to validate/precise/moments.py"
    )


def _checked(activation: Custom) -> Callable[[Real], Real]:
    def function(x: Real) -> Real:
        try:
            return mp.mpf(activation.function(x))
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(
                f"activation = {activation!r}: its callable does not accept mpmath numbers "
                f"({error}); write it with mpmath functions, or with + - * / and ** alone"
            ) from error

    return function


def _by_quadrature(
    f: Callable[[Real], Real],
    df: Callable[[Real], Real],
    kinks: tuple[float, ...],
    digits: float,
    rule: Callable[[float], Rule],
) -> Moments:
    far = mp.mpf(reach(digits))

    def integrands(x: Real) -> list[Real]:
        weight, s = mp.npdf(x), f(x)
        return [weight * s, weight * x * s, weight * s * s, weight * df(x) ** 2]

    cuts = [-far, far, *(mp.mpf(k) for k in range(-9, 10, 3)), *(mp.mpf(k) for k in kinks)]
    with mp.workdps(PROBE):
        mesh = refine(integrands, cuts, digits)
    k0, k1, square, slope = integrate(integrands, mesh, rule(digits))
    return Moments(k1, square - k0**2 - k1**2, slope - k1**2)
