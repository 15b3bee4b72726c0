r"""Hermite moments of activations, enclosed in intervals.

Closed forms for Identity, ReLU and Erf; those of Tanh by the trapezoidal rule with a proven bound: for F
analytic in |Im x| <= a with int |F(x +- ia)| dx <= M,

    |h sum_k F(k h) - int F| <= 2 M / (exp(2 pi a / h) - 1)

(Trefethen & Weideman, SIAM Review 56, 385 (2014), theorem 5.1). Here F is the Gaussian density phi times
x tanh x, tanh^2 x or sech^4 x. At a = 1 < pi/2: |phi(x + i)| = e^{1/2} phi(x);
|tanh(x + i)|^2 = (sinh^2 x + sin^2 1)/(sinh^2 x + cos^2 1) <= tan^2 1, as tan 1 > 1;
|sech(x + i)|^4 <= 1/cos^4 1; and E|x + i| <= 2. So M <= e^{1/2} max(2 tan 1, tan^2 1, 1/cos^4 1) < 20.
Beyond |k h| = X >= 1 the sum is at most 2 int_X^oo phi(x) (1 + x) dx <= 4 phi(X), because every F is at
most (1 + |x|) phi(x), which decreases.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.activations import Activation, Erf, Identity, ReLU, Tanh

__all__ = ["EnclosedMoments", "enclosed_moments"]

Interval = Any
iv = mp.iv


class EnclosedMoments(NamedTuple):
    """Intervals around kappa_1, kappa_star^2 and dkappa_star^2."""

    k1: Interval
    star2: Interval
    dstar2: Interval


def enclosed_moments(activation: Activation, dps: int) -> EnclosedMoments:
    """Intervals of about that many digits that contain the moments, at the precision of ``mpmath.iv``.

    Raises
    ------
    ValueError
        For an activation other than Tanh, ReLU, Erf and Identity.
    """
    pi = iv.pi
    if type(activation) is Identity:
        return EnclosedMoments(iv.mpf(1), iv.mpf(0), iv.mpf(0))
    if type(activation) is ReLU:
        quarter = iv.mpf(1) / 4
        return EnclosedMoments(iv.mpf(1) / 2, quarter - 1 / (2 * pi), quarter)
    if type(activation) is Erf:
        k1 = 2 / iv.sqrt(3 * pi)
        arcsine = iv.atan2(iv.mpf(2), iv.sqrt(iv.mpf(5)))  # arcsin(2/3)
        return EnclosedMoments(k1, 2 / pi * arcsine - k1**2, 4 / (pi * iv.sqrt(iv.mpf(5))) - k1**2)
    if type(activation) is Tanh:
        return _tanh(dps + 20, iv.prec)
    raise ValueError(
        f"activation = {activation!r}: the enclosure knows Tanh, ReLU, Erf and Identity"
    )


@cache
def _tanh(digits: int, prec: int) -> EnclosedMoments:  # noqa: ARG001 - prec is a key of the cache
    """Trapezoidal sums plus the bounds of the module docstring; all three are even in x."""
    per_unit = math.ceil(digits * math.log(10) / (2 * math.pi)) + 1
    count = per_unit * (math.ceil(math.sqrt(2 * digits * math.log(10))) + 1)
    h, end = iv.mpf(1) / per_unit, iv.mpf(count) / per_unit

    def gauss(x: Interval) -> Interval:
        return iv.exp(-(x**2) / 2) / iv.sqrt(2 * iv.pi)

    totals = [iv.mpf(0), iv.mpf(0), h * gauss(iv.mpf(0))]
    for j in range(1, count + 1):
        x = j * h
        e = iv.exp(-2 * x)
        weight, tanh = 2 * h * gauss(x), (1 - e) / (1 + e)
        sech2 = 4 * e / (1 + e) ** 2
        for i, value in enumerate((x * tanh, tanh**2, sech2**2)):
            totals[i] += weight * value
    bound = (40 / (iv.exp(2 * iv.pi * per_unit) - 1) + 4 * gauss(end)).b
    k1, square, slope = (x + iv.mpf([-bound, bound]) for x in totals)
    return EnclosedMoments(k1, square - k1**2, slope - k1**2)
