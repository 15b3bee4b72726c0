"""The zero-temperature equations a second time, in mpmath, written to share nothing with the package.

Differences on purpose: the spectrum enters through integrals over the Marchenko-Pastur density (not the
resolvent), the Gaussian integrals run over omega with the prox found by root finding (not over t), kappas
come from direct integration, and the unknowns are the bare (V, Q, m).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Reference:
    """One point of the zero-temperature problem with a sign teacher of unit norm."""

    loss: str
    activation: str
    overparam: float
    alpha_T: float
    lam: float
    degree: int = 4

    def prox(self, omega, V):
        """argmin (t - omega)^2 / 2V + l(1, t) by bisection-safeguarded Newton."""
        if self.loss == "Square":
            return (omega + V) / (1 + V)
        low, high = omega, omega + V
        t = (low + high) / 2
        for _ in range(400):
            s = 1 / (1 + mp.exp(t))
            excess = t - omega - V * s
            if excess > 0:
                high = t
            else:
                low = t
            new = t - excess / (1 + V * s * (1 - s))
            if not low < new < high:
                new = (low + high) / 2
            if abs(new - t) < mp.eps * (abs(t) + abs(omega)) * 8:
                return new
            t = new
        raise AssertionError("prox did not converge")

    def value(self, t):
        return (1 - t) ** 2 / 2 if self.loss == "Square" else mp.log1p(mp.exp(-t))

    def curvature(self, t):
        if self.loss == "Square":
            return mp.mpf(1)
        return 1 / (2 + mp.exp(t) + mp.exp(-t))

    def cuts(self, V, Q):
        root = mp.sqrt(Q)
        inner = []
        if self.loss == "Logistic":
            for t in (-32, -16, -8, -4, -2, 0, 2, 4, 8, 12, 16, 24, 32):
                inner.append((t - V / (1 + mp.exp(t))) / root)
        whole = [mp.mpf(k) for k in range(-11, 12)]
        return sorted(whole + [x for x in inner if -11 < x < 11])

    def channel(self, V, Q, m):
        """E[f^2], -E[f'], E[s f], E[loss], P(t < 0) at y = 1, doubled by symmetry."""
        root = mp.sqrt(Q)
        v_star = 1 - m * m / Q
        slope = m / root / mp.sqrt(v_star)

        def integrand(xi):
            omega = root * xi
            t = self.prox(omega, V)
            f, curve, weight = (t - omega) / V, self.curvature(t), 2 * mp.npdf(xi)
            phi = weight * mp.ncdf(slope * xi)
            score = weight * mp.npdf(slope * xi) / mp.sqrt(v_star)
            return phi * f * f, phi * curve / (1 + V * curve), score * f, phi * self.value(t)

        averages = integrate(integrand, self.cuts(V, Q), self.degree)
        edge = (-V if self.loss == "Square" else -V / 2) / root
        reach = 40 / max(1, -edge)
        cuts = [edge - reach * mp.mpf(k) for k in (1, 0.6, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01, 0)]
        (error,) = integrate(
            lambda xi: [2 * mp.npdf(xi) * mp.ncdf(slope * xi)], cuts, self.degree + 1
        )
        return (*averages, error)

    def readout(self, Vh, Qh, mh):
        c = mp.mpf(self.alpha_T) * self.overparam
        k1, ks2, dks2 = hermite_moments(self.activation)
        k2 = k1 * k1

        def h(s):
            o = k2 * s + ks2
            R = 1 / (self.lam + Vh * o)
            return o * R, o * R * R, s * o * R * R, s * R, s * R * R, s * s * R * R

        V, oRR, soRR, sR, sRR, ssRR = spectral_means(h, c, self.degree)
        q = Qh * oRR + mh**2 * c * k2 * sRR
        p = Qh * soRR + mh**2 * c * k2 * ssRR
        return V, k2 * p + ks2 * q, mh * c * k2 * sR, q, p, dks2

    def sweep(self, V, Q, m):
        """One sweep of the equations at (V, Q, m), and every observable there."""
        alpha = 1 / mp.mpf(self.overparam)
        f2, df, sf, loss, error = self.channel(V, Q, m)
        V, Q, m, q, p, dks2 = self.readout(alpha * df, alpha * f2, alpha * sf)
        k1, _, _ = hermite_moments(self.activation)
        return {
            "V": V,
            "Q_d": Q,
            "m": m,
            "q_d": q,
            "p_d": p,
            "r": m / k1,
            "train_loss": loss,
            "train_error": error,
            "test_error": mp.acos(m / mp.sqrt(Q)) / mp.pi,
            "bmd": (k1**2 * p + dks2 * q) / Q,
            "energy": alpha * loss + self.lam * q / 2,
        }

    def solve(self, V, Q, m, digits=18):
        """The same at the solution, to about ``digits`` digits, from a nearby start."""
        with mp.workdps(digits + 6):

            def equations(*u):
                new = self.sweep(*map(mp.exp, u))
                return [mp.log(new[k]) - x for k, x in zip(("V", "Q_d", "m"), u, strict=True)]

            start = [mp.log(V), mp.log(Q), mp.log(m)]
            root = mp.findroot(equations, start, tol=mp.mpf(10) ** (-2 * digits), verify=False)
            assert max(abs(e) for e in equations(*root)) < mp.mpf(10) ** (-digits + 3)
            return self.sweep(*map(mp.exp, root))
