"""Quadrature rules at any number of digits.

Two families that share no node: Gauss-Legendre and tanh-sinh. Both live on panels short enough for the
integrand, which ``refine`` finds by bisection from its Chebyshev coefficients at low precision. The
panels are a choice, not a result: too coarse a mesh shows as a disagreement of the two families.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]
import numpy as np

__all__ = [
    "LOW",
    "PROBE",
    "Rule",
    "integrate",
    "legendre",
    "points",
    "reach",
    "refine",
    "tanh_sinh",
    "trapezoid",
]

Real = Any
Rule = Sequence[tuple[Real, Real]]

#: Digits of the integrals from which the iteration starts.
LOW = 16
#: Digits of the arithmetic that chooses meshes: noise of cancellation must not look like structure.
PROBE = 40
_PROBES = 24
# A panel whose Chebyshev coefficients fall by 1e-13 over 24 orders has a Bernstein ellipse of
# parameter 3.5, where Gauss-Legendre gains 1.09 digits a node.
_DECAY = 1e-13
_MOST = 600
_NODES_PER_DIGIT = 0.95


def reach(digits: float) -> float:
    """Standard deviations beyond which a Gaussian is below 10^-digits of its maximum."""
    return math.sqrt(2.0 * math.log(10.0) * (digits + 3.0))


def legendre(digits: float) -> Rule:
    """Gauss-Legendre on [-1, 1], enough nodes for that many digits on a panel of ``refine``."""
    return _legendre(math.ceil(_NODES_PER_DIGIT * digits) + 4, mp.mp.prec)


@cache
def _legendre(n: int, prec: int) -> Rule:
    out = []
    with mp.workprec(prec + 20):
        for k in range((n + 1) // 2):
            x = mp.cos(mp.pi * (k + mp.mpf(3) / 4) / (n + mp.mpf(1) / 2))
            for _ in range(100):
                below, here = mp.mpf(1), x
                for j in range(2, n + 1):
                    below, here = here, ((2 * j - 1) * x * here - (j - 1) * below) / j
                slope = n * (x * here - below) / (x * x - 1)
                step = here / slope
                x -= step
                if abs(step) < mp.mpf(2) ** (-prec // 2 - 10):
                    break
            # one more evaluation of the slope at the converged node
            below, here = mp.mpf(1), x
            for j in range(2, n + 1):
                below, here = here, ((2 * j - 1) * x * here - (j - 1) * below) / j
            slope = n * (x * here - below) / (x * x - 1)
            weight = 2 / ((1 - x * x) * slope * slope)
            out.append((x, weight))
            if 2 * k + 1 != n:
                out.append((-x, weight))
    return tuple((+x, +w) for x, w in out)


def tanh_sinh(digits: float) -> Rule:
    """The double-exponential rule x = tanh(pi/2 sinh s) on [-1, 1] for that many digits."""
    return _tanh_sinh(math.ceil(digits), mp.mp.prec)


@cache
def _tanh_sinh(digits: int, prec: int) -> Rule:
    out = []
    with mp.workprec(prec + 20):
        step = mp.mpf(7) / (4 * max(digits, 15))
        half = mp.pi / 2
        k = 0
        while True:
            s = k * step
            u = half * mp.sinh(s)
            weight = step * half * mp.cosh(s) / mp.cosh(u) ** 2
            if weight < mp.mpf(10) ** (-digits - 3):
                break
            x = mp.tanh(u)
            out.append((x, weight))
            if k:
                out.append((-x, weight))
            k += 1
    return tuple((+x, +w) for x, w in out)


def points(cuts: Sequence[Real], rule: Rule) -> Iterator[tuple[Real, Real]]:
    """Nodes and weights of a rule on every panel between sorted cuts."""
    for a, b in pairwise(cuts):
        if not b > a:
            continue
        middle, half = (a + b) / 2, (b - a) / 2
        for x, w in rule:
            yield middle + half * x, half * w


def integrate(f: Callable[[Real], Sequence[Real]], cuts: Sequence[Real], rule: Rule) -> list[Real]:
    """Several integrals at once: ``f`` returns their integrands, always equally many."""
    totals: list[Real] = []
    for x, w in points(cuts, rule):
        values = f(x)
        totals = (
            [w * v for v in values]
            if not totals
            else [t + w * v for t, v in zip(totals, values, strict=True)]
        )
    return totals


def refine(
    f: Callable[[Real], Sequence[Real]], cuts: Sequence[Real], digits: float, depth: int = 40
) -> list[Real]:
    """Bisect panels until the Chebyshev coefficients of every integrand fall fast enough.

    Parameters
    ----------
    f : callable
        Integrands, evaluated at the working precision (meant to be low).
    cuts : sequence
        Edges to start from; all of them are kept.
    digits : float
        Panels on which every integrand is below 10^-digits of its total are left alone.
    depth : int
        Limit of bisections of one panel.

    Returns
    -------
    list
        Sorted edges.

    Raises
    ------
    ValueError
        If no reasonable number of panels is enough.
    """

    def probe(a: Real, b: Real) -> _Panel:
        middle, half = (a + b) / 2, (b - a) / 2
        columns = list(
            zip(*(f(middle + half * mp.mpf(float(x))) for x in _COSINES[1]), strict=True)
        )
        sizes = [max(abs(v) for v in column) for column in columns]
        tails = [
            float(np.max(np.abs(_TAIL @ np.array([float(v / (size or 1)) for v in column]))))
            for column, size in zip(columns, sizes, strict=True)
        ]
        return _Panel(a, b, [size * half for size in sizes], tails)

    def resolved(p: _Panel, totals: list[Real]) -> bool:
        """A panel that contributes less may be resolved less."""
        spare = [
            1 + float(mp.log10(size / total)) / (digits + 3) if size else -1.0
            for size, total in zip(p.sizes, totals, strict=True)
        ]
        return all(s <= 0 or tail < _DECAY**s for s, tail in zip(spare, p.tails, strict=True))

    panels = [probe(a, b) for a, b in pairwise(sorted(set(cuts)))]
    for _ in range(depth):
        totals = [sum(column) for column in zip(*(p.sizes for p in panels), strict=True)]
        finer = []
        for p in panels:
            if resolved(p, totals):
                finer.append(p)
            else:
                middle = (p.a + p.b) / 2
                finer += [probe(p.a, middle), probe(middle, p.b)]
        if len(finer) == len(panels):
            break
        if len(finer) > _MOST:
            raise ValueError(
                f"an integrand needs more than {_MOST} panels between {mp.nstr(cuts[0], 5)} and "
                f"{mp.nstr(cuts[-1], 5)}: it is not piecewise analytic, or a kink is not declared"
            )
        panels = finer
    return sorted({edge for p in panels for edge in (p.a, p.b)})


class _Panel(NamedTuple):
    a: Real
    b: Real
    sizes: list[Real]
    tails: list[float]


def trapezoid(
    f: Callable[[Real], Sequence[Real]],
    centre: Real,
    far: Real,
    step: Real,
    digits: float,
    *,
    final: bool = False,
) -> tuple[list[Real], Real]:
    """The trapezoidal rule on the line, for analytic integrands that decay beyond ``far``.

    Halving the step squares the error (Trefethen & Weideman, SIAM Review 56, 385 (2014)): the rule
    stops at the first halving that changes the integrals by less than 10^(-digits/2), with a margin.

    Parameters
    ----------
    step : mpf
        To start with, or, if ``final``, to use.

    Returns
    -------
    values : list of mpf
    step : mpf
        The last one.

    Raises
    ------
    ValueError
        If the step falls below far / 20000.
    """

    def comb(offset: Real, spacing: Real) -> list[Real]:
        count = int(far / spacing)
        columns = zip(
            *(f(centre + offset + k * spacing) for k in range(-count, count + 1)), strict=True
        )
        return [mp.fsum(column) for column in columns]

    sums = comb(mp.mpf(0), step)
    tolerance = mp.mpf(10) ** (-digits / 2 - 1)
    while not final:
        more = comb(step / 2, step)
        change = max(
            abs(a - b) / abs(a + b) if a + b else mp.mpf(0) for a, b in zip(sums, more, strict=True)
        )
        sums, step = [a + b for a, b in zip(sums, more, strict=True)], step / 2
        final = change < tolerance
        if step < far / 20000:
            raise ValueError("an integrand varies too fast for the trapezoidal rule")
    return [step * s for s in sums], step


_ANGLES = (np.arange(_PROBES) + 0.5) * np.pi / _PROBES
_COSINES = np.cos(np.outer(np.arange(_PROBES), _ANGLES))
_TAIL = _COSINES[-3:] * 2.0 / _PROBES
