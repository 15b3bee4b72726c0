"""Uniform inputs on intervals."""

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

__all__ = ["Uniform"]


@dataclass(frozen=True, eq=False)
class Uniform(InputLaw):
    """Independent inputs, uniform on [low, high].

    Parameters
    ----------
    low, high : array_like
        Bounds, low < high; numbers, or one for each column.
    shape : int or tuple of int, optional
        Of one point, where low and high are numbers.
    groups : array of int, optional
        Inputs of one label count as one.

    Notes
    -----
    On [-1, 1] inputs have variance 1/3, not 1: functions such as tanh(w.x) are nearer to linear there than on
    the hypercube, for which [-sqrt 3, sqrt 3] is the match.

    Examples
    --------
    >>> Uniform(0.0, [1.0, 2.0, 5.0]).n
    3
    """

    low: Any = -1.0
    high: Any = 1.0
    shape: Any = None
    groups: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Read bounds and shape."""
        shape = shape_of([self.low, self.high]) if self.shape is None else self.shape
        object.__setattr__(self, "shape", read_shape("shape", shape))
        for name in ("low", "high"):
            object.__setattr__(self, name, spread_over(name, getattr(self, name), self.shape))
        if not np.all(self.low < self.high):
            at = int(np.argmin(self.high - self.low))
            raise ValueError(
                f"low = {self.low[at]:g}, high = {self.high[at]:g} at column {at}: give low < high; an "
                "input that never changes is no input"
            )
        object.__setattr__(self, "groups", read_groups(self.groups, self.shape))

    @property
    def mean(self) -> Array:
        """The middle."""
        return np.asarray((self.low + self.high) / 2)

    @property
    def covariance(self) -> Array:
        """A twelfth of the squared width."""
        return diagonal(self, (self.high - self.low) ** 2 / 12)

    def _shape_of_columns(self) -> tuple[Array, Array]:
        return np.zeros(self.columns), np.full(self.columns, -1.2)

    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        """Draw points."""
        x = self.low + (self.high - self.low) * rng.random((rows, self.columns))
        return Draw(x, x)

    def redraw(self, rng: np.random.Generator, draw: Draw, inputs: Index) -> tuple[Array, Array]:
        """Draw afresh."""
        columns = self.members[inputs]
        fresh = rng.random((len(draw.x), *columns.shape))
        fresh = self.low[columns] + (self.high - self.low)[columns] * fresh
        fresh = np.where(self.padding[inputs], fresh[..., :1], fresh)
        return fresh, np.ones(fresh.shape[:2])
