"""Teachers: the law of the label y given the teacher field nu ~ N(0, rho).

A new teacher is one frozen dataclass here. The theory needs ``partition``, the probability of a
label when nu is Gaussian, with two derivatives; the simulation needs ``sample``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray
from scipy import special

from theory.errors import InvalidProblem

__all__ = ["Partition", "Random", "Sign", "Teacher"]

Array = NDArray[np.float64]

_LAGUERRE = np.polynomial.laguerre.laggauss(32)


class Random(Protocol):
    """A source of random arrays of whichever library the caller computes with."""

    def normal(self, *shape: int) -> Any:
        """Independent standard normals."""

    def uniform(self, *shape: int) -> Any:
        """Independent uniforms on [0, 1)."""


class Partition(NamedTuple):
    """Z_*(y; omega, V) = E[P(y | nu)] for nu ~ N(omega, V), with two derivatives in omega."""

    value: Array
    first: Array
    second: Array


class Teacher:
    """The law of the labels.

    Attributes
    ----------
    rho : float
        Variance of the teacher field, |w_T|^2 / D.
    labels : tuple of float
        The values y can take.
    symmetric : bool
        Whether P(-y | -nu) = P(y | nu), so that one label stands for both.
    """

    rho: float
    labels: tuple[float, ...] = (-1.0, 1.0)
    symmetric: bool = True

    @property
    def representatives(self) -> tuple[tuple[float, ...], float]:
        """Labels to sum over, and the weight of each: one of a mirrored pair stands for both."""
        return ((1.0,), 2.0) if self.symmetric else (self.labels, 1.0)

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Z_*(y; omega, V) and its first two derivatives in omega."""
        raise NotImplementedError

    def sample(self, nu: Any, random: Random) -> Any:
        """Labels drawn for an array of teacher fields."""
        raise NotImplementedError

    def student_tail(self, edge: Array, cotangent: Array) -> Array:
        """P(y omega < edge sqrt(Q)): the law of the student's margin.

        Parameters
        ----------
        edge : ndarray
            Margin in units of sqrt(Q).
        cotangent : ndarray
            m / sqrt(rho Q - m^2).
        """
        raise NotImplementedError

    def test_error(self, m: Array, Q: Array) -> Array:
        """Error of a student field of variance Q and covariance m with nu, on fresh inputs."""
        raise NotImplementedError

    @property
    def second_moment(self) -> float:
        """E[y^2]."""
        raise NotImplementedError

    @property
    def correlation(self) -> float:
        """E[y nu] / rho, the slope of the best linear predictor of y from nu."""
        raise NotImplementedError


@dataclass(frozen=True)
class Sign(Teacher):
    """y = sign(nu).

    Parameters
    ----------
    rho : float
        Variance of the teacher field, > 0.
    """

    rho: float = 1.0

    def __post_init__(self) -> None:
        """Check rho."""
        if not (np.isfinite(self.rho) and self.rho > 0):
            raise InvalidProblem(f"rho = {self.rho}: the teacher's norm must be finite and > 0")

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Phi(y omega / sqrt(V)) and derivatives."""
        width = np.sqrt(V)
        x = omega / width
        density = y * np.exp(-0.5 * x * x) / (np.sqrt(2 * np.pi) * width)
        return Partition(special.ndtr(y * x), density, -density * x / width)

    def sample(self, nu: Any, random: Random) -> Any:  # noqa: ARG002
        """The sign of nu; the null set nu = 0 counts as +1."""
        xp = array_namespace(nu)
        return xp.where(nu >= 0, xp.ones_like(nu), -xp.ones_like(nu))

    def student_tail(self, edge: Array, cotangent: Array) -> Array:
        """Skew-normal distribution function, to full relative accuracy in its thin tail.

        Phi(h) - 2 T(h, a) with Owen's T; for h < 0 this is the integral of
        exp(-h^2 (1 + t^2) / 2) / (pi (1 + t^2)) over t > a, which Gauss-Laguerre quadrature in
        s = h^2 (t^2 - a^2) / 2 resolves where the difference would cancel.
        """
        h, a = edge, cotangent
        thin = (h < 0) & (h * h * a * a > 9.0)
        out = np.empty(h.shape)
        out[~thin] = special.ndtr(h[~thin]) - 2.0 * special.owens_t(h[~thin], a[~thin])
        h2, a2 = h[thin, None] ** 2, a[thin, None] ** 2
        with np.errstate(over="ignore", under="ignore"):
            t2 = a2 + 2.0 * _LAGUERRE[0] / h2
            sums = (1.0 / (np.sqrt(t2) * (1.0 + t2))) @ _LAGUERRE[1]
            out[thin] = np.exp(-0.5 * h2 * (1.0 + a2))[:, 0] * sums / (np.pi * h2[:, 0])
        return out

    def test_error(self, m: Array, Q: Array) -> Array:
        """P(sign f != sign nu) = arccos(m / sqrt(rho Q)) / pi, accurate at both ends."""
        return np.asarray(np.arctan2(np.sqrt(self.rho * Q - m * m), m) / np.pi)

    @property
    def second_moment(self) -> float:
        """1."""
        return 1.0

    @property
    def correlation(self) -> float:
        """sqrt(2 / (pi rho))."""
        return float(np.sqrt(2 / (np.pi * self.rho)))
