"""What a feature law is: the traces that the read-out needs, and a way to draw the features.

With c = N/D, S = F^T F / D, Omega = kappa_1^2 S + kappa_star^2 1 the covariance of the features,
T = E[z nu] E[z nu]^T their squared cross-covariance with the teacher (trace norm), R = (ridge + Vh
Omega)^{-1} and <.> = (1/N) tr, where <T .> stands for tr(T .).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from theory.activations import HermiteMoments
from theory.teachers.base import Random

__all__ = ["FeatureLaw", "Kernel", "Traces"]

Array = NDArray[np.float64]


class Traces(NamedTuple):
    """Normalised traces; every entry has the shape of the inputs."""

    R: Any
    SR: Any
    OmegaR: Any
    OmegaR2: Any
    SOmegaR2: Any
    TR: Any
    TR2: Any
    TSR2: Any


class Kernel(NamedTuple):
    """The limit N/P -> infinity of the read-out, per unit of the channel's averages.

    V, then Q = noise E[f^2] + signal E[s f]^2 and m = drift E[s f].
    """

    V: Any
    noise: Any
    signal: Any
    drift: Any


class FeatureLaw:
    """The law of the frozen features F and of the teacher's direction."""

    def traces(self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any) -> Traces:
        """Traces of the resolvent.

        Parameters
        ----------
        c : array
            N/D.
        moments : HermiteMoments
            Of the activation.
        rho : float
            Teacher norm.
        ridge : array
            lam.
        Vh : array
            Conjugate of V; complex when the caller differentiates by a complex step, so
            implementations must be analytic in it.
        """
        raise NotImplementedError

    def log_det(self, c: Array, moments: HermiteMoments, ridge: Array, Vh: Array) -> Array:
        """<ln(ridge + Vh Omega)>."""
        raise NotImplementedError

    def kernel(
        self, alpha_T: Any, moments: HermiteMoments, rho: float, ridge: Any, slope: Any
    ) -> Kernel:
        """Read-out in the limit of infinitely many features.

        Parameters
        ----------
        slope : array
            -E[df/domega], the channel's average before the factor P/N.
        """
        raise NotImplementedError

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[Any, Any]:
        """Draw F of shape (D, N) and w_T of shape (D,), |w_T|^2 = rho D.

        Inputs are then i.i.d. of variance one; a law of correlated inputs whitens them and puts
        their covariance into F and w_T.
        """
        raise NotImplementedError


def on_sphere(w: Any, rho: float) -> Any:
    """Scale a vector of D entries to |w|^2 = rho D."""
    xp = array_namespace(w)
    return w * (rho * w.shape[0] / xp.sum(w * w)) ** 0.5
