"""Integrals in mpmath that tests of single closed forms compare with; whole solutions are in golden/.

The spectrum enters through the Marchenko-Pastur density (not the resolvent), kappas by direct integration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import mpmath as mp
from mpmath.calculus.quadrature import GaussLegendre

ACTIVATIONS = {
    "Tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
    "ReLU": (lambda x: max(x, mp.mpf(0)), lambda x: mp.mpf(x > 0)),
    "Erf": (mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
}


@cache
def hermite_moments(name: str) -> tuple[mp.mpf, mp.mpf, mp.mpf]:
    """kappa_1, kappa_star^2, dkappa_star^2 by direct integration."""
    f, df = ACTIVATIONS[name]
    cuts = [-14, -6, -3, -1, 0, 1, 3, 6, 14]

    def mean(h):
        return mp.quad(lambda x: mp.npdf(x) * h(x), cuts)

    k0, k1 = mean(f), mean(lambda x: x * f(x))
    return (
        k1,
        mean(lambda x: f(x) ** 2) - k0**2 - k1**2,
        mean(lambda x: df(x) ** 2) - k1**2,
    )


@cache
def legendre(degree: int, prec: int) -> list[tuple[mp.mpf, mp.mpf]]:
    """Gauss-Legendre nodes on [-1, 1]: 3 * 2^(degree - 1) of them."""
    return GaussLegendre(mp.mp).calc_nodes(degree, prec)


def integrate(f: Callable[[mp.mpf], Sequence[mp.mpf]], cuts: Sequence[mp.mpf], degree: int):
    """Several integrals at once, composite Gauss-Legendre between the cuts."""
    totals = None
    for a, b in pairwise(cuts):
        middle, half = (a + b) / 2, (b - a) / 2
        for x, w in legendre(degree, mp.mp.prec):
            values = [half * w * v for v in f(middle + half * x)]
            totals = (
                values if totals is None else [t + v for t, v in zip(totals, values, strict=True)]
            )
    return totals


def spectral_means(h: Callable[[mp.mpf], Sequence[mp.mpf]], c: mp.mpf, degree: int):
    """<h(S)> over the Marchenko-Pastur law of S = F^T F / D, F of shape D x N, c = N/D."""
    low, high = (1 - mp.sqrt(c)) ** 2, (1 + mp.sqrt(c)) ** 2
    centre, radius = (low + high) / 2, (high - low) / 2

    def bulk(theta):
        s = centre - radius * mp.cos(theta)
        density = (radius * mp.sin(theta)) ** 2 / (2 * mp.pi * c * s)
        return [density * v for v in h(s)]

    # h may vary on a scale much smaller than the spectrum near its lower edge: geometric cuts
    cuts = [mp.mpf(0)] + [mp.pi * mp.mpf(2) ** -k for k in range(30, -1, -2)]
    out = integrate(bulk, cuts, degree)
    if c > 1:
        out = [o + (1 - 1 / c) * v for o, v in zip(out, h(mp.mpf(0)), strict=True)]
    return out
