"""Feature laws: the spectrum of S = F^T F / D and the traces that the read-out needs.

With c = N/D, Omega = kappa_1^2 S + kappa_star^2 1 the covariance of the features, T = c rho kappa_1^2 S
the square of its cross-covariance with the teacher, R = (ridge + Vh Omega)^{-1} and <.> = (1/N) tr, a
law supplies the seven traces of ``Traces`` and a way to draw F. A new law is one class here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.teachers import Random

__all__ = ["FeatureLaw", "Gaussian", "Traces"]


class Traces(NamedTuple):
    """Normalised traces; every entry has the shape of the inputs."""

    R: Any
    OmegaR: Any
    OmegaR2: Any
    SOmegaR2: Any
    TR: Any
    TR2: Any
    TSR2: Any


class FeatureLaw:
    """The law of the frozen features F."""

    def traces(
        self, c: Any, kappa_1: float, kappa_star: float, rho: float, ridge: Any, Vh: Any
    ) -> Traces:
        """Traces of the resolvent.

        Parameters
        ----------
        c : array
            N/D.
        kappa_1, kappa_star : float
            Hermite moments of the activation.
        rho : float
            Teacher norm.
        ridge : array
            beta lam, or lam at zero temperature.
        Vh : array
            Conjugate of V; complex when the caller differentiates by a complex step, so
            implementations must be analytic in it.
        """
        raise NotImplementedError

    def sample(self, D: int, N: int, random: Random) -> Any:
        """Draw F of shape (D, N)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Gaussian(FeatureLaw):
    """F with i.i.d. N(0, 1) entries; S follows the Marchenko-Pastur law of ratio c."""

    @staticmethod
    def resolvent(z: Any, c: Any) -> Any:
        """g(z) = <(S + z)^{-1}> for z > 0.

        The positive root of c z g^2 + (z + 1 - c) g - 1 = 0, in the form that does not cancel for
        the sign of z + 1 - c at hand.
        """
        b = z + 1.0 - c
        root = np.sqrt(b * b + 4.0 * c * z)
        positive = np.real(b) >= 0
        # The untaken branch of np.where is still evaluated: give it a harmless denominator.
        return np.where(
            positive, 2.0 / np.where(positive, b + root, 1.0), (root - b) / (2.0 * c * z)
        )

    def traces(
        self, c: Any, kappa_1: float, kappa_star: float, rho: float, ridge: Any, Vh: Any
    ) -> Traces:
        """Closed form; all terms are positive, so nothing cancels.

        From 1/g = z + 1/(1 + c g) follow <S G> = g/(1 + c g),
        <G^2> = g^2 (1 + c g)^2 / ((1 + c g)^2 - c g^2), <S G^2> = <G^2>/(1 + c g)^2 and
        <S^2 G^2> = d(z <S G>)/dz = <S G^2> (1/(1 + c g) + c z g), with G = (S + z)^{-1}.
        """
        scale = Vh * kappa_1**2
        z = (ridge + Vh * kappa_star**2) / scale
        g = self.resolvent(z, c)
        d = 1.0 + c * g
        h = g / d
        # (1 + c g)^2 - c g^2, grouped so that c >= 1 has only positive terms
        g2 = (g * d) ** 2 / (1.0 + 2.0 * c * g + c * (c - 1.0) * g * g)
        sg2 = g2 / (d * d)
        s2g2 = sg2 * (1.0 / d + c * z * g)
        k1, ks = kappa_1**2, kappa_star**2
        t = c * rho * k1
        return Traces(
            R=g / scale,
            OmegaR=(k1 * h + ks * g) / scale,
            OmegaR2=(k1 * sg2 + ks * g2) / scale**2,
            SOmegaR2=(k1 * s2g2 + ks * sg2) / scale**2,
            TR=t * h / scale,
            TR2=t * sg2 / scale**2,
            TSR2=t * s2g2 / scale**2,
        )

    def sample(self, D: int, N: int, random: Random) -> NDArray[np.float64]:
        """I.i.d. standard normal entries."""
        return random.normal(D, N)  # type: ignore[no-any-return]
