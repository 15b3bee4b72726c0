"""Deep random features in mpmath: spectrum and influence.

Layer l has the covariance C_l = a S_l + b_l, a = kappa_1^2 / v, v = kappa_1^2 + kappa_star^2, S_l the Gram
matrix of Gaussian features of C_{l-1}. With 1 + x C_l = x a (S_l + zeta), zeta = (1 + x b_l) / (x a),
averages over a layer follow from the resolvent of S_l, and that from averages over the layer below.

The influence matrix differs from Omega by its noises alone (``bent``): its traces are derivatives along the
line from the one to the other, taken numerically at raised precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.feature_laws.deep import Deep
from twinpeaks.validate.precise.moments import Moments
from twinpeaks.validate.precise.rules import PROBE, integrate, refine, tanh_sinh
from twinpeaks.validate.precise.spectrum import DENSITY, RESOLVENT, Resolvent, Traces, of_population

__all__ = ["influence"]

Real = Any
Sums = Callable[[Real], tuple[Any, ...]]


class _Layers(NamedTuple):
    """Widths N_l / D, a, and the noise b_l of every hidden layer."""

    widths: tuple[Real, ...]
    linear: Real
    noises: tuple[Real, ...]


def _layers(law: Deep | _Layers, k: Moments) -> _Layers:
    if isinstance(law, _Layers):
        return law
    v = k.kappa_1**2 + k.star2
    widths = tuple(mp.mpf(w) for w in law.widths)
    return _Layers(widths, k.kappa_1**2 / v, (k.star2 / v,) * len(widths))


def _inputs(x: Real) -> tuple[Any, ...]:
    """C = 1: A, -A', B, B' and ln(1 + x) of ``of_population``."""
    u = 1 / (1 + x)
    return u, u * u, x * u, u * u, mp.log1p(x)


def _above(layers: _Layers, number: int, below: Sums) -> Sums:
    """Averages over hidden layer ``number`` from those of the layer below."""
    a, b = layers.linear, layers.noises[number]
    c = layers.widths[number] / (layers.widths[number - 1] if number else 1)

    def sums(x: Real) -> tuple[Any, ...]:
        s = of_population(c, a, (1 + x * b) / (x * a), below)
        u, u2 = s.g / (x * a), s.g2 / (x * a) ** 2
        log = mp.log(x * a) + s.log_det
        return (1 - u) / x, (1 - 2 * u + u2) / x**2, s.tg / a, s.tg2 / (x * a * a) / x, log

    return sums


def _first_by_density(layers: _Layers) -> Sums:
    """Averages over the first hidden layer, from the Marchenko-Pastur density of S_1.

    s = low + 2 r sin^2(theta / 2) removes both edges; for c > 1 an atom of weight 1 - 1/c sits at 0.
    The teacher's share of the eigenvalue s is c s.
    """
    a, b, c = layers.linear, layers.noises[0], layers.widths[0]
    low, radius = (1 - mp.sqrt(c)) ** 2, 2 * mp.sqrt(c)
    atom = max(mp.mpf(0), 1 - 1 / c)

    def sums(x: Real) -> tuple[Any, ...]:
        def integrands(theta: Real) -> list[Real]:
            s = low + 2 * radius * mp.sin(theta / 2) ** 2
            if not s:
                return [mp.mpf(0)] * 5
            weight = (radius * mp.sin(theta)) ** 2 / (2 * mp.pi * c * s)
            C = a * s + b
            u, t = 1 / (1 + x * C), weight * c * a * s
            return [
                *(weight * C * u, weight * (C * u) ** 2, t * x * u, t * u * u),
                weight * mp.log1p(x * C),
            ]

        digits = mp.mp.dps
        with mp.workdps(PROBE):
            mesh = refine(integrands, [mp.mpf(0), mp.pi / 2, mp.pi], digits)
        mesh[-1] = +mp.pi
        bulk = integrate(integrands, mesh, tanh_sinh(digits))
        if atom:
            u = 1 / (1 + x * b)
            extra = (b * u, (b * u) ** 2, 0, 0, mp.log1p(x * b))
            bulk = [v + atom * e for v, e in zip(bulk, extra, strict=True)]
        return tuple(bulk)

    return sums


def _deep(first: Callable[[_Layers], Sums]) -> Callable[..., Resolvent]:
    def law(features: Any, c: Real, k: Moments, rho: Real, z: Real) -> Resolvent:
        layers = _layers(features, k)
        sums = first(layers)
        for number in range(1, len(layers.widths)):
            sums = _above(layers, number, sums)
        return of_population(c / layers.widths[-1], rho * k.kappa_1**2, z, sums)

    return law


RESOLVENT[Deep] = _deep(lambda layers: _above(layers, 0, _inputs))
DENSITY[Deep] = _deep(_first_by_density)


def influence(
    law: Any, features: Any, c: Real, k: Moments, rho: Real, lam: Real, Vh: Real, t: Traces
) -> tuple[Real, Real, Real]:
    """<M R>, <M Omega R^2> and tr T R M R of the influence matrix M, |grad f|^2 = w^T M w / N.

    M = kappa_1^2 S + kappa'_star^2 for one layer. For more, with Omega(e) = Omega + e (M - Omega),

        d<ln(lam + Vh Omega)>/de = Vh <(M - Omega) R>,   d tr(T R)/de = -Vh tr T R (M - Omega) R,
        <(M - Omega) Omega R^2> = -d<(M - Omega) R>/dVh.
    """
    k2 = k.kappa_1**2
    if not isinstance(features, Deep):
        return (
            k2 * t.SR + k.dstar2 * t.R,
            k2 * t.SOmegaR2 + k.dstar2 * t.OmegaR2,
            k2 * t.TSR2 + k.dstar2 * t.TR2,
        )
    layers, v = _layers(features, k), k2 + k.star2
    growth = (k2 + k.dstar2) / v

    def bent(e: Real, conjugate: Real) -> tuple[Resolvent, Real]:
        noises = tuple(
            b + e * (k.dstar2 / v * growth**depth - b) for depth, b in enumerate(layers.noises)
        )
        star2 = k.star2 + e * (k.dstar2 * growth ** len(noises) - k.star2)
        scale = conjugate * k2
        x = law(layers._replace(noises=noises), c, k, rho, (lam + conjugate * star2) / scale)
        return x, scale

    def log_det(e: Real, conjugate: Real) -> Real:
        x, scale = bent(e, conjugate)
        return x.log_det + mp.log(scale)

    def aligned(e: Real) -> Real:
        x, scale = bent(e, Vh)
        return x.tg / scale

    slope = mp.diff(log_det, (0, Vh), (1, 0)) / Vh
    # d/dVh of (1/Vh) d/de ln det
    turn = mp.diff(log_det, (0, Vh), (1, 1)) / Vh - slope / Vh
    omega2 = k2 * t.SOmegaR2 + k.star2 * t.OmegaR2
    tau = k2 * t.TSR2 + k.star2 * t.TR2
    return t.OmegaR + slope, omega2 - turn, tau - mp.diff(aligned, 0) / Vh
