"""A Gaussian field with a power law of the variance per degree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.sphere.targets.base import Field, Parity

__all__ = ["GaussianField"]


@dataclass(frozen=True)
class GaussianField(Field):
    """Variance of degree k proportional to (1 + k)^{-2 smoothness - 1}.

    Unlike ``Matern`` it does not become a constant in high dimension, where N(d, k) grows fast.

    Parameters
    ----------
    smoothness : float
        nu_t > 0.
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
    >>> from twinpeaks.theory.sphere import GaussianField
    >>> field = GaussianField(smoothness=0.5, degrees=2)  # degrees 0 and 2: variances 9 : 1
    >>> field.powers(3, np.arange(3)).round(12).tolist()
    [0.9, 0.0, 0.02]
    """

    smoothness: float = 1.5
    parity: Parity = "even"
    degrees: float = np.inf

    def log_variance(self, d: int, degrees: Array) -> Array:
        """-(2 nu_t + 1) ln(1 + k)."""
        return np.asarray(-(2.0 * self.smoothness + 1.0) * np.log1p(degrees))
