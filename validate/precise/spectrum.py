"""Spectra of S = F^T F / D for mpmath: one function a feature law.

A law is what it says of the resolvent G = (S + z)^{-1} at one z > 0: the averages <G> and <G^2>, the
teacher's tr(T G) and tr(T G^2), and <ln(S + z)>. All traces of the read-out are rational in these:
with R = G / (Vh kappa_1^2) and Omega = kappa_1^2 (S + z) - lam / Vh, partial fractions leave nothing else.

Every law comes in two ways that share no formula: ``RESOLVENT`` from the self-consistent equation of <G>,
``DENSITY`` from integrals over the density of S where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.feature_laws.orthogonal import Orthogonal
from twinpeaks.theory.feature_laws.power_law import PowerLaw
from twinpeaks.theory.feature_laws.spectrum import Spectrum
from twinpeaks.validate.precise.moments import Moments
from twinpeaks.validate.precise.rules import PROBE, integrate, legendre, refine, tanh_sinh

__all__ = ["DENSITY", "RESOLVENT", "Resolvent", "Traces", "law_for", "traces"]

Real = Any


class Resolvent(NamedTuple):
    """Averages of G = (S + z)^{-1}."""

    g: Real
    g2: Real
    tg: Real
    tg2: Real
    log_det: Real


#: (law, c = N/D, moments, rho, z) -> Resolvent
Law = Callable[[Any, Real, Moments, Real, Real], Resolvent]


class Traces(NamedTuple):
    """What the read-out needs, R = (lam + Vh Omega)^{-1}; T is the teacher's share."""

    R: Real
    SR: Real
    OmegaR: Real
    OmegaR2: Real
    SOmegaR2: Real
    Omega2R2: Real
    TR: Real
    TR2: Real
    TSR2: Real
    log_det: Real


def law_for(features: FeatureLaw, table: dict[type, Law]) -> Law:
    """The function of a law in one of the two tables.

    Raises
    ------
    ValueError
        For a law that has none.
    """
    for kind, law in table.items():
        if type(features) is kind:
            return law
    raise ValueError(
        f"features = {features!r} has no mpmath spectrum: add a function to RESOLVENT and DENSITY in "
        "validate/precise/spectrum.py"
    )


def traces(
    law: Law, features: FeatureLaw, c: Real, k: Moments, rho: Real, lam: Real, Vh: Real
) -> Traces:
    """Traces of R at conjugate Vh, from the resolvent at z = lam / (Vh kappa_1^2) + kappa_star^2 / kappa_1^2.

    <S G> = 1 - z <G>, <S G^2> = <G> - z <G^2>, <S^2 G^2> = 1 - 2 z <G> + z^2 <G^2>: these cancel for
    small and for large z, which the guard digits pay for.
    """
    k2 = k.kappa_1**2
    scale = Vh * k2
    z = (lam + Vh * k.star2) / scale
    x = law(features, c, k, rho, z)
    sg, sg2 = 1 - z * x.g, x.g - z * x.g2
    s2g2 = sg - z * sg2
    R, SR = x.g / scale, sg / scale
    R2, SR2, S2R2 = x.g2 / scale**2, sg2 / scale**2, s2g2 / scale**2
    oR2, soR2 = k2 * SR2 + k.star2 * R2, k2 * S2R2 + k.star2 * SR2
    return Traces(
        R=R,
        SR=SR,
        OmegaR=k2 * SR + k.star2 * R,
        OmegaR2=oR2,
        SOmegaR2=soR2,
        Omega2R2=k2 * soR2 + k.star2 * oR2,
        TR=x.tg / scale,
        TR2=x.tg2 / scale**2,
        TSR2=(x.tg - z * x.tg2) / scale**2,
        log_det=x.log_det + mp.log(scale),
    )


def _discrete(
    pairs: list[tuple[Real, Real]], aligned: list[tuple[Real, Real]], z: Real
) -> Resolvent:
    """Sums over (eigenvalue, weight) and (eigenvalue, alignment)."""
    return Resolvent(
        mp.fsum(w / (s + z) for s, w in pairs),
        mp.fsum(w / (s + z) ** 2 for s, w in pairs),
        mp.fsum(t / (s + z) for s, t in aligned),
        mp.fsum(t / (s + z) ** 2 for s, t in aligned),
        mp.fsum(w * mp.log(s + z) for s, w in pairs),
    )


def gaussian_resolvent(_: Gaussian, c: Real, k: Moments, rho: Real, z: Real) -> Resolvent:
    """Root of c z g^2 + (z + 1 - c) g - 1 = 0 and its derivative; T = c rho kappa_1^2 S / N.

    <ln(S + z)> = ln(1 + c g) / c - ln g - g / (1 + c g): its derivative in z is g.
    """
    b = z + 1 - c
    root = mp.sqrt(b * b + 4 * c * z)
    g = 2 / (b + root) if b > 0 else (root - b) / (2 * c * z)
    g2 = (c * g * g + g) / (2 * c * z * g + b)
    t = c * rho * k.kappa_1**2
    log_det = mp.log(1 + c * g) / c - mp.log(g) - g / (1 + c * g)
    return Resolvent(g, g2, t * (1 - z * g), t * (g - z * g2), log_det)


def gaussian_density(_: Gaussian, c: Real, k: Moments, rho: Real, z: Real) -> Resolvent:
    """The Marchenko-Pastur density, s = low + 2 r sin^2(theta/2), which removes both edges.

    For c > 1 an atom of weight 1 - 1/c sits at 0.
    """
    digits = mp.mp.dps
    low, radius = (1 - mp.sqrt(c)) ** 2, 2 * mp.sqrt(c)
    t = c * rho * k.kappa_1**2

    def integrands(theta: Real) -> list[Real]:
        s = low + 2 * radius * mp.sin(theta / 2) ** 2
        if not s:  # the edge of c = 1, by rounding
            return [mp.mpf(0)] * 5
        weight = (radius * mp.sin(theta)) ** 2 / (2 * mp.pi * c * s)
        share = weight / (s + z)
        return [
            *(share, share / (s + z), t * s * share, t * s * share / (s + z)),
            weight * mp.log(s + z),
        ]

    with mp.workdps(PROBE):
        mesh = refine(integrands, [mp.mpf(0), mp.pi / 2, mp.pi], digits)
    mesh[-1] = +mp.pi
    bulk = integrate(integrands, mesh, tanh_sinh(digits))
    atom = max(mp.mpf(0), 1 - 1 / c)
    if atom:
        bulk = [b + atom * v for b, v in zip(bulk, (1 / z, z**-2, 0, 0, mp.log(z)), strict=True)]
    return Resolvent(*bulk)


def orthogonal(_: Orthogonal, c: Real, k: Moments, rho: Real, z: Real) -> Resolvent:
    """Eigenvalue 1 for c <= 1; beyond, eigenvalue c on a share 1/c and 0 on the rest."""
    top, share = (c, 1 / c) if c > 1 else (mp.mpf(1), mp.mpf(1))
    pairs = [(top, share), (mp.mpf(0), 1 - share)] if c > 1 else [(top, share)]
    return _discrete(pairs, [(top, c * rho * k.kappa_1**2 * top * share)], z)


def orthogonal_trace(_: Orthogonal, c: Real, k: Moments, rho: Real, z: Real) -> Resolvent:
    """The same from S^2 = a S, a = max(1, c): G = (1 - S / (a + z)) / z, with <S> = 1."""
    a = max(mp.mpf(1), c)
    t = c * rho * k.kappa_1**2
    tg = t / (a + z)
    log_det = mp.log(z) + mp.log1p(a / z) / a
    return Resolvent(
        (1 - 1 / (a + z)) / z,
        (1 - 1 / (a + z) - z / (a + z) ** 2) / z**2,
        tg,
        tg / (a + z),
        log_det,
    )


def spectrum(
    law: Spectrum,
    c: Real,  # noqa: ARG001
    k: Moments,
    rho: Real,  # noqa: ARG001
    z: Real,
) -> Resolvent:
    """Sums over eigenvalues of Omega = kappa_1^2 S + kappa_star^2, all of the same weight."""
    weight = mp.mpf(1) / len(law.eigenvalues)
    s = [(mp.mpf(e) - k.star2) / k.kappa_1**2 for e in law.eigenvalues]
    alignments = [mp.mpf(a) for a in law.alignments]
    return _discrete([(e, weight) for e in s], list(zip(s, alignments, strict=True)), z)


def of_population(c: Real, t: Real, z: Real, sums: Callable[[Real], tuple[Any, ...]]) -> Resolvent:
    """From 1/g = z + A(c g), A(x) = int dmu sigma / (1 + x sigma) (generalised Marchenko-Pastur).

    The resolvent of F F^T/D is (1 + c g Sigma)^{-1} / z, so tr(T G) = t B(c g), t = rho kappa_1^2, with
    B(x) = int dtau x sigma / (1 + x sigma), tau the teacher's share. ``sums(x)`` gives A, -A', B, B'
    and int dmu ln(1 + x sigma).
    """

    def mismatch(log_g: Real) -> tuple[Real, Real]:
        g = mp.exp(log_g)
        A, dA, *_ = sums(c * g)
        return g * (z + A) - 1, g * (z + A) - c * g * g * dA

    log_g = -mp.log(z + 1)
    # the left side is increasing and concave in ln g: Newton from below converges
    for _ in range(100):
        value, slope = mismatch(log_g)
        step = value / slope
        log_g -= max(min(step, mp.mpf(2)), mp.mpf(-2))
        if abs(step) < mp.mpf(10) ** (-mp.mp.dps // 2 - 2):
            value, slope = mismatch(log_g)
            log_g -= value / slope
            break
    g = mp.exp(log_g)
    x = c * g
    A, dA, B, dB, log_sum = sums(x)
    g2 = g / (z + A - x * dA)
    # d<ln(S + z)>/dz = g
    log_det = log_sum / c - log_g - 1 + z * g
    return Resolvent(g, g2, t * B, t * dB * c * g2, log_det)


def power_law_quadrature(law: PowerLaw, c: Real, k: Moments, rho: Real, z: Real) -> Resolvent:
    """Population integrals over x = exp(-s): sigma = (1 - a) exp(a s), on Gauss-Legendre panels."""
    a = mp.mpf(law.exponent)
    both = a + mp.mpf(law.teacher_exponent)
    digits = mp.mp.dps
    # every integrand falls at least like exp(-(1 - a - b) s)
    far = (digits + 5) * mp.log(10) / (1 - max(both, a))
    count = int(mp.ceil(far / 6))
    cuts = [far * j / count for j in range(count + 1)]
    rule = legendre(digits)

    def sums(x: Real) -> tuple[Any, ...]:
        def integrands(s: Real) -> list[Real]:
            sigma = (1 - a) * mp.exp(a * s)
            u = 1 / (1 + x * sigma)
            mu, tau = mp.exp(-s), (1 - both) * mp.exp(-(1 - both) * s)
            return [
                *(mu * sigma * u, mu * (sigma * u) ** 2, tau * x * sigma * u, tau * sigma * u * u),
                mu * mp.log1p(x * sigma),
            ]

        return tuple(integrate(integrands, cuts, rule))

    return of_population(c, rho * k.kappa_1**2, z, sums)


def power_law_hypergeometric(law: PowerLaw, c: Real, k: Moments, rho: Real, z: Real) -> Resolvent:
    """Population integrals in closed form.

    With y = x (1 - a) and nu = (1 - a) / a, int_0^1 du u^{-a} / (1 + y u^{-a}) is a Gauss
    hypergeometric function; derivatives in y follow from integration by parts.
    """
    a = mp.mpf(law.exponent)
    both = a + mp.mpf(law.teacher_exponent)

    def moment(power: Real, y: Real) -> tuple[Real, Real]:
        """J = int_0^1 u^{-power} y / (u^a + y) du and dJ/dy, power < 1."""
        if a == 0:
            return y / (1 + y) / (1 - power), 1 / (1 + y) ** 2 / (1 - power)
        e = 1 - power
        J = mp.hyp2f1(1, e / a, 1 + e / a, -1 / y) / e
        # u d/du of the integrand, integrated: e J - a int u^{-power} u^a y/(u^a + y)^2 = y/(1 + y)
        return J, (e * J - y / (1 + y)) / (a * y)

    def sums(x: Real) -> tuple[Any, ...]:
        y = x * (1 - a)
        J, dJ = moment(mp.mpf(0), y)
        B, dB = (v * (1 - both) for v in moment(both, y))
        # int ln(1 + y u^{-a}) du = ln(1 + y) + a J, by parts; (1 - a) dJ/dx = A + x A'
        A = J / x
        return A, (A - dJ * (1 - a)) / x, B, dB * (1 - a), mp.log1p(y) + a * J

    return of_population(c, rho * k.kappa_1**2, z, sums)


RESOLVENT: dict[type, Law] = {
    Gaussian: gaussian_resolvent,
    Orthogonal: orthogonal,
    PowerLaw: power_law_quadrature,
    Spectrum: spectrum,
}

DENSITY: dict[type, Law] = {
    Gaussian: gaussian_density,
    Orthogonal: orthogonal_trace,
    PowerLaw: power_law_hypergeometric,
    Spectrum: spectrum,
}
