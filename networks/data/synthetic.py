"""Gaussian inputs labelled by a teacher of the theory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from twinpeaks.networks.data.base import Data, Patterns
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory.axes import check_count
from twinpeaks.theory.teachers.base import BinaryTeacher
from twinpeaks.theory.teachers.sign import Sign

__all__ = ["Synthetic"]


@dataclass(frozen=True)
class Synthetic(Data):
    """x ~ N(0, 1) in D dimensions, and the classes (1 + y) / 2 of a teacher's labels y of -1 and +1.

    Parameters
    ----------
    teacher : BinaryTeacher
        Of the field w_T . x / sqrt(D), with |w_T|^2 = rho D.
    D, patterns : int
        Sizes.
    seed : int
        Of teacher, inputs and labels.

    Raises
    ------
    ValueError
        If a number is out of range, or the teacher's labels are not -1 and +1.

    Examples
    --------
    >>> Synthetic(D=10, patterns=50).load().inputs.shape
    (50, 10)
    """

    teacher: BinaryTeacher = field(default_factory=Sign)
    D: int = 50
    patterns: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every number."""
        if not isinstance(self.teacher, BinaryTeacher):
            raise ValueError(
                f"teacher = {self.teacher!r}: give one of labels -1 and +1, such as Sign()"
            )
        check_count("D", self.D, 1)
        check_count("patterns", self.patterns, 2)
        check_count("seed", self.seed, 0)

    def read(self) -> Patterns:
        """Draw them."""
        key = self.seed, self.D
        w = TorchRandom.named("teacher", *key).normal(self.D)
        w = w * (self.teacher.rho * self.D) ** 0.5 / w.norm()
        x = TorchRandom.named("inputs", *key).normal(self.patterns, self.D)
        y = self.teacher.sample(x @ w / self.D**0.5, TorchRandom.named("labels", *key))
        name = f"{type(self.teacher).__name__} teacher"
        return Patterns(name, x.numpy(), (np.asarray(y) > 0).astype(np.int64), 2)
