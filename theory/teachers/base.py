"""What a teacher is: the law of the label y given the teacher field nu ~ N(0, rho).

``BinaryTeacher`` gives labels -1 and +1: the theory needs ``partition``, the probability of a label
when nu is Gaussian, with two derivatives. ``RealTeacher`` gives real labels, through their moments.
Both need ``sample`` for the simulation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.numerics.angle import cotangent
from twinpeaks.theory.numerics.quadrature import integrate, panels
from twinpeaks.theory.random import Random

__all__ = ["BinaryTeacher", "Partition", "RealTeacher", "Teacher"]

_ROUNDING = 1e-12  # correlations of y and nu below are none


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
    """

    rho: float

    @property
    def balanced(self) -> bool:
        """Whether a bias of the student would stay at zero."""
        raise NotImplementedError

    def sample(self, nu: Any, random: Random) -> Any:
        """Labels drawn for an array of teacher fields."""
        raise NotImplementedError

    def test_error(self, m: Array, Q: Array) -> Array:
        """Error, on fresh inputs and labels, of a student field with the given second moments.

        Parameters
        ----------
        m, Q : ndarray
            Covariance of the student field with nu, and its variance.
        """
        raise NotImplementedError

    @property
    def second_moment(self) -> float:
        """E[y^2]."""
        raise NotImplementedError

    @property
    def correlation(self) -> float:
        """E[y nu] / rho, the slope of the best linear predictor of y from nu."""
        raise NotImplementedError

    @property
    def silent(self) -> bool:
        """Whether y and nu are uncorrelated to rounding, so that nothing linear can be learned.

        Labels drawn without any teacher are the example: the student's overlap m is then 0.
        """
        covariance = self.correlation * self.rho**0.5
        return bool(abs(covariance) <= _ROUNDING * self.second_moment**0.5)

    def _check_positive(self, **values: float) -> None:
        for name, value in values.items():
            if not (is_number(value) and value > 0):
                raise InvalidProblem(f"{name} = {value}: give a finite number > 0")


class BinaryTeacher(Teacher):
    """Labels -1 and +1.

    Attributes
    ----------
    symmetric : bool
        Whether P(-y | -nu) = P(y | nu), so that one label stands for both.
    breakpoints : tuple of float
        Values of nu at which P(y | nu) or one of its derivatives jumps.
    step : tuple of float, optional
        (flip, noise) where y = sign(nu + sqrt(noise) g), flipped with probability flip: piecewise
        quadratic losses are then closed form at beta = inf. None for any other law.
    """

    symmetric: bool = True

    @property
    def step(self) -> tuple[float, float] | None:
        """None, unless a subclass says otherwise."""
        return None

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """None, unless a subclass says otherwise."""
        return ()

    @property
    def balanced(self) -> bool:
        """Mirrored labels are."""
        return self.symmetric

    @property
    def representatives(self) -> tuple[tuple[float, ...], float]:
        """Labels to sum over, and the weight of each: one of a mirrored pair stands for both."""
        return ((1.0,), 2.0) if self.symmetric else ((-1.0, 1.0), 1.0)

    def partition(self, y: float, omega: Array, V: Array) -> Partition:
        """Z_*(y; omega, V) and its first two derivatives in omega."""
        raise NotImplementedError

    @property
    def second_moment(self) -> float:
        """1."""
        return 1.0

    @property
    def correlation(self) -> float:
        """E[dP(+1 | nu)/dnu - dP(-1 | nu)/dnu], by Stein's lemma."""
        zero, rho = np.zeros(1), np.full(1, self.rho)
        plus, minus = (self.partition(y, zero, rho).first[0] for y in (1.0, -1.0))
        return float(plus - minus)

    def student_tail(self, edge: Array, cotangent: Array) -> Array:
        """P(y omega < edge sqrt(Q)): the law of the student's margin.

        Parameters
        ----------
        edge : ndarray
            Margin in units of sqrt(Q).
        cotangent : ndarray
            m / sqrt(rho Q - m^2).

        Notes
        -----
        Integrated from the edge outwards, so that it keeps its relative accuracy when it is
        exponentially small. Subclasses override it where there is a closed form.
        """
        labels, weight = self.representatives
        edge = np.minimum(edge, 40.0)  # all mass is below
        sine2 = self.rho / (1.0 + cotangent**2)
        slope = np.sqrt(self.rho - sine2) * np.sign(cotangent)
        # Under exp(-xi^2/2) the tail beyond a negative edge decays over 1/|edge|.
        reach = np.where(edge > -3.0, edge + 15.0, 40.0 / np.maximum(3.0, -edge))
        mesh = panels(edge[:, None] - np.linspace(0.0, 1.0, 13) * reach[:, None])
        total = np.zeros(edge.shape)
        for y in labels:

            def integrand(owner: Index, _: Index, xi: Array, y: float = y) -> Array:
                variance = np.broadcast_to(sine2[owner][:, None], xi.shape)
                z = self.partition(y, y * xi * slope[owner][:, None], variance).value
                return np.asarray((np.exp(-0.5 * xi * xi) * z / np.sqrt(2 * np.pi))[None])

            total += weight * integrate(integrand, mesh, edge.size, judged=1).values[0]
        return total

    def test_error(self, m: Array, Q: Array) -> Array:
        """P(y f < 0)."""
        angle = np.atleast_1d(cotangent(self.rho, Q, m))
        return self.student_tail(np.zeros(angle.shape), angle).reshape(np.shape(m))


class RealTeacher(Teacher):
    """Real labels of known second moments; the test error is the mean squared error.

    Attributes
    ----------
    noise : float
        When y = nu + sqrt(noise) g, the variance of that noise; None for any other law, which
        then can be learned with square loss only.
    """

    noise: float | None = None

    @property
    def balanced(self) -> bool:
        """Labels of mean zero are."""
        return True

    def test_error(self, m: Array, Q: Array) -> Array:
        """E[(y - f)^2]."""
        return np.asarray(self.second_moment - 2.0 * self.correlation * m + Q)
