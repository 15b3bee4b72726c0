"""The limit of a wide network with a power for its activation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.harmonics import log_gamma_ratio
from twinpeaks.theory.sphere.targets.base import Target

__all__ = ["Teacher"]


@dataclass(frozen=True)
class Teacher(Target):
    r"""The Gaussian field of an infinitely wide network with activation |t|^power.

    The teachers of arXiv 2206.12314 have 1e7 such units and approach it. Even degrees alone; an even power
    ends at the degree ``power``, any other has nu_t = power + 1/2.

    Parameters
    ----------
    power : float
        a > 0.

    Raises
    ------
    InvalidProblem
        If it is not so.

    Notes
    -----
    c_k is proportional to the square of E[|t|^a P_k(t)], which is Gamma(d/2) Gamma((a+1)/2) Gamma(a/2+1) /
    (sqrt(pi) Gamma(a/2-k/2+1) Gamma((a+k+d)/2)), and to Gamma((k-a)/2) / Gamma((k+a+d)/2) where a is no even
    number. The sum of N c is E|theta.x|^{2a} with theta and x on the sphere.

    Examples
    --------
    >>> import numpy as np
    >>> from twinpeaks.theory.sphere import Teacher
    >>> Teacher(2.0).powers(3, np.arange(4)).round(12).tolist()  # 1/9 : 4/225, over 1/5
    [0.555555555556, 0.0, 0.088888888889, 0.0]
    """

    power: float = 1.0

    def __post_init__(self) -> None:
        """Check it."""
        if not (is_number(self.power) and self.power > 0):
            raise InvalidProblem(f"power = {self.power!r}: give a number > 0")

    @property
    def _polynomial(self) -> bool:
        return bool(self.power % 2 == 0)

    @property
    def smoothness(self) -> float:  # type: ignore[override]
        """power + 1/2, or inf for a polynomial."""
        return np.inf if self._polynomial else self.power + 0.5

    @property
    def last(self) -> float:  # type: ignore[override]
        """The power if it is even, else none."""
        return self.power if self._polynomial else np.inf

    def even(self, d: int, degrees: Array) -> Array:
        """Normalised."""
        a, k = self.power, np.asarray(degrees, dtype=float)
        scale = gammaln(0.5 * d) - 0.5 * np.log(np.pi)
        lead = scale + gammaln(0.5 * a + 0.5) + gammaln(0.5 * a + 1.0)
        total = scale + gammaln(a + 0.5) - gammaln(a + 0.5 * d)  # E|t|^{2a}
        if self._polynomial:
            inside = np.minimum(k, a)
            size = lead - gammaln(0.5 * (a - inside) + 1.0) - gammaln(0.5 * (a + inside + d))
            return np.where(k <= a, 2.0 * size - total, -np.inf)
        # reflection: 1 / Gamma(1 - z) = Gamma(z) sin(pi z) / pi, z = (k - a)/2
        mirror = np.log(np.abs(np.sin(0.5 * np.pi * a)) / np.pi)
        size = lead + mirror - log_gamma_ratio(0.5 * (k - a), a + 0.5 * d)
        return np.asarray(2.0 * size - total)

    def odd(self, d: int, degrees: Array) -> Array:
        """None."""
        return np.full(np.shape(degrees), -np.inf)
