"""Categorical inputs, such as the letters of a sequence."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from twinpeaks.measure.laws.base import Draw, InputLaw
from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import check_flag

__all__ = ["Categories"]


@dataclass(frozen=True, eq=False)
class Categories(InputLaw):
    """Independent categories, as of the letters of a sequence, one input each.

    Parameters
    ----------
    frequencies : array_like of shape (n, q)
        Probability of every category at every position; rows are divided by their sums.
    one_hot : bool
        Whether functions see q columns of 0 and 1 a position, points of shape (n, q), or the number of the
        category, points of shape (n,).

    Examples
    --------
    >>> law = Categories([[0.25, 0.25, 0.5]] * 4)
    >>> law.n, law.shape
    (4, (4, 3))
    """

    frequencies: Any
    one_hot: bool = field(default=True, kw_only=True)
    shape: Any = field(init=False, repr=False)
    groups: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read and check the frequencies."""
        check_flag("one_hot", self.one_hot)
        try:
            p = np.array(self.frequencies, dtype=float)
        except (TypeError, ValueError):
            raise ValueError("frequencies: give an array of shape (n, q)") from None
        if p.ndim != 2 or p.shape[1] < 2 or not len(p):
            raise ValueError(
                f"frequencies has shape {p.shape}: give (n, q), with q >= 2 categories"
            )
        if not (np.isfinite(p).all() and np.all(p >= 0) and np.all(p.sum(1) > 0)):
            raise ValueError("frequencies: give numbers >= 0, not all 0 at any position")
        p /= p.sum(1, keepdims=True)
        object.__setattr__(self, "frequencies", p)
        object.__setattr__(self, "shape", p.shape if self.one_hot else (len(p),))
        labels = tuple(np.repeat(np.arange(len(p)), p.shape[1]).tolist())
        object.__setattr__(self, "groups", labels if self.one_hot else None)

    def __repr__(self) -> str:
        """Show sizes only."""
        n, q = self.frequencies.shape
        return f"Categories({n} positions of {q} categories, one_hot={self.one_hot})"

    @property
    def mean(self) -> Array:
        """Frequencies, or the mean number."""
        p = self.frequencies
        return np.asarray(p.ravel() if self.one_hot else p @ np.arange(p.shape[1]))

    @property
    def covariance(self) -> Array:
        """diag p - p p^T, or the variance of the number."""
        p = self.frequencies
        if self.one_hot:
            return np.asarray(p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :])
        numbers = np.arange(p.shape[1])
        return np.asarray(p @ numbers**2 - (p @ numbers) ** 2)[:, None, None]

    @cached_property
    def _cumulative(self) -> Array:
        found = np.cumsum(self.frequencies, axis=1)
        found[:, -1] = np.inf  # no rounding of the sum leaves a gap
        return found

    def _values(self, codes: Index) -> Array:
        if self.one_hot:
            return np.eye(self.frequencies.shape[1])[codes]
        return codes[..., None].astype(float)

    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        """Draw points."""
        u = rng.random((rows, self.n))
        codes = np.sum(u[:, :, None] >= self._cumulative, axis=2)
        codes = self._possible(codes, np.arange(self.n))
        return Draw(self._values(codes).reshape(rows, -1), codes)

    def redraw(self, rng: np.random.Generator, draw: Draw, inputs: Index) -> tuple[Array, Array]:
        """Draw a category other than the present one."""
        p, codes = self.frequencies[inputs], draw.latent[:, inputs]
        positions = np.arange(len(inputs))
        now = p[positions, codes]
        below = np.where(codes > 0, self._cumulative[inputs][positions, codes - 1], 0.0)
        u = rng.random(codes.shape) * (1.0 - now)
        u = np.where(u >= below, u + now, u)
        new = np.sum(u[:, :, None] >= self._cumulative[inputs], axis=2)
        new = np.where(now < 1.0, self._possible(new, inputs), codes)
        return self._values(new), 1.0 - now

    def _possible(self, codes: Index, inputs: Index) -> Index:
        """Move what rounding put on a category of frequency 0 to the most frequent one."""
        fine = self.frequencies[inputs, codes] > 0
        return np.where(fine, codes, np.argmax(self.frequencies[inputs], axis=1))
