"""What is learned on the sphere, and with what. No numerics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.kernels import NTK, Kernel, SparseFeatures
from twinpeaks.theory.sphere.kernels.base import check_dimension
from twinpeaks.theory.sphere.targets import GaussianField, Target

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """Regression of a random function on S^{d-1} from n inputs, uniform and independent.

    Parameters
    ----------
    d : int
        Inputs x in R^d with |x| = 1, d >= 2.
    kernel : Kernel or SparseFeatures
        What learns: kernel regression (a lazy network), or the ReLU network of least total variation.
    target : Target
        Law of the function, of variance 1.
    noise : float
        Variance of the noise of the labels.

    Raises
    ------
    InvalidProblem
        Names the parameter, its value and what to give.

    Examples
    --------
    >>> from twinpeaks.theory.sphere import NTK, Constant, Problem
    >>> Problem(d=3, kernel=NTK(), target=Constant())
    Problem(d=3, kernel=NTK(), target=Constant(), noise=0.0)
    """

    d: int = 3
    kernel: Kernel | SparseFeatures = field(default_factory=NTK)
    target: Target = field(default_factory=GaussianField)
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning before any work is done."""
        object.__setattr__(self, "d", check_dimension(self.d))
        if not isinstance(self.kernel, Kernel | SparseFeatures):
            raise InvalidProblem(f"kernel = {self.kernel!r}: give a kernel, such as NTK()")
        if not isinstance(self.target, Target):
            raise InvalidProblem(f"target = {self.target!r}: give a target, such as Constant()")
        if not (is_number(self.noise) and self.noise >= 0):
            raise InvalidProblem(f"noise = {self.noise!r}: give a variance >= 0")

    def replace(self, **changes: Any) -> Problem:
        """The same problem with other parts."""
        return replace(self, **changes)
