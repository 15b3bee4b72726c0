"""The generalised Marchenko-Pastur law: random features of inputs with any covariance.

S = F^T C F / n for Gaussian F of shape (n, N) and inputs of covariance C, normalised to tr C = n, with
c = N/n. Everything about C enters through a few averages at one number k (``Sums``), so the inputs may
be features of an earlier layer, whose averages follow from those of the layer before.

With G = (S + z)^{-1}, g = <G> and k = c g (Silverstein & Bai, J. Multivariate Anal. 54, 1995; the
derivatives by differentiating in z and in C),

    1/g = z + A(k),   A = <C / (1 + k C)>.

All terms below are positive: nothing cancels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.base import FeatureLaw, Form, Kernel, Traces
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.feature_laws.pairs import (
    PairFormSums,
    Pairs,
    PairSums,
    Ridge,
    paired,
    spectrum_pair,
)

__all__ = ["Atoms", "Gram", "Population", "PopulationLaw", "Sums", "spectrum"]


#: Steps of the argument on which a resolvent is followed from the real axis.
TURNS = 8
_FAR = 1e-8  # an imaginary part smaller than this is a complex step


class FormSums(NamedTuple):
    """Averages that hold a symmetric matrix M beside C, with K = (1 + k C)^{-1}.

    <M K>, <M K^2>, <M C K^2>, and the teacher's tau(K M K).
    """

    first: Any
    second: Any
    product: Any
    teacher: Any


class Sums(NamedTuple):
    """Averages over a population at k, with K = (1 + k C)^{-1}.

    tau(.) = tr T . / rho with T = E[x nu] E[x nu]^T, the teacher seen by these inputs.

    Attributes
    ----------
    log : array
        <ln(1 + k C)>.
    A, B, A2 : array
        <C K>, <C K^2>, <C^2 K^2>.
    TA, TB, TA2 : array
        tau(K), tau(K^2), tau(C K^2).
    forms : tuple of FormSums
        For the matrices M_j of which C is a weighted sum, one for each layer so far (``FeatureLaw``).
    """

    log: Any
    A: Any
    B: Any
    A2: Any
    TA: Any
    TB: Any
    TA2: Any
    forms: tuple[FormSums, ...]


class Gram(NamedTuple):
    """Averages of G = (S + z)^{-1} at its z; ``forms`` hold F^T M F / n in the place of S."""

    g: Any
    sg: Any
    g2: Any
    sg2: Any
    s2g2: Any
    tg: Any
    tg2: Any
    tsg2: Any
    log: Any
    forms: tuple[FormSums, ...]


def spectrum(p: Sums, g: Any, z: Any, c: Any) -> Gram:
    """Averages of the resolvent of S; ``log`` is <ln(S + z)>, and tau belongs to E[F^T x nu]."""
    k = c * g
    g2 = g / (z + p.B)
    sg2 = g2 * p.B
    forms = tuple(
        FormSums(
            first=g * m.first,
            second=g2 * m.second,
            product=sg2 * m.second + g * k * m.product,
            teacher=c * (g2 * m.second * p.TB + g * k * m.teacher),
        )
        for m in p.forms
    )
    return Gram(
        g=g,
        sg=g * p.A,
        g2=g2,
        sg2=sg2,
        s2g2=sg2 * p.B + g * k * p.A2,
        tg=k * p.TA,
        tg2=c * g2 * p.TB,
        tsg2=c * (sg2 * p.TB + g * k * p.TA2),
        log=p.log / c - np.log(g) - g * p.A,
        forms=forms,
    )


class Population:
    """The covariance C of the inputs of a layer."""

    def sums(self, k: Any) -> Sums:
        """Averages at k > 0, of the shape of k; analytic in k."""
        raise NotImplementedError

    def pair_sums(self, k: Any, other: Any) -> PairSums:
        """Averages at every pair of k, of shape (..., m), and k', of shape (..., n)."""
        raise InvalidProblem(
            f"population = {self!r}: it has no averages with two resolvents (Population.pair_sums), which "
            "training in time needs; give theory.Atoms or another law of features"
        )

    def gram(self, z: Any, c: Any) -> Gram:
        """Averages over the Gram matrix of Gaussian features, c of them an input; analytic in z."""
        g = self.resolvent(z, c)
        return spectrum(self.sums(c * g), g, z, c)

    def resolvent(self, z: Any, c: Any) -> Any:
        """g(z), by Newton in ln g on the increasing function g z + g A(c g) - 1."""
        real = np.broadcast_to(np.real(z), np.broadcast_shapes(np.shape(z), np.shape(c)))
        log_g = np.log(Gaussian.resolvent(real, c))
        for _ in range(80):
            g = np.exp(log_g)
            sums = self.sums(c * g)
            step = np.clip((g * (real + sums.A) - 1.0) / (g * (real + sums.B)), -2.0, 2.0)
            log_g = log_g - step
            if np.all(np.abs(step) < 1e-14):
                break
        g = np.exp(log_g)
        if np.iscomplexobj(z):
            # One complex Newton step carries an infinitesimal imaginary part exactly.
            sums = self.sums(c * g)
            g = g - (g * (z + sums.A) - 1.0) / (z + sums.B)
        return g


def is_turned(z: Any) -> bool:
    """Whether z is off the real axis by more than a complex step."""
    return bool(np.iscomplexobj(z) and np.any(np.abs(np.imag(z)) > _FAR * np.abs(z)))


def arc(z: Any) -> Iterator[Any]:
    """Points from |z| to z of constant modulus; the last is z itself."""
    size, angle = np.abs(z), np.angle(z)
    yield from (size * np.exp(1j * angle * n / TURNS) for n in range(1, TURNS))
    yield z


@dataclass(frozen=True, eq=False)
class Atoms(Population):
    """A discrete population.

    Attributes
    ----------
    sigma, weight : ndarray of shape (atoms,)
        Eigenvalues of C and their weights, which sum to 1.
    teacher : ndarray of shape (atoms,)
        Weights of tau(f(C)) = sum teacher sigma f(sigma): the squared components of C^{-1/2} E[x nu].
    """

    sigma: Array
    weight: Array
    teacher: Array

    def sums(self, k: Any) -> Sums:
        """Sums over the atoms; the only matrix beside C is C itself."""
        s = self.sigma
        x = np.asarray(k)[..., None] * s
        share = s / (1.0 + x)
        square = s / (1.0 + x) ** 2
        A, B, A2 = (np.sum(self.weight * a, -1) for a in (share, square, share**2))
        TA, TB, TA2 = (np.sum(self.teacher * a, -1) for a in (share, square, share**2))
        log = np.sum(self.weight * np.log1p(x), -1)
        return Sums(log, A, B, A2, TA, TB, TA2, (FormSums(A, B, A2, TA2),))

    def pair_sums(self, k: Any, other: Any) -> PairSums:
        """Matrix products over the atoms."""
        s = self.sigma
        K, L = (1.0 / (1.0 + np.asarray(a)[..., None] * s) for a in (k, other))

        def total(weight: Array) -> Any:
            return (K * weight) @ np.swapaxes(L, -1, -2)

        B, A2 = total(self.weight * s), total(self.weight * s**2)
        TB, TA2 = total(self.teacher * s), total(self.teacher * s**2)
        return PairSums(B, A2, TB, TA2, (PairFormSums(B, A2, TA2),))


class PopulationLaw(FeatureLaw):
    """Gaussian features of a population; subclasses say which, and how wide it is."""

    def population(self, moments: HermiteMoments) -> Population:
        """The inputs of the last layer."""
        raise NotImplementedError

    @property
    def width(self) -> float:
        """Inputs of the last layer, per input dimension D."""
        return 1.0

    def _averages(self, c: Any, moments: HermiteMoments, ridge: Any, Vh: Any) -> tuple[Gram, Any]:
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        scale = Vh * k1
        z = (ridge + Vh * ks) / scale
        c = np.broadcast_to(c, np.shape(z)) / self.width
        return self.population(moments).gram(z, c), scale

    def traces(self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any) -> Traces:
        """R = G / (Vh kappa_1^2) at z = (ridge + Vh kappa_star^2) / (Vh kappa_1^2)."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        s, scale = self._averages(c, moments, ridge, Vh)
        return self._traces(s, k1, ks, scale, rho)

    @staticmethod
    def _traces(s: Gram, k1: float, ks: float, scale: Any, rho: float) -> Traces:
        t = rho * k1
        return Traces(
            R=s.g / scale,
            SR=s.sg / scale,
            OmegaR=(k1 * s.sg + ks * s.g) / scale,
            OmegaR2=(k1 * s.sg2 + ks * s.g2) / scale**2,
            SOmegaR2=(k1 * s.s2g2 + ks * s.sg2) / scale**2,
            TR=t * s.tg / scale,
            TR2=t * s.tg2 / scale**2,
            TSR2=t * s.tsg2 / scale**2,
        )

    def inner(self, c: float, moments: HermiteMoments, u: Any) -> Any:
        """1/k = 1/(c g): z >= c/k - 1."""
        z = (u + moments.kappa_star**2) / moments.kappa_1**2
        return (z + 1.0) * (self.width / c)

    def at_inner(
        self, c: Any, moments: HermiteMoments, rho: float, x: Any
    ) -> tuple[Any, Any, Traces]:
        """z = c x - A(1/x), explicit: no equation is solved for the last layer."""
        k1, ks, c = moments.kappa_1**2, moments.kappa_star**2, c / self.width
        k = 1.0 / x
        p = self.population(moments).sums(k)
        z = c * x - p.A
        s = spectrum(p, k / c, z, c)
        return k1 * z - ks, k1 * (c - k * k * p.A2), self._traces(s, k1, ks, k1, rho)

    def pairs(
        self, c: float, moments: HermiteMoments, rho: float, one: Ridge, other: Ridge
    ) -> Pairs:
        """The same with two resolvents."""
        k1, ks, c = moments.kappa_1**2, moments.kappa_star**2, c / self.width
        k, j = 1.0 / one.inner, 1.0 / other.inner
        sums = self.population(moments).pair_sums(k, j)
        return paired(spectrum_pair(sums, k / c, j / c, (one.u + ks) / k1, c), k1, ks, rho)

    def forms(
        self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any
    ) -> tuple[Form, ...]:
        """One matrix for each hidden layer beside the linear one, and the identity."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        s, scale = self._averages(c, moments, ridge, Vh)
        carried = tuple(
            Form(
                thermal=k1 * m.first / scale,
                noise=k1 * (k1 * m.product + ks * m.second) / scale**2,
                signal=rho * k1 * k1 * m.teacher / scale**2,
            )
            for m in s.forms
        )
        omega = (k1 * s.sg2 + ks * s.g2) / scale**2
        return (*carried, Form(s.g / scale, omega, rho * k1 * s.tg2 / scale**2))

    def log_det(self, c: Array, moments: HermiteMoments, ridge: Array, Vh: Array) -> Array:
        """<ln(S + z)> + ln(Vh kappa_1^2)."""
        s, scale = self._averages(c, moments, ridge, Vh)
        return np.asarray(np.log(scale) + s.log)

    def kernel(
        self, alpha_T: Any, moments: HermiteMoments, rho: float, ridge: Any, slope: Any
    ) -> Kernel:
        """Ridge regression on the inputs of the last layer.

        Its nonlinear part acts as a ridge kappa_star^2 on the dual variables.
        """
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        alpha = np.asarray(alpha_T) / self.width
        unit = k1 / ridge
        p = self.population(moments).sums(unit * alpha * slope)
        carried = tuple(
            Form(unit * m.first, alpha * unit**2 * m.product, rho * (alpha * unit) ** 2 * m.teacher)
            for m in p.forms
        )
        none = np.zeros(np.shape(p.A))
        return Kernel(
            V=ks / ridge + unit * p.A,
            noise=alpha * unit**2 * p.A2,
            signal=rho * (alpha * unit) ** 2 * p.TA2,
            drift=rho * alpha * unit * p.TA,
            forms=(*carried, Form(1.0 / ridge + none, none, none)),
        )
