"""Deep random features."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpeaks.theory.activations import HermiteMoments
from twinpeaks.theory.axes import are_numbers
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.base import on_sphere
from twinpeaks.theory.feature_laws.population import Atoms, PopulationLaw
from twinpeaks.theory.feature_laws.stack import Layer, Stack
from twinpeaks.theory.random import Random

__all__ = ["Deep"]

_INPUTS = Atoms(np.ones(1), np.ones(1), np.ones(1))


@dataclass(frozen=True)
class Deep(PopulationLaw):
    r"""Features of features: every layer frozen, Gaussian, and with the activation of the problem.

    h_0 = x, h_l = [sigma(F_l^T h_{l-1} / sqrt(N_{l-1})) - kappa_0] / sqrt(v) with
    v = kappa_1^2 + kappa_star^2, and z = sigma(F_L^T h_{L-1} / sqrt(N_{L-1})).

    Parameters
    ----------
    widths : sequence of float
        N_l / D of each hidden layer, first to last; N, the number of trained weights, is on top.
        They stay fixed along every axis, also as overparam -> infinity.

    Notes
    -----
    Gaussian equivalence layer by layer (Bosch, Panahi & Hassibi, arXiv 2302.06210; Schröder et al.,
    arXiv 2302.00401): with a = kappa_1^2 / v and b = kappa_star^2 / v

        C_0 = 1,   C_l = a F_l^T C_{l-1} F_l / N_{l-1} + b,   E[h_l nu] = a^{l/2} F_l^T ... F_1^T w_T / ...

    and Omega = kappa_1^2 F_L^T C_{L-1} F_L / N_{L-1} + kappa_star^2. The influence replaces b by
    kappa'_star^2 / v times the slope gamma_{l-1} of the kernel below, gamma_0 = 1,
    gamma_l = (a + kappa'_star^2 / v) gamma_{l-1}: a nonlinearity bends all the input variance below it.
    """

    widths: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Check the widths."""
        values = np.atleast_1d(np.asarray(self.widths, dtype=object))
        if not (values.size and are_numbers(values) and np.all(values > 0)):
            raise InvalidProblem(
                f"widths = {self.widths!r}: give the ratio N_l / D > 0 of each hidden layer"
            )
        object.__setattr__(self, "widths", tuple(map(float, values)))

    @property
    def width(self) -> float:
        """N_{L-1} / D."""
        return self.widths[-1]

    def population(self, moments: HermiteMoments) -> Stack:
        """The last hidden layer."""
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        v = k1 + ks
        below = (1.0, *self.widths[:-1])
        ratios = (width / inputs for width, inputs in zip(self.widths, below, strict=True))
        return Stack(_INPUTS, tuple(Layer(c, k1 / v, ks / v) for c in ratios))

    def influences(self, moments: HermiteMoments) -> tuple[float, ...]:
        """(1, b' gamma_0, b' gamma_1, ..., kappa'_star^2 gamma_{L-1})."""
        star = moments.dkappa_star**2
        v = moments.kappa_1**2 + moments.kappa_star**2
        growth = (moments.kappa_1**2 + star) / v
        hidden = [star / v * growth**depth for depth in range(len(self.widths))]
        return 1.0, *hidden, star * growth ** len(self.widths)

    def stabilities(
        self, nonlinear: Callable[[Any], Any], moments: HermiteMoments, rho: Any
    ) -> tuple[Any, ...]:
        """(rho, n(t_0)/v, ..., n(t_{L-2})/v, n(t_{L-1})), t_l the correlation of the hidden layer l.

        t_0 = rho and t_l = [kappa_1^2 t_{l-1} + n(t_{l-1})] / v over L - 1 hidden layers.
        """
        k1 = moments.kappa_1**2
        v = k1 + moments.kappa_star**2
        out = [rho]
        for _ in self.widths:
            bent = nonlinear(rho)
            out.append(bent / v)
            rho = (k1 * rho + bent) / v
        return *out, nonlinear(rho)

    def hidden(self, D: int) -> tuple[int, ...]:
        """round(width D) of each."""
        return tuple(round(width * D) for width in self.widths)

    def sample(
        self, D: int, N: int, moments: HermiteMoments, rho: float, random: Random
    ) -> tuple[tuple[Any, ...], Any]:
        """I.i.d. standard normal entries in every layer."""
        sizes = [D, *self.hidden(D), N]
        if min(sizes) < 1:
            raise ValueError(
                f"widths = {self.widths} with D = {D} give layers of {sizes[1:]}: raise D or the widths"
            )
        layers = tuple(random.normal(n, m) for n, m in itertools.pairwise(sizes))
        return layers, on_sphere(random.normal(D), rho)
