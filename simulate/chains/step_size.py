"""The step size of a sampler, by dual averaging.

M. Hoffman and A. Gelman, *The No-U-Turn sampler*, section 3.2 (arXiv 1111.4246), with its constants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["StepSize"]

_ACCEPTANCE = 0.8
_GAMMA, _T0, _KAPPA = 0.05, 10.0, 0.75


@dataclass(frozen=True)
class StepSize:
    """Dual averaging of ln step towards a mean acceptance of 0.8.

    Attributes
    ----------
    centre : float
        ln of ten times the first step, to which early iterates are drawn.
    log_step, log_average : float
        The step to take, and the average to keep.
    deficit : float
        Running mean of target minus acceptance.
    count : int
        Updates so far.
    """

    centre: float
    log_step: float
    log_average: float = 0.0
    deficit: float = 0.0
    count: int = 0

    @classmethod
    def starting_at(cls, step: float) -> StepSize:
        """Begin a window of adaptation."""
        return cls(math.log(10.0 * step), math.log(step), math.log(step))

    def updated(self, acceptance: float) -> StepSize:
        """Take one mean acceptance into account."""
        count = self.count + 1
        weight = 1.0 / (count + _T0)
        deficit = (1.0 - weight) * self.deficit + weight * (_ACCEPTANCE - acceptance)
        log_step = self.centre - count**0.5 / _GAMMA * deficit
        share = count**-_KAPPA
        average = share * log_step + (1.0 - share) * self.log_average
        return StepSize(self.centre, log_step, average, deficit, count)

    @property
    def step(self) -> float:
        """The step to take next."""
        return math.exp(self.log_step)

    @property
    def average(self) -> float:
        """The step to keep."""
        return math.exp(self.log_average)
