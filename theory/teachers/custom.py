"""Teachers given as callables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.polynomial import legendre
from numpy.typing import NDArray

from theory.callables import on_host
from theory.errors import InvalidProblem
from theory.piecewise import PiecewisePolynomial, approximate
from theory.teachers.base import BinaryTeacher, Partition, Random, RealTeacher

__all__ = ["CustomLink", "CustomTeacher"]

Array = NDArray[np.float64]

_NODES, _WEIGHTS = legendre.leggauss(20)
_EDGES = np.array([-9.5, -6.0, -3.5, -1.75, 0.0, 1.75, 3.5, 6.0, 9.5])


def _resolve(teacher: Any, function: Callable[[Array], Any], rho: float) -> PiecewisePolynomial:
    reach = 12.0 * np.sqrt(rho)
    try:
        return approximate(
            lambda g: np.asarray(function(g * np.sqrt(rho)), dtype=float),
            -12.0,
            12.0,
            tuple(b / np.sqrt(rho) for b in teacher.breaks),
        )
    except ValueError as error:
        raise InvalidProblem(
            f"teacher = {teacher!r} on [{-reach:g}, {reach:g}]: {error}"
        ) from error


def _name(teacher: Any, function: Callable[[Array], Any]) -> None:
    if not callable(function):
        raise InvalidProblem(f"teacher callable = {function!r}: give a callable of one array")
    if not teacher.name:
        object.__setattr__(teacher, "name", getattr(function, "__name__", "teacher"))


@dataclass(frozen=True)
class CustomTeacher(BinaryTeacher):
    """Labels -1 and +1 with P(y = +1 | nu) given as a callable.

    Parameters
    ----------
    probability : callable
        Maps a float64 array of teacher fields to probabilities, elementwise.
    rho : float
        Variance of the teacher field, > 0.
    breaks : tuple of float
        Where the probability or a derivative jumps; found by bisection when not declared.
    name : str, optional
        How the teacher is written in results.

    Raises
    ------
    InvalidProblem
        If the callable leaves [0, 1], is not elementwise, or cannot be resolved.
    """

    probability: Callable[[Array], Any]
    rho: float = 1.0
    breaks: tuple[float, ...] = ()
    name: str = field(default="")

    symmetric = False

    def __post_init__(self) -> None:
        """Check the callable where nu lives."""
        self._check_positive(rho=self.rho)
        _name(self, self.probability)
        values = self._pieces.values
        if np.min(values) < 0 or np.max(values) > 1:
            raise InvalidProblem(f"teacher = {self!r}: probabilities must lie in [0, 1]")
        x = self._pieces.nodes * np.sqrt(self.rho)
        mirror = np.asarray(self.probability(-x), dtype=float)
        object.__setattr__(self, "symmetric", bool(np.all(np.abs(values + mirror - 1) < 1e-13)))

    @cached_property
    def _pieces(self) -> PiecewisePolynomial:
        return _resolve(self, self.probability, self.rho)

    @cached_property
    def _fine(self) -> Array:
        """Edges of pieces that bisection made smaller than the starting mesh."""
        left = self._pieces.nodes[:, 0]
        width = np.diff(left)
        return np.asarray(left[1:][width < 0.7] * np.sqrt(self.rho))

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Integrals over nu of P(y | nu) and the score of the Gaussian, on a composite rule."""
        omega, V = np.broadcast_arrays(omega, V)
        width = np.sqrt(V)[..., None]
        cuts = np.unique(np.concatenate([self._fine, np.asarray(self.breaks, float)]))
        inner = np.clip((cuts - omega[..., None]) / width, _EDGES[0], _EDGES[-1])
        edges = np.sort(np.concatenate([np.broadcast_to(_EDGES, (*omega.shape, 9)), inner], -1))
        half, middle = 0.5 * np.diff(edges), 0.5 * (edges[..., 1:] + edges[..., :-1])
        out = np.zeros((3, *omega.shape))
        for k in range(half.shape[-1]):
            s = middle[..., k, None] + half[..., k, None] * _NODES
            p = np.asarray(self.probability(omega[..., None] + width * s), dtype=float)
            p = p if y > 0 else 1.0 - p
            density = p * np.exp(-0.5 * s * s) * _WEIGHTS * half[..., k, None]
            out[0] += density.sum(-1)
            out[1] += (density * s).sum(-1)
            out[2] += (density * (s * s - 1.0)).sum(-1)
        out /= np.sqrt(2 * np.pi)
        return Partition(out[0], out[1] / width[..., 0], out[2] / width[..., 0] ** 2)

    def sample(self, nu: Any, random: Random) -> Any:
        """Draw +1 with the given probability."""
        xp = array_namespace(nu)
        plus = random.uniform(*nu.shape) < on_host(self.probability, nu)
        return xp.where(plus, xp.ones_like(nu), -xp.ones_like(nu))

    def __repr__(self) -> str:
        """Name only: the address of a callable would make equal problems differ."""
        return f"CustomTeacher({self.name}, rho={self.rho})"


@dataclass(frozen=True)
class CustomLink(RealTeacher):
    """Real labels y = link(nu) + sqrt(noise) g, learned with square loss.

    Parameters
    ----------
    link : callable
        Maps a float64 array of teacher fields to noiseless labels, elementwise.
    label_noise : float
        Variance of the label noise, >= 0.
    rho : float
        Variance of the teacher field, > 0.
    breaks : tuple of float
        Where the link or a derivative jumps; found by bisection when not declared.
    name : str, optional
        How the teacher is written in results.
    """

    link: Callable[[Array], Any]
    label_noise: float = 0.0
    rho: float = 1.0
    breaks: tuple[float, ...] = ()
    name: str = field(default="")

    def __post_init__(self) -> None:
        """Check the parameters and resolve the link."""
        self._check_positive(rho=self.rho)
        if not (np.isfinite(self.label_noise) and self.label_noise >= 0):
            raise InvalidProblem(f"label_noise = {self.label_noise}: give a finite variance >= 0")
        _name(self, self.link)
        assert np.isfinite(self._moments).all()  # resolves the link, or refuses it

    @cached_property
    def _moments(self) -> tuple[float, float, float]:
        pieces = _resolve(self, self.link, self.rho)
        x, y = pieces.nodes, pieces.values
        weight = pieces.weights * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
        mean, square, slope = (float(np.sum(weight * y * h)) for h in (1.0, y, x))
        return mean, square, slope / float(np.sqrt(self.rho))

    @property
    def balanced(self) -> bool:
        """Whether E[y] = 0."""
        return bool(abs(self._moments[0]) <= 1e-12 * self._moments[1] ** 0.5)

    def sample(self, nu: Any, random: Random) -> Any:
        """The link of the field, plus noise."""
        return on_host(self.link, nu) + self.label_noise**0.5 * random.normal(*nu.shape)

    @property
    def second_moment(self) -> float:
        """E[link^2] + label_noise."""
        return self._moments[1] + self.label_noise

    @property
    def correlation(self) -> float:
        """E[link(nu) nu] / rho."""
        return self._moments[2]

    def __repr__(self) -> str:
        """Name only: the address of a callable would make equal problems differ."""
        return f"CustomLink({self.name}, label_noise={self.label_noise}, rho={self.rho})"
