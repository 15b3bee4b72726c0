"""What a target on the sphere is: a random function, through its variance per harmonic."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.harmonics import log_multiplicity
from twinpeaks.theory.sphere.ladder import ladder

__all__ = ["Field", "Parity", "Target"]

#: Which degrees a target has: the even ones; those of a ReLU network, even ones and 1; or all.
Parity = Literal["even", "relu", "all"]


class Target:
    """An isotropic random function of variance 1: E f_kl f_k'l' = c_k delta, sum_k c_k N(d, k) = 1.

    Attributes
    ----------
    smoothness : float
        nu_t: c_k falls like k^{-2 nu_t - (d-1)}, and E|f(x) - f(y)|^2 like |x-y|^{2 nu_t} for nu_t < 1; inf
        where there are finitely many degrees.
    last : float
        The last degree; inf where there is none.
    """

    smoothness: float
    last: float

    def even(self, d: int, degrees: Array) -> Array:
        """ln c_k as an analytic function of k >= 0, right at the even degrees up to ``last``."""
        raise NotImplementedError

    def odd(self, d: int, degrees: Array) -> Array:
        """The same at the odd degrees; -inf where there are none."""
        raise NotImplementedError

    def beyond(self, d: int, degree: float) -> float:
        """Variance on the degrees of one parity beyond one so high that it is a power law there."""
        if self.last <= degree:
            return 0.0
        here = np.array([degree])
        variance = float(np.exp(log_multiplicity(d, here) + self.even(d, here))[0])
        return variance * degree / (4.0 * self.smoothness)

    def powers(self, d: int, degrees: Array | Index) -> Array:
        """c_k at whole degrees."""
        k = np.asarray(degrees, dtype=float)
        known = np.where(k % 2 == 0, self.even(d, k), self.odd(d, k))
        return np.where(k <= self.last, np.exp(known), 0.0)


class Field(Target):
    """A Gaussian random field whose variance per degree is analytic in the degree, of some parity.

    Attributes
    ----------
    parity : {"even", "relu", "all"}
        The degrees that it has. A ReLU network without bias learns nothing of odd degrees from 3 on, so
        that with "all" their variance is a floor of its error.
    degrees : int or inf
        The last degree. The cut sequence is the definition, and is normalised: theory and simulation share
        it, and nothing is truncated.
    """

    parity: Parity
    degrees: float

    def __post_init__(self) -> None:
        """Check both, and the smoothness."""
        if not (is_number(self.smoothness) and self.smoothness > 0):
            raise InvalidProblem(f"smoothness = {self.smoothness!r}: give a number > 0")
        if self.parity not in ("even", "relu", "all"):
            raise InvalidProblem(f"parity = {self.parity!r}: give 'even', 'relu' or 'all'")
        whole = is_number(self.degrees) and self.degrees >= 0 and self.degrees == int(self.degrees)
        if not whole and self.degrees != np.inf:
            raise InvalidProblem(f"degrees = {self.degrees!r}: give a whole number >= 0, or inf")

    def log_variance(self, d: int, degrees: Array) -> Array:
        """Ln of N(d, k) c_k up to a constant, analytic in k."""
        raise NotImplementedError

    @property
    def last(self) -> float:  # type: ignore[override]
        """As given."""
        return float(self.degrees)

    def even(self, d: int, degrees: Array) -> Array:
        """Normalised."""
        k = np.asarray(degrees, dtype=float)
        return np.asarray(self.log_variance(d, k) - log_multiplicity(d, k) - _log_total(self, d))

    def odd(self, d: int, degrees: Array) -> Array:
        """Those that the parity has."""
        k = np.asarray(degrees, dtype=float)
        has = {"even": k < 0, "relu": k == 1, "all": k > 0}[self.parity]
        return np.where(has, self.even(d, k), -np.inf)


@lru_cache(maxsize=256)
def _log_total(field: Field, d: int) -> float:
    """Ln of the sum over all degrees of the variance before it is normalised."""
    total = 0.0
    for parity in (0, 1):
        k, w, end = ladder(parity, 2.0, (field.last,))
        keep = k <= field.last
        if parity:
            keep &= {"even": k < 0, "relu": k == 1, "all": k > 0}[field.parity]
        terms = np.exp(field.log_variance(d, k[keep]))
        total += float(np.sum(w[keep] * terms))
        if field.last == np.inf and keep[-1]:  # the rest of a power law
            far = float(np.exp(field.log_variance(d, np.array([end])))[0])
            total += far * end / (4.0 * field.smoothness)
    return float(np.log(total))
