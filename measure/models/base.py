"""A model: points in, outputs out, and what replacing one input changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpeaks.theory.arrays import Array, Index

__all__ = ["CHUNK", "Model", "Started", "pieces"]

CHUNK = 2**21  # numbers in one batch: 16 MiB
_ROWS = 4096  # points in one: what a function needs for each is its own affair


@dataclass(frozen=True)
class Started:
    """Points at which a model was evaluated, with what it keeps to evaluate their neighbours.

    Attributes
    ----------
    x : ndarray of shape (rows, columns)
    outputs : ndarray of shape (rows, outputs)
    kept : object
        Of the model's own.
    """

    x: Array
    outputs: Array
    kept: Any = None


class Model:
    """Evaluates points of shape (rows, columns) as numpy arrays of float64.

    Attributes
    ----------
    spacing : float
        Relative spacing of the numbers that the model returns, known once it was called; 0 for integers.
    """

    spacing: float = 0.0

    def __call__(self, x: Array) -> Array:
        """Outputs, shape (rows, outputs)."""
        raise NotImplementedError

    def start(self, x: Array) -> Started:
        """Evaluate points whose neighbours will be asked for."""
        return Started(x, np.concatenate([self(x[p]) for p in pieces(len(x), x.shape[1])]))

    def replaced(self, started: Started, rows: slice, columns: Index, values: Array) -> Array:
        """Outputs at points with some columns replaced, one replacement at a time.

        Parameters
        ----------
        started : Started
            From ``start``.
        rows : slice
            Which of its points.
        columns : ndarray of int of shape (m, width)
            The columns of each replacement.
        values : ndarray of shape (rows, m, width)
            What they become.

        Returns
        -------
        ndarray of shape (rows, m, outputs)
        """
        x = started.x[rows]
        found = []
        for part in pieces(len(columns), x.size):
            some = columns[part]
            batch = np.repeat(x[:, None, :], len(some), axis=1)
            at = np.broadcast_to(some, (len(x), *some.shape))
            np.put_along_axis(batch, at, values[:, part], axis=2)
            flat = batch.reshape(-1, x.shape[1])
            outputs = np.concatenate([self(flat[p]) for p in pieces(len(flat), x.shape[1])])
            found.append(outputs.reshape(len(x), len(some), -1))
        return np.concatenate(found, axis=1)


def pieces(total: int, size: int) -> Iterator[slice]:
    """Slices of ``total`` things of ``size`` numbers that fit in a chunk each."""
    step = min(_ROWS, max(1, CHUNK // max(size, 1)))
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))
