"""Sign teachers: clean, flipped, and with noise before the sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from scipy import special

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.numerics.angle import unexplained
from twinpeaks.theory.random import Random
from twinpeaks.theory.teachers.base import BinaryTeacher, Partition

__all__ = ["FlippedSign", "Probit", "Sign"]

_LAGUERRE = np.polynomial.laguerre.laggauss(32)


def _sign(nu: Any) -> Any:
    """The sign of nu; the null set nu = 0 counts as +1."""
    xp = array_namespace(nu)
    return xp.where(nu >= 0, xp.ones_like(nu), -xp.ones_like(nu))


def _step_partition(y: float, omega: Array, V: Array) -> Partition:
    """Phi(y omega / sqrt(V)) and derivatives."""
    width = np.sqrt(V)
    x = omega / width
    density = y * np.exp(-0.5 * x * x) / (np.sqrt(2 * np.pi) * width)
    return Partition(special.ndtr(y * x), density, -density * x / width)


def _angle(rho: float, Q: Array, m: Array) -> Array:
    """arccos(m / sqrt(rho Q)) / pi, accurate at both ends."""
    return np.asarray(np.arctan2(np.sqrt(unexplained(rho, Q, m)), m) / np.pi)


def skew_normal(h: Array, a: Array) -> Array:
    """Distribution function of the skew-normal law, to relative accuracy in its thin tail.

    Phi(h) - 2 T(h, a) with Owen's T; for h < 0 this is the integral of
    exp(-h^2 (1 + t^2) / 2) / (pi (1 + t^2)) over t > a, which Gauss-Laguerre quadrature in
    s = h^2 (t^2 - a^2) / 2 resolves where the difference would cancel.
    """
    thin = (h < 0) & (h * h * a * a > 9.0) & (a > 0)
    out = np.empty(h.shape)
    out[~thin] = special.ndtr(h[~thin]) - 2.0 * special.owens_t(h[~thin], a[~thin])
    h2, a2 = h[thin, None] ** 2, a[thin, None] ** 2
    with np.errstate(over="ignore", under="ignore"):
        t2 = a2 + 2.0 * _LAGUERRE[0] / h2
        sums = (1.0 / (np.sqrt(t2) * (1.0 + t2))) @ _LAGUERRE[1]
        out[thin] = np.exp(-0.5 * h2 * (1.0 + a2))[:, 0] * sums / (np.pi * h2[:, 0])
    return out


@dataclass(frozen=True)
class Sign(BinaryTeacher):
    """y = sign(nu).

    Parameters
    ----------
    rho : float
        Variance of the teacher field, > 0.
    """

    rho: float = 1.0

    def __post_init__(self) -> None:
        """Check rho."""
        self._check_positive(rho=self.rho)

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """The origin."""
        return (0.0,)

    @property
    def step(self) -> tuple[float, float]:
        """Neither flipped nor noisy."""
        return 0.0, 0.0

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Phi(y omega / sqrt(V)) and derivatives."""
        return _step_partition(y, omega, V)

    def sample(self, nu: Any, random: Random) -> Any:
        """The sign of nu."""
        return _sign(nu)

    def student_tail(self, edge: Array, cotangent: Array) -> Array:
        """Skew-normal distribution function."""
        return skew_normal(edge, cotangent)

    def test_error(self, m: Array, Q: Array) -> Array:
        """P(sign f != sign nu) = arccos(m / sqrt(rho Q)) / pi."""
        return _angle(self.rho, Q, m)

    @property
    def correlation(self) -> float:
        """sqrt(2 / (pi rho))."""
        return float(np.sqrt(2 / (np.pi * self.rho)))


@dataclass(frozen=True)
class FlippedSign(BinaryTeacher):
    """y = sign(nu), flipped with a given probability.

    Parameters
    ----------
    flip : float
        Probability of the wrong label, in [0, 1/2]; at 1/2 labels are random, and nothing is learned.
    rho : float
        Variance of the teacher field, > 0.
    """

    flip: float = 0.1
    rho: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        self._check_positive(rho=self.rho)
        if not (is_number(self.flip) and 0 <= self.flip <= 0.5):
            raise InvalidProblem(
                f"flip = {self.flip}: give a probability in [0, 1/2]; beyond, exchange the labels"
            )

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """The origin."""
        return (0.0,)

    @property
    def step(self) -> tuple[float, float]:
        """Flipped, without noise."""
        return self.flip, 0.0

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Return flip + (1 - 2 flip) Phi(y omega / sqrt(V)) and derivatives."""
        clean = _step_partition(y, omega, V)
        share = 1.0 - 2.0 * self.flip
        return Partition(self.flip + share * clean.value, share * clean.first, share * clean.second)

    def sample(self, nu: Any, random: Random) -> Any:
        """The sign of nu, flipped."""
        xp = array_namespace(nu)
        clean = _sign(nu)
        return xp.where(random.uniform(*nu.shape) < self.flip, -clean, clean)

    def student_tail(self, edge: Array, cotangent: Array) -> Array:
        """Mixture of the clean law and its mirror image."""
        clean, wrong = skew_normal(edge, cotangent), skew_normal(edge, -cotangent)
        return (1.0 - self.flip) * clean + self.flip * wrong

    def test_error(self, m: Array, Q: Array) -> Array:
        """Return flip + (1 - 2 flip) arccos(m / sqrt(rho Q)) / pi, against the noisy label."""
        return self.flip + (1.0 - 2.0 * self.flip) * _angle(self.rho, Q, m)


@dataclass(frozen=True)
class Probit(BinaryTeacher):
    """y = sign(nu + sqrt(noise) g), g ~ N(0, 1) drawn afresh for every pattern.

    Parameters
    ----------
    noise : float
        Variance of the noise before the sign, > 0.
    rho : float
        Variance of the teacher field, > 0.
    """

    noise: float = 0.1
    rho: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        self._check_positive(rho=self.rho, noise=self.noise)

    @property
    def step(self) -> tuple[float, float]:
        """Noisy, not flipped."""
        return 0.0, self.noise

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Phi(y omega / sqrt(V + noise)) and derivatives."""
        return _step_partition(y, omega, V + self.noise)

    def sample(self, nu: Any, random: Random) -> Any:
        """The sign of nu plus noise."""
        return _sign(nu + self.noise**0.5 * random.normal(*nu.shape))

    def student_tail(self, edge: Array, cotangent: Array) -> Array:
        """Skew-normal, with the angle between the student and nu plus noise."""
        cosine2 = self.rho / (self.rho + self.noise) / (1.0 + cotangent**-2)
        return skew_normal(edge, np.sign(cotangent) * np.sqrt(cosine2 / (1.0 - cosine2)))

    def test_error(self, m: Array, Q: Array) -> Array:
        """arccos(m / sqrt((rho + noise) Q)) / pi, against the noisy label."""
        return _angle(self.rho + self.noise, Q, m)
