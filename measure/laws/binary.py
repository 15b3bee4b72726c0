"""Uniform signs: the law of the Boolean mean dimension."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinpeaks.measure.laws.base import Draw, InputLaw, diagonal, read_groups, read_shape
from twinpeaks.theory.arrays import Array, Index

__all__ = ["Binary"]


@dataclass(frozen=True)
class Binary(InputLaw):
    """Independent inputs -1 and +1 with probability 1/2: the mean dimension is then the Boolean one, BMD.

    Parameters
    ----------
    shape : int or tuple of int
        Number of inputs, or the shape of one point, such as (1, 28, 28).
    groups : array of int of that shape, optional
        Inputs of one label count as one.

    Examples
    --------
    >>> Binary(5).n, Binary((1, 28, 28)).n
    (5, 784)
    """

    shape: tuple[int, ...]
    groups: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Read the shape."""
        object.__setattr__(self, "shape", read_shape("shape", self.shape))
        object.__setattr__(self, "groups", read_groups(self.groups, self.shape))

    @property
    def mean(self) -> Array:
        """0."""
        return np.zeros(self.columns)

    @property
    def covariance(self) -> Array:
        """The identity."""
        return diagonal(self, np.ones(self.columns))

    def _shape_of_columns(self) -> tuple[Array, Array]:
        return np.zeros(self.columns), np.full(self.columns, -2.0)

    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        """Draw points."""
        x = _signs(rng, (rows, self.columns))
        return Draw(x, x)

    def redraw(self, rng: np.random.Generator, draw: Draw, inputs: Index) -> tuple[Array, Array]:
        """Flip inputs; draw groups of several columns afresh."""
        columns = self.members[inputs]
        if columns.shape[1] == 1:
            return -draw.x[:, columns], np.full((len(draw.x), len(inputs)), 0.5)
        fresh = _signs(rng, (len(draw.x), *columns.shape))
        fresh = np.where(self.padding[inputs], fresh[..., :1], fresh)
        return fresh, np.ones((len(draw.x), len(inputs)))


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A bit for each sign, of which a generator makes 64 at a time."""
    size = int(np.prod(shape))
    bits = np.unpackbits(np.frombuffer(rng.bytes(-(-size // 8)), dtype=np.uint8), count=size)
    signs = bits.astype(float)
    signs *= 2.0
    signs -= 1.0
    return signs.reshape(shape)
