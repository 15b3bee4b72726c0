"""Teachers given as callables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import are_numbers, is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.numerics.callables import elementwise, on_host
from twinpeaks.theory.numerics.fingerprint import named
from twinpeaks.theory.numerics.piecewise import PiecewisePolynomial, approximate
from twinpeaks.theory.random import Random
from twinpeaks.theory.teachers._average import GaussianAverage
from twinpeaks.theory.teachers.base import BinaryTeacher, Partition, RealTeacher

__all__ = ["CustomLink", "CustomTeacher"]

_SPAN = 12.0  # in units of sqrt(rho): Gaussian mass beyond 4e-33
_NARROW = 1e-10  # the same units: shorter pieces of a bisection hold a jump or a kink


class _Resolved(NamedTuple):
    """A function of nu / sqrt(rho), its pieces, and where it or a derivative jumps (in nu)."""

    pieces: PiecewisePolynomial
    breakpoints: tuple[float, ...]

    @property
    def edges(self) -> Array:
        """Ends of the pieces."""
        length = self.pieces.weights.sum(axis=1)
        ends = np.cumsum(length) - _SPAN
        return np.concatenate([[-_SPAN], ends])


def _resolve(teacher: Any, function: Callable[[Array], Any], rho: float) -> _Resolved:
    """Resolve a callable twice: once to find where it jumps, once with cuts there."""
    unit = np.sqrt(rho)

    def scaled(g: Array) -> Array:
        return np.asarray(function(g * unit), dtype=float)

    cuts = tuple(b / unit for b in teacher.breaks)
    try:
        found = _jumps(approximate(scaled, -_SPAN, _SPAN, cuts), scaled)
        pieces = approximate(scaled, -_SPAN, _SPAN, (*cuts, *found))
    except ValueError as error:
        raise InvalidProblem(
            f"teacher = {teacher!r} on [{-_SPAN * unit:g}, {_SPAN * unit:g}]: {error}"
        ) from error
    return _Resolved(pieces, tuple(sorted({*teacher.breaks, *(float(g * unit) for g in found)})))


def _jumps(pieces: PiecewisePolynomial, function: Callable[[Array], Array]) -> list[float]:
    """One point for each cluster of pieces that bisection made narrow."""
    length = pieces.weights.sum(axis=1)
    narrow = np.flatnonzero(length < _NARROW)
    places = []
    for cluster in np.split(narrow, np.flatnonzero(np.diff(narrow) > 1) + 1):
        if cluster.size:
            low = pieces.nodes[cluster[0], 0] - length[cluster[0]]
            high = pieces.nodes[cluster[-1], -1] + length[cluster[-1]]
            places.append(_locate(function, low, high))
    return places


def _locate(function: Callable[[Array], Array], low: float, high: float) -> float:
    """The jump between two points, by bisection to neighbouring floats, or the kink."""
    left, right = function(np.array([low, high]))
    if abs(right - left) < 1e-7 * max(abs(left), abs(right)):
        return _kink(function, low, high)
    for _ in range(60):
        middle = 0.5 * (low + high)
        value = function(np.array([middle]))[0]
        if abs(value - left) < abs(value - right):
            low = middle
        else:
            high = middle
    return high


def _kink(function: Callable[[Array], Array], low: float, high: float) -> float:
    """Where the polynomials through both sides meet."""
    steps = np.linspace(0.0, 1e-3, 6)
    sides = (np.polyfit(s, function(x + s), 5) for x, s in ((low, -steps), (high, steps)))
    (slope_left, left), (slope_right, right) = (fit[-2:] for fit in sides)
    # Lines suffice: the points are 1e-10 apart, and the kink is that near.
    middle = 0.5 * (low + high)
    if abs(slope_right - slope_left) < 1e-3:
        return middle
    place = (left - right - slope_left * low + slope_right * high) / (slope_right - slope_left)
    return float(place) if abs(place - middle) < 1e-8 else middle


def _name(teacher: Any, argument: str) -> None:
    """Check the callable, and name the teacher after it."""
    function = getattr(teacher, argument)
    elementwise(argument, function)
    if not teacher.name:
        object.__setattr__(
            teacher, "name", named(function, float(np.sqrt(teacher.rho)), teacher.breaks)
        )
    if not are_numbers(teacher.breaks):
        raise InvalidProblem(f"breaks = {teacher.breaks!r}: give a sequence of finite numbers")


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
        How the teacher is written in results; the callable's own name with a fingerprint of its
        values by default.

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
        _name(self, "probability")
        pieces = self._resolved.pieces
        values = pieces.values
        if np.min(values) < 0 or np.max(values) > 1:
            raise InvalidProblem(f"teacher = {self!r}: probabilities must lie in [0, 1]")
        x = pieces.nodes * np.sqrt(self.rho)
        mirror = np.asarray(self.probability(-x), dtype=float)
        object.__setattr__(self, "symmetric", bool(np.all(np.abs(values + mirror - 1) < 1e-13)))

    @cached_property
    def _resolved(self) -> _Resolved:
        return _resolve(self, self.probability, self.rho)

    @cached_property
    def _averages(self) -> dict[float, GaussianAverage]:
        """Of the probability of either label."""
        unit, edges = float(np.sqrt(self.rho)), self._resolved.edges
        # Beyond the span the weight is below rounding, but integrals ask what is there.
        outside = np.arange(_SPAN + 1.0, 30.0)
        edges = np.concatenate([-outside[::-1], edges, outside]) * unit

        def plus(nu: Array) -> Array:
            return np.asarray(self.probability(nu), dtype=float)

        return {
            1.0: GaussianAverage(plus, edges, unit),
            -1.0: GaussianAverage(lambda nu: 1.0 - plus(nu), edges, unit),
        }

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """The declared breaks, and those that were found."""
        return self._resolved.breakpoints

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Average of P(y | nu) over the Gaussian law of nu, and of its score."""
        return Partition(*self._averages[float(np.sign(y))](omega, V))

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
        How the teacher is written in results; the callable's own name with a fingerprint of its
        values by default.
    """

    link: Callable[[Array], Any]
    label_noise: float = 0.0
    rho: float = 1.0
    breaks: tuple[float, ...] = ()
    name: str = field(default="")

    def __post_init__(self) -> None:
        """Check the parameters and resolve the link."""
        self._check_positive(rho=self.rho)
        if not (is_number(self.label_noise) and self.label_noise >= 0):
            raise InvalidProblem(f"label_noise = {self.label_noise}: give a finite variance >= 0")
        _name(self, "link")
        assert np.isfinite(self._moments).all()  # resolves the link, or refuses it

    @cached_property
    def _moments(self) -> tuple[float, float, float]:
        pieces = _resolve(self, self.link, self.rho).pieces
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
