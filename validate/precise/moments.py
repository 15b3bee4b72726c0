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

from twinpeaks.theory.activations import Activation
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
        For an activation without mpmath formulas, and for a callable that mpmath cannot use.
    """
    return _moments(activation, digits, rule, mp.mp.prec)


@cache
def _moments(
    activation: Activation,
    digits: float,
    rule: Callable[[float], Rule],
    prec: int,  # noqa: ARG001 - a key of the cache
) -> Moments:
    closed = activation.closed_moments(mp.mp)
    return Moments(*closed) if closed else _by_quadrature(activation, digits, rule)


def _by_quadrature(activation: Activation, digits: float, rule: Callable[[float], Rule]) -> Moments:
    far = mp.mpf(reach(digits))

    def integrands(x: Real) -> list[Real]:
        weight, (s, slope) = mp.npdf(x), activation.in_mpmath(x)
        return [weight * s, weight * x * s, weight * s * s, weight * slope**2]

    cuts = [-far, far, *map(mp.mpf, range(-9, 10, 3)), *map(mp.mpf, activation.kinks)]
    with mp.workdps(PROBE):
        mesh = refine(integrands, cuts, digits)
    k0, k1, square, slope = integrate(integrands, mesh, rule(digits))
    return Moments(k1, square - k0**2 - k1**2, slope - k1**2)
