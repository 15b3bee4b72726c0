"""Hyperbolic tangent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from array_api_compat import array_namespace

from twinpeaks.theory.activations.base import Activation

__all__ = ["Tanh"]


@dataclass(frozen=True)
class Tanh(Activation):
    """sigma(x) = tanh(x)."""

    def __call__(self, x: Any) -> Any:
        """Hyperbolic tangent."""
        return array_namespace(x).tanh(x)

    def in_mpmath(self, x: Any) -> tuple[Any, Any]:
        """tanh and its derivative sech^2."""
        import mpmath as mp  # type: ignore[import-untyped]

        return mp.tanh(x), mp.sech(x) ** 2

    def enclosed_moments(self, digits: int) -> tuple[Any, Any, Any]:
        r"""Trapezoidal sums with a proven bound.

        For F analytic in |Im x| <= a with int |F(x +- ia)| dx <= M,

            |h sum_k F(k h) - int F| <= 2 M / (exp(2 pi a / h) - 1)

        (Trefethen & Weideman, SIAM Review 56, 385 (2014), theorem 5.1). Here F is the Gaussian density
        phi times x tanh x, tanh^2 x or sech^4 x. At a = 1 < pi/2: |phi(x + i)| = e^{1/2} phi(x);
        |tanh(x + i)|^2 = (sinh^2 x + sin^2 1)/(sinh^2 x + cos^2 1) <= tan^2 1, as tan 1 > 1;
        |sech(x + i)|^4 <= 1/cos^4 1; and E|x + i| <= 2. So M <= e^{1/2} max(2 tan 1, tan^2 1,
        1/cos^4 1) < 20. Beyond |k h| = X >= 1 the sum is at most 2 int_X^oo phi(x) (1 + x) dx <=
        4 phi(X), because every F is at most (1 + |x|) phi(x), which decreases.
        """
        from mpmath import iv

        return _enclosed(digits + 20, iv.prec)


@cache
def _enclosed(digits: int, prec: int) -> tuple[Any, Any, Any]:  # noqa: ARG001 - prec is a key of the cache
    """All three sums are even in x."""
    from mpmath import iv

    per_unit = math.ceil(digits * math.log(10) / (2 * math.pi)) + 1
    count = per_unit * (math.ceil(math.sqrt(2 * digits * math.log(10))) + 1)
    h, end = iv.mpf(1) / per_unit, iv.mpf(count) / per_unit

    def gauss(x: Any) -> Any:
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
    return k1, square - k1**2, slope - k1**2
