"""Linear teacher: regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.random import Random
from twinpeaks.theory.teachers.base import RealTeacher

__all__ = ["Linear"]


@dataclass(frozen=True)
class Linear(RealTeacher):
    """y = nu + sqrt(noise) g.

    Parameters
    ----------
    noise : float
        Variance Delta of the label noise, >= 0.
    rho : float
        Variance of the teacher field, > 0.
    """

    noise: float = 0.1
    rho: float = 1.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        self._check_positive(rho=self.rho)
        if not (is_number(self.noise) and self.noise >= 0):
            raise InvalidProblem(f"noise = {self.noise}: give a finite variance >= 0")

    def sample(self, nu: Any, random: Random) -> Any:
        """The field plus noise."""
        return nu + self.noise**0.5 * random.normal(*nu.shape)

    @property
    def second_moment(self) -> float:
        """Return rho + noise."""
        return self.rho + self.noise

    @property
    def correlation(self) -> float:
        """1."""
        return 1.0
