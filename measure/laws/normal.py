"""Gaussian inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinpeaks.measure.laws.base import (
    Draw,
    InputLaw,
    diagonal,
    read_groups,
    read_shape,
    shape_of,
    spread_over,
)
from twinpeaks.theory.arrays import Array, Index

__all__ = ["Normal"]


@dataclass(frozen=True, eq=False)
class Normal(InputLaw):
    """Independent Gaussian inputs.

    Parameters
    ----------
    mean, std : array_like
        Means, and standard deviations > 0; numbers, or one for each column.
    shape : int or tuple of int, optional
        Of one point, where mean and std are numbers.
    groups : array of int, optional
        Inputs of one label count as one.

    Examples
    --------
    >>> Normal(shape=(1, 28, 28)).n
    784
    """

    mean: Any = 0.0
    std: Any = 1.0
    shape: Any = None
    groups: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Read parameters and shape."""
        shape = shape_of([self.mean, self.std]) if self.shape is None else self.shape
        object.__setattr__(self, "shape", read_shape("shape", shape))
        for name in ("mean", "std"):
            object.__setattr__(self, name, spread_over(name, getattr(self, name), self.shape))
        if not np.all(self.std > 0):
            at = int(np.argmin(self.std))
            raise ValueError(f"std = {self.std[at]:g} at column {at}: give standard deviations > 0")
        object.__setattr__(self, "groups", read_groups(self.groups, self.shape))

    @property
    def covariance(self) -> Array:
        """Variances."""
        return diagonal(self, self.std**2)

    def _shape_of_columns(self) -> tuple[Array, Array]:
        return np.zeros(self.columns), np.full(self.columns, 0.0)

    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        """Draw points."""
        x = self.mean + self.std * rng.standard_normal((rows, self.columns))
        return Draw(x, x)

    def redraw(self, rng: np.random.Generator, draw: Draw, inputs: Index) -> tuple[Array, Array]:
        """Draw afresh."""
        columns = self.members[inputs]
        fresh = rng.standard_normal((len(draw.x), *columns.shape))
        fresh = self.mean[columns] + self.std[columns] * fresh
        fresh = np.where(self.padding[inputs], fresh[..., :1], fresh)
        return fresh, np.ones(fresh.shape[:2])
