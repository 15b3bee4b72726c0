"""A Gaussian field of Matern type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.harmonics import log_multiplicity
from twinpeaks.theory.sphere.targets.base import Field, Parity

__all__ = ["Matern"]


@dataclass(frozen=True)
class Matern(Field):
    """c_k proportional to (tau^2 + k (k + d - 2))^{-(smoothness + (d-1)/2)}.

    In high dimension (from d = 10 on) degree 0 holds nearly all of the variance; ``GaussianField`` does not
    do that.

    Parameters
    ----------
    smoothness : float
        nu_t > 0.
    tau : float
        Inverse length > 0.
    parity : {"even", "relu", "all"}
        Which degrees it has: the even ones; these and 1; or all.
    degrees : int or inf
        The last degree.

    Raises
    ------
    InvalidProblem
        Names the parameter, its value and what to give.

    Examples
    --------
    >>> import numpy as np
    >>> from twinpeaks.theory.sphere import Matern
    >>> c = Matern(smoothness=0.5, degrees=2).powers(3, np.arange(3))  # 1 : 7^(-3/2), with N = 1 and 5
    >>> round(float(c[2] / c[0]), 6)
    0.053995
    """

    smoothness: float = 1.5
    tau: float = 1.0
    parity: Parity = "even"
    degrees: float = np.inf

    def __post_init__(self) -> None:
        """Check all."""
        super().__post_init__()
        if not (is_number(self.tau) and self.tau > 0):
            raise InvalidProblem(f"tau = {self.tau!r}: give a number > 0")

    def log_variance(self, d: int, degrees: Array) -> Array:
        """Ln of c_k N(d, k)."""
        k = np.asarray(degrees, dtype=float)
        far = np.log(np.hypot(self.tau, np.sqrt(k) * np.sqrt(k + d - 2)))
        return np.asarray(log_multiplicity(d, k) - (2.0 * self.smoothness + d - 1.0) * far)
