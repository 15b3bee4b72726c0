"""Gaussian features of anisotropic inputs with power-law covariance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.polynomial import legendre

from theory.activations import HermiteMoments
from theory.errors import InvalidProblem
from theory.feature_laws.base import Array, FeatureLaw, Kernel, Traces, on_sphere
from theory.feature_laws.gaussian import Gaussian
from theory.teachers.base import Random

__all__ = ["PowerLaw"]

_NODES, _WEIGHTS = legendre.leggauss(10)


@dataclass(frozen=True)
class PowerLaw(FeatureLaw):
    """Inputs of covariance Sigma with eigenvalues proportional to (j/D)^{-exponent}, tr Sigma = D.

    F has i.i.d. N(0, 1) entries in the raw coordinates; in whitened ones it becomes
    Sigma^{1/2} F, and the teacher Sigma^{1/2} w_T with component variances that fall as
    (j/D)^{-teacher_exponent}.

    Parameters
    ----------
    exponent : float
        Decay of the input covariance, in [0, 1): beyond, one direction would carry everything.
    teacher_exponent : float
        Decay of the teacher's raw components; exponent + teacher_exponent < 1.

    Notes
    -----
    With sigma the eigenvalues of Sigma and mu their law, g = <(S + z)^{-1}> solves
    1/g = z + int dmu sigma / (1 + c g sigma) (generalised Marchenko-Pastur), and the resolvent of
    F F^T / D + z is equivalent to (1 + c g Sigma)^{-1} / z, which gives the teacher's traces.
    """

    exponent: float = 0.5
    teacher_exponent: float = 0.0

    def __post_init__(self) -> None:
        """Check that both laws can be normalised."""
        if not 0 <= self.exponent < 1:
            raise InvalidProblem(f"exponent = {self.exponent}: give a number in [0, 1)")
        if not -self.exponent <= self.teacher_exponent < 1 - self.exponent:
            raise InvalidProblem(
                f"teacher_exponent = {self.teacher_exponent}: give a number from -exponent to "
                "1 - exponent (excluded)"
            )

    @cached_property
    def _population(self) -> tuple[Array, Array, Array]:
        """Nodes sigma, their weights, and the teacher's weights, each summing as it should."""
        # Geometric panels towards x = 0, where sigma = (1 - a) x^{-a} diverges integrably.
        edges = np.concatenate([[0.0], 2.0 ** np.arange(-60.0, 1.0, 1.5)])
        half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
        x = (middle[:, None] + half[:, None] * _NODES).ravel()
        weight = (half[:, None] * _WEIGHTS).ravel()
        sigma = (1.0 - self.exponent) * x**-self.exponent
        both = self.exponent + self.teacher_exponent
        teacher = weight * (1.0 - both) * x**-both
        return sigma / np.sum(weight * sigma), weight, teacher / np.sum(teacher)

    def _resolvent(self, z: Any, c: Any) -> Any:
        """Newton in ln g on the increasing function g z + int mu g sigma/(1 + c g sigma) - 1."""
        sigma, weight, _ = self._population
        real, c = np.broadcast_arrays(np.real(z), c)
        log_g = np.log(Gaussian.resolvent(real, c))
        for _ in range(60):
            g = np.exp(log_g)[..., None]
            share = 1.0 / (1.0 + c[..., None] * g * sigma)
            value = np.exp(log_g) * real + np.sum(weight * g * sigma * share, -1) - 1.0
            slope = np.exp(log_g) * real + np.sum(weight * g * sigma * share**2, -1)
            step = np.clip(value / slope, -2.0, 2.0)
            log_g = log_g - step
            if np.all(np.abs(step) < 1e-14):
                break
        g = np.exp(log_g)
        if np.iscomplexobj(z):
            # One complex Newton step carries an infinitesimal imaginary part exactly.
            share = 1.0 / (1.0 + c[..., None] * g[..., None] * sigma)
            value = g * z + np.sum(weight * g[..., None] * sigma * share, -1) - 1.0
            slope = z + np.sum(weight * sigma * share**2, -1)
            g = g - value / slope
        return g

    def traces(self, c: Any, moments: HermiteMoments, rho: float, ridge: Any, Vh: Any) -> Traces:
        """From g and its derivative, as for Gaussian features, with sums over the population."""
        sigma, weight, teacher = self._population
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        scale = Vh * k1
        z = (ridge + Vh * ks) / scale
        c = np.broadcast_to(c, np.shape(z))
        g = self._resolvent(z, c)
        x = c[..., None] * g[..., None] * sigma
        share = 1.0 / (1.0 + x)
        h = g * np.sum(weight * sigma * share, -1)  # <S G>
        # derivative of 1/g = z + sum: <G^2> = -g' = g / (z + sum mu sigma share^2)
        g2 = g / (z + np.sum(weight * sigma * share**2, -1))
        sg2 = g2 * np.sum(weight * sigma * share**2, -1)
        # d(z <S G>)/dz = d(z g A)/dz with A = sum mu sigma share, d(z g)/dz = <S G^2>
        s2g2 = sg2 * np.sum(weight * sigma * share, -1)
        s2g2 = s2g2 + z * g * g2 * c * np.sum(weight * (sigma * share) ** 2, -1)
        t = rho * k1
        th = t * np.sum(teacher * x * share, -1)
        tg2 = t * g2 * c * np.sum(teacher * sigma * share**2, -1)
        tsg2 = t * c * sg2 * np.sum(teacher * sigma * share, -1)
        tsg2 = tsg2 + t * c**2 * z * g * g2 * np.sum(teacher * (sigma * share) ** 2, -1)
        return Traces(
            R=g / scale,
            SR=h / scale,
            OmegaR=(k1 * h + ks * g) / scale,
            OmegaR2=(k1 * sg2 + ks * g2) / scale**2,
            SOmegaR2=(k1 * s2g2 + ks * sg2) / scale**2,
            TR=th / scale,
            TR2=tg2 / scale**2,
            TSR2=tsg2 / scale**2,
        )

    def log_det(self, c: Array, moments: HermiteMoments, ridge: Array, Vh: Array) -> Array:
        """<ln(S + z)> = (1/c) int mu ln(1 + c g sigma) - ln g - 1 + z g."""
        sigma, weight, _ = self._population
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        z = (ridge + Vh * ks) / (Vh * k1)
        g = self._resolvent(z, c)
        spread = np.sum(weight * np.log1p(np.asarray(c * g)[..., None] * sigma), -1) / c
        return np.asarray(np.log(Vh * k1) + spread - np.log(g) - 1.0 + z * g)

    def kernel(
        self, alpha_T: Any, moments: HermiteMoments, rho: float, ridge: Any, slope: Any
    ) -> Kernel:
        """Eigenvalues c sigma of S: ridge regression on the anisotropic inputs."""
        sigma, weight, teacher = self._population
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        ridge, alpha_T = np.asarray(ridge)[..., None], np.asarray(alpha_T)[..., None]
        slope = np.asarray(slope)[..., None]
        shrunk = k1 * sigma / (ridge + k1 * alpha_T * slope * sigma)
        return Kernel(
            V=ks / ridge[..., 0] + np.sum(weight * shrunk, -1),
            noise=np.sum(weight * alpha_T * shrunk**2, -1),
            signal=rho * np.sum(teacher * (alpha_T * shrunk) ** 2, -1),
            drift=rho * np.sum(teacher * alpha_T * shrunk, -1),
        )

    def sample(
        self,
        D: int,
        N: int,
        moments: HermiteMoments,  # noqa: ARG002
        rho: float,
        random: Random,
    ) -> tuple[Any, Any]:
        """Sigma^{1/2} F and Sigma^{1/2} w_T, each eigenvalue the average over its cell of width 1/D."""
        F, w = random.normal(D, N), random.normal(D)
        xp = array_namespace(F)
        both = self.exponent + self.teacher_exponent

        def cells(power: float) -> Any:
            edges = (np.arange(D + 1) / D) ** (1.0 - power)
            return xp.asarray(np.sqrt(D * np.diff(edges)), device=F.device)

        return cells(self.exponent)[:, None] * F, on_sphere(cells(both) * w, rho)
