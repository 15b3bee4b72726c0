"""Independent Gaussian features: the Marchenko-Pastur law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.feature_laws.base import FeatureLaw, Form, Kernel, Traces, on_sphere
from twinpeaks.theory.feature_laws.pairs import (
    PairFormSums,
    Pairs,
    PairSums,
    Ridge,
    cross,
    paired,
    spectrum_pair,
)
from twinpeaks.theory.random import Random

__all__ = ["Gaussian"]


@dataclass(frozen=True)
class Gaussian(FeatureLaw):
    """F with i.i.d. N(0, 1) entries; S follows the Marchenko-Pastur law of ratio c."""

    @staticmethod
    def resolvent(z: Any, c: Any) -> Any:
        """g(z) = <(S + z)^{-1}> for z off the negative real axis.

        The positive root of c z g^2 + (z + 1 - c) g - 1 = 0, in the form that does not cancel for
        the sign of z + 1 - c at hand.
        """
        b = z + 1.0 - c
        if np.iscomplexobj(z):  # cut between the ends of the spectrum alone
            root = np.sqrt(z + (1.0 - np.sqrt(c)) ** 2) * np.sqrt(z + (1.0 + np.sqrt(c)) ** 2)
            positive = np.real(b * np.conj(root)) >= 0
        else:
            root = np.sqrt(b * b + 4.0 * c * z)
            positive = b >= 0
        # The untaken branch of np.where is still evaluated: give it a harmless denominator.
        return np.where(
            positive,
            2.0 / np.where(positive, b + root, 1.0),
            (root - b) / np.where(positive, 1.0, 2.0 * c * z),
        )

    def traces(self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any) -> Traces:
        """Closed form; all terms are positive, so nothing cancels.

        From 1/g = z + 1/(1 + c g) follow <S G> = g/(1 + c g),
        <G^2> = g^2 (1 + c g)^2 / ((1 + c g)^2 - c g^2), <S G^2> = <G^2>/(1 + c g)^2 and
        <S^2 G^2> = d(z <S G>)/dz = <S G^2> (1/(1 + c g) + c z g), with G = (S + z)^{-1}.
        """
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        scale = Vh * k1
        z = (ridge + Vh * ks) / scale
        g = self.resolvent(z, c)
        d = 1.0 + c * g
        h = g / d
        # (1 + c g)^2 - c g^2, grouped so that c >= 1 has only positive terms
        g2 = (g * d) ** 2 / (1.0 + 2.0 * c * g + c * (c - 1.0) * g * g)
        sg2 = g2 / (d * d)
        s2g2 = sg2 * (1.0 / d + c * z * g)
        t = c * rho * k1
        return Traces(
            R=g / scale,
            SR=h / scale,
            OmegaR=(k1 * h + ks * g) / scale,
            OmegaR2=(k1 * sg2 + ks * g2) / scale**2,
            SOmegaR2=(k1 * s2g2 + ks * sg2) / scale**2,
            TR=t * h / scale,
            TR2=t * sg2 / scale**2,
            TSR2=t * s2g2 / scale**2,
        )

    def pairs(
        self, c: float, moments: HermiteMoments, rho: float, one: Ridge, other: Ridge
    ) -> Pairs:
        """Closed form: the population is the identity."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        z = (one.u + ks) / k1
        g, h = self.resolvent(z, c), self.resolvent((other.u + ks) / k1, c)
        kk = cross(1.0 / (1.0 + c * g), 1.0 / (1.0 + c * h))
        sums = PairSums(kk, kk, kk, kk, (PairFormSums(kk, kk, kk),))
        return paired(spectrum_pair(sums, g, h, z, c), k1, ks, rho)

    def log_det(self, c: Array, moments: HermiteMoments, ridge: Array, Vh: Array) -> Array:
        """<ln(S + z)> = ln(1 + c g)/c - ln g - g/(1 + c g), by integrating g over z."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        g = self.resolvent((ridge + Vh * ks) / (Vh * k1), c)
        # R = g / (Vh kappa_1^2), so that Vh -> 0 leaves ln ridge
        return np.asarray(np.log1p(c * g) / c - np.log(g / (Vh * k1)) - g / (1 + c * g))

    def kernel(
        self, alpha_T: Any, moments: HermiteMoments, rho: float, ridge: Any, slope: Any
    ) -> Kernel:
        """D eigenvalues of S at c, the others at 0: ridge regression on x.

        The nonlinear part of the features acts as a ridge kappa_star^2 on the dual variables.
        """
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        shrunk = k1 / (ridge + k1 * alpha_T * slope)
        linear = Form(shrunk, alpha_T * shrunk**2, rho * (alpha_T * shrunk) ** 2)
        none = 0.0 * shrunk
        return Kernel(
            V=ks / ridge + shrunk,
            noise=linear.noise,
            signal=linear.signal,
            drift=rho * alpha_T * shrunk,
            forms=(linear, Form(none + 1.0 / ridge, none, none)),
        )

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[tuple[Any, ...], Any]:
        """I.i.d. standard normal entries, and a teacher uniform on its sphere."""
        F = random.normal(D, N)
        return (F,), on_sphere(random.normal(D), rho)
