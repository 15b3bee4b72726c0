"""Gaussian features of anisotropic inputs with power-law covariance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from numpy.polynomial import legendre

from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.base import on_sphere
from twinpeaks.theory.feature_laws.population import Atoms, Population, PopulationLaw
from twinpeaks.theory.random import Random

__all__ = ["PowerLaw"]

_NODES, _WEIGHTS = legendre.leggauss(10)
_DEEP = 140.0  # log2 of the sigma down to which panels are laid


@dataclass(frozen=True)
class PowerLaw(PopulationLaw):
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
    The spectrum of S is the generalised Marchenko-Pastur law (feature_laws/population.py).
    """

    exponent: float = 0.5
    teacher_exponent: float = 0.0

    def __post_init__(self) -> None:
        """Check that both laws can be normalised."""
        if not (is_number(self.exponent) and 0 <= self.exponent < 1):
            raise InvalidProblem(f"exponent = {self.exponent}: give a number in [0, 1)")
        other = self.teacher_exponent
        if not (is_number(other) and -self.exponent <= other < 1 - self.exponent):
            raise InvalidProblem(
                f"teacher_exponent = {self.teacher_exponent}: give a number from -exponent to "
                "1 - exponent (excluded)"
            )

    @cached_property
    def _atoms(self) -> Atoms:
        # With x = u^p both measures, dx and x^{-both} dx, are as even in u as they can be, and what lies
        # below the last panel is in the regime k sigma >> 1, where the integrands are powers of u.
        both = self.exponent + self.teacher_exponent
        p = 1.0 / (1.0 - max(self.exponent, both))
        rate = p * self.exponent  # sigma grows like u^-rate
        depth = 90.0 if rate == 0 else min(90.0, _DEEP / rate)
        count = int(np.ceil(depth * max(1.0, rate) / 1.5))
        edges = np.concatenate([[0.0], 2.0 ** np.linspace(-depth, 0.0, count + 1)])
        half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
        u = (middle[:, None] + half[:, None] * _NODES).ravel()
        du = (half[:, None] * _WEIGHTS).ravel()
        # beyond 1e120 nothing depends on sigma, unless k is below 1e-104
        log_sigma = np.minimum(np.log1p(-self.exponent) - rate * np.log(u), np.log(1e120))
        teacher = (1.0 - both) * p * u ** (p * (1.0 - both) - 1.0)
        return Atoms(np.exp(log_sigma), du * p * u ** (p - 1.0), du * teacher)

    def population(self, moments: HermiteMoments) -> Population:
        """The eigenvalues of the input covariance on a quadrature rule."""
        return self._atoms

    def teacher_prior(self) -> tuple[Array, Array]:
        """Variances that fall as (j/D)^{-exponent - teacher_exponent}."""
        weight, teacher = self._atoms.weight, self._atoms.teacher
        return weight, teacher / weight

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[tuple[Any, ...], Any]:
        """Sigma^{1/2} F and Sigma^{1/2} w_T, each eigenvalue the average over its cell of width 1/D."""
        F, w = random.normal(D, N), random.normal(D)
        xp = array_namespace(F)
        both = self.exponent + self.teacher_exponent

        def cells(power: float) -> Any:
            edges = (np.arange(D + 1) / D) ** (1.0 - power)
            return xp.asarray(np.sqrt(D * np.diff(edges)), device=device(F))

        return (cells(self.exponent)[:, None] * F,), on_sphere(cells(both) * w, rho)
