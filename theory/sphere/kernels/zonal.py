"""A kernel given by its eigenvalues."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import are_numbers
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.kernels.base import ListedKernel

__all__ = ["Zonal"]


@dataclass(frozen=True)
class Zonal(ListedKernel):
    """K = sum_k lambda_k N(d, k) P_k, with the eigenvalues given, one for each degree.

    Parameters
    ----------
    spectrum : tuple of float
        lambda_0, lambda_1, ..., all >= 0 and not all 0; further degrees have 0. The scale of K is theirs.

    Raises
    ------
    InvalidProblem
        If they are not so.

    Examples
    --------
    >>> from twinpeaks.theory.sphere import Zonal, eigenvalues
    >>> eigenvalues(Zonal((1.0, 0.5)), 3, 2).tolist()
    [1.0, 0.5, 0.0]
    """

    spectrum: tuple[float, ...]

    def __post_init__(self) -> None:
        """Read the eigenvalues."""
        if not are_numbers(self.spectrum) or not len(self.spectrum) or min(self.spectrum) < 0:
            raise InvalidProblem(
                f"spectrum = {self.spectrum!r}: give eigenvalues >= 0, one a degree"
            )
        if not max(self.spectrum) > 0:
            raise InvalidProblem("spectrum is 0 throughout: give a positive eigenvalue")
        object.__setattr__(self, "spectrum", tuple(float(v) for v in self.spectrum))

    def listed(self, d: int) -> Array:
        """As given."""
        return np.array(self.spectrum)
