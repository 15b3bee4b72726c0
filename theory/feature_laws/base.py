"""What a feature law is: the traces that the read-out needs, and a way to draw the features.

With c = N/D, S = F^T F / D, Omega = kappa_1^2 S + kappa_star^2 1 the covariance of the features,
T = E[z nu] E[z nu]^T their squared cross-covariance with the teacher (trace norm), R = (ridge + Vh
Omega)^{-1} and <.> = (1/N) tr, where <T .> stands for tr(T .).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.pairs import Pairs, Ridge
from twinpeaks.theory.random import Random

__all__ = ["FeatureLaw", "Form", "Kernel", "Traces"]


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


class Form(NamedTuple):
    """w^T M w / N for a matrix M: temperature thermal + Qh noise + mh^2 signal.

    thermal = <M R>, noise = <M Omega R^2>, signal = tr T R M R.
    """

    thermal: Any
    noise: Any
    signal: Any


class Kernel(NamedTuple):
    """The limit N/P -> infinity of the read-out, per unit of the channel's averages.

    V, then Q = noise E[f^2] + signal E[s f]^2 and m = drift E[s f]; ``forms`` likewise.
    """

    V: Any
    noise: Any
    signal: Any
    drift: Any
    forms: tuple[Form, ...]


class FeatureLaw:
    r"""The law of the frozen features F and of the teacher's direction.

    The kernel of the features is a sum Omega = sum_j kernel_j M_j over the ways in which a feature
    depends on the inputs: M_0 = kappa_1^2 S through linear parts alone, and one M_j for each layer
    whose nonlinear part comes first; the last is the identity with kernel_j = kappa_star^2. Whatever is
    quadratic in the student (its variance, influence, noise stability) is a sum over the same M_j with
    other coefficients.

    ``probes`` names laws of inputs, other than the law of the patterns, under which the mean dimension is;
    by default there are none.
    """

    @property
    def probes(self) -> tuple[str, ...]:
        """Names of laws of inputs."""
        return ()

    def check(self, moments: HermiteMoments, rho: float) -> None:
        """Refuse an activation or a teacher that these features cannot have; by default none.

        Raises
        ------
        InvalidProblem
        """

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

    def forms(
        self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any
    ) -> tuple[Form, ...]:
        """w^T M_j w / N for each j; by default of one layer, M = (kappa_1^2 S, 1)."""
        k1 = moments.kappa_1**2
        t = self.traces(c, moments, rho, ridge, Vh)
        linear = Form(k1 * t.SR, k1 * t.SOmegaR2, k1 * t.TSR2)
        return linear, Form(t.R, t.OmegaR2, t.TR2)

    def inner(self, c: float, moments: HermiteMoments, u: Any) -> Any:
        """A value of the inner coordinate at which the effective ridge is u or more: by default u."""
        return u

    def at_inner(
        self, c: Any, moments: HermiteMoments, rho: float, x: Any
    ) -> tuple[Any, Any, Traces]:
        """Effective ridge u, du/dx and traces at ridge u and Vh = 1, explicit in a coordinate x.

        u(x) is convex and increasing from ``inner`` on. By default x = u.
        """
        return x, np.ones(np.shape(x)), self.traces(c, moments, rho, x, np.ones(np.shape(x)))

    def pairs(
        self, c: float, moments: HermiteMoments, rho: float, one: Ridge, other: Ridge
    ) -> Pairs:
        """Averages with two resolvents (u + Omega)^{-1} and (v + Omega)^{-1}.

        Parameters
        ----------
        c : float
            N/D.
        one, other : Ridge
            u and v of shape (..., m) and (..., n), off the negative real axis.

        Raises
        ------
        InvalidProblem
            If the law does not have them, as by default.
        """
        raise InvalidProblem(
            f"features = {self!r}: this law has no averages with two resolvents (FeatureLaw.pairs), which "
            "training in time needs; give Gaussian(), Orthogonal(), PowerLaw(), Deep() or a Spectrum"
        )

    def influences(self, moments: HermiteMoments) -> tuple[float, ...]:
        """Coefficients of the M_j in the total influence E|grad f|^2: by default (1, kappa'_star^2)."""
        return 1.0, moments.dkappa_star**2

    def output_variance(self, forms: Any, Q: Any) -> Any:
        """The variance that the influence is divided by, for the mean dimension.

        Parameters
        ----------
        forms : sequence of array
            w^T M_j w / N for each j.
        Q : array
            Variance of the student field on the patterns: the result by default.
        """
        return Q

    def stabilities(
        self, nonlinear: Callable[[Any], Any], moments: HermiteMoments, rho: Any
    ) -> tuple[Any, ...]:
        """Coefficients of the M_j in the noise stability: by default (rho, n(rho)).

        Parameters
        ----------
        nonlinear : callable
            n(rho) = sum_{k >= 2} kappa_k^2 rho^k.
        moments : HermiteMoments
            Of the activation.
        rho : object
            Correlation of the inputs, in any form that ``nonlinear`` maps and that can be added and
            scaled: numbers, or the coefficients of a power series.
        """
        return rho, nonlinear(rho)

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

    def teacher_prior(self) -> tuple[Array, Array]:
        """What is known of w_T before any label: N(0, rho v) components where the inputs are white.

        Returns
        -------
        weight, variance : ndarray
            The law of v, of total weight 1 and mean 1; by default v = 1 (isotropic).

        Raises
        ------
        InvalidProblem
            If the law ties w_T to F, so that w_T has no prior of its own.
        """
        return np.ones(1), np.ones(1)

    def hidden(self, D: int) -> tuple[int, ...]:
        """Widths of the hidden layers at input size D: by default there are none."""
        return ()

    def sampling_numbers(self, D: int, N: int) -> int:
        """Count the float64 numbers that ``sample`` holds beside its result: by default none."""
        return 0

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[tuple[Any, ...], Any]:
        """Draw the layers, one F of shape (D, N), and w_T of shape (D,), |w_T|^2 = rho D.

        Inputs are then i.i.d. of variance one; a law of correlated inputs whitens them and puts
        their covariance into F and w_T.
        """
        raise NotImplementedError


def on_sphere(w: Any, rho: float) -> Any:
    """Scale a vector of D entries to |w|^2 = rho D."""
    xp = array_namespace(w)
    return w * (rho * w.shape[0] / xp.sum(w * w)) ** 0.5
