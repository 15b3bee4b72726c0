"""Inputs resampled from the columns of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from twinpeaks.measure.laws.base import Draw, InputLaw, diagonal, read_groups
from twinpeaks.theory.arrays import Array, Index

__all__ = ["Marginals"]


@dataclass(frozen=True, eq=False)
class Marginals(InputLaw):
    """Every input resampled from its own column of the data, independently of all others.

    The inputs keep their marginal laws and lose their dependence: a point is not one of the data. Columns of
    one label in ``groups`` are resampled together and keep the dependence among themselves, as the one-hot
    columns of a category must.

    Parameters
    ----------
    data : array of shape (patterns, ...)
        At least 2 patterns; finite. The shape of one pattern is that of one point.
    groups : array of int of the shape of one pattern, optional
        Labels; inputs of one label count as one.

    Notes
    -----
    Three arrays of the size of the data are held.

    Examples
    --------
    >>> Marginals([[0.0, 1.0], [0.0, 2.0], [3.0, 5.0]]).n
    2
    """

    data: Any
    groups: Any = field(default=None, kw_only=True)
    shape: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read and check the data."""
        data = self.data
        if hasattr(data, "detach"):
            data = data.detach().cpu()
            data = data.double() if data.dtype.is_floating_point else data
        if np.ma.isMaskedArray(data) or np.iscomplexobj(data):
            kind = "complex" if np.iscomplexobj(data) else "masked"
            raise ValueError(
                f"data is {kind}: give an array of real numbers, one pattern a row, all there"
            )
        try:
            x = np.array(data, dtype=float)
        except (TypeError, ValueError):
            raise ValueError("data: give an array of numbers, one pattern a row") from None
        if x.ndim < 2 or len(x) < 2 or not x.size:
            raise ValueError(f"data has shape {x.shape}: give at least 2 patterns, one a row")
        bad = np.argwhere(~np.isfinite(x))
        if len(bad):
            raise ValueError(
                f"data has {x[tuple(bad[0])]} at {tuple(bad[0].tolist())}, one of {len(bad)} values that are "
                "not finite: leave these patterns out, or fill the values in"
            )
        object.__setattr__(self, "shape", x.shape[1:])
        object.__setattr__(self, "data", x.reshape(len(x), -1))
        object.__setattr__(self, "groups", read_groups(self.groups, self.shape))

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"Marginals({len(self.data)} patterns of shape {self.shape})"

    @property
    def mean(self) -> Array:
        """Of the data."""
        return np.asarray(self.data.mean(0))

    @cached_property
    def covariance(self) -> Array:
        """Of the data, within each group."""
        centred = self.data - self.mean
        if self.members.shape[1] == 1:
            return diagonal(self, (centred**2).mean(0))
        parts = np.where(self.padding, 0.0, centred[:, self.members])
        return np.asarray(np.einsum("pkv,pkw->kvw", parts, parts, optimize=True) / len(self.data))

    def _shape_of_columns(self) -> tuple[Array, Array]:
        centred = self.data - self.mean
        spread = np.sqrt(self.covariance[:, 0, 0])
        scaled = centred / np.where(spread > 0, spread, 1.0)
        kurtosis = np.where(spread > 0, np.mean(scaled**4, axis=0) - 3.0, 0.0)
        return np.mean(scaled**3, axis=0), kurtosis

    @cached_property
    def _ranked(self) -> tuple[Array, Index, Index]:
        """Sorted columns; first place and number of the values equal to each; shapes of the data."""
        ranked = np.sort(self.data, axis=0)
        rows = np.arange(len(ranked), dtype=np.int32)[:, None]
        new = np.ones(ranked.shape, dtype=bool)
        new[1:] = ranked[1:] != ranked[:-1]
        first = np.maximum.accumulate(np.where(new, rows, 0), axis=0)
        last = np.ones(ranked.shape, dtype=bool)
        last[:-1] = new[1:]
        end = np.where(last, rows + 1, len(ranked))[::-1]
        end = np.minimum.accumulate(end, axis=0)[::-1]
        return ranked, first, (end - first).astype(np.int32)

    @property
    def _single(self) -> bool:
        return bool(self.members.shape[1] == 1)

    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        """Draw points."""
        if self._single:
            place = rng.integers(len(self.data), size=(rows, self.columns), dtype=np.int32)
            return Draw(np.take_along_axis(self._ranked[0], place, axis=0), place)
        place = rng.integers(len(self.data), size=(rows, self.n), dtype=np.int32)
        x = np.empty((rows, self.columns))
        x[:, self.members] = self.data[place[:, :, None], self.members]
        return Draw(x, place)

    def redraw(self, rng: np.random.Generator, draw: Draw, inputs: Index) -> tuple[Array, Array]:
        """Draw a value other than the present one; of a group, another pattern."""
        columns, patterns = self.members[inputs], len(self.data)
        if self._single:
            ranked, first, count = self._ranked
            column = columns[:, 0]
            place = draw.latent[:, column]
            start, equal = first[place, column], count[place, column]
            others = patterns - equal
            new = (rng.random(place.shape) * others).astype(np.int32)
            new = np.where(new < start, new, np.minimum(new + equal, patterns - 1))
            return ranked[new, column][..., None], others / patterns
        place = draw.latent[:, inputs]
        new = rng.integers(patterns - 1, size=place.shape, dtype=np.int32)
        new = new + (new >= place)
        weights = np.full(place.shape, 1.0 - 1.0 / patterns)
        return self.data[new[:, :, None], columns], weights
