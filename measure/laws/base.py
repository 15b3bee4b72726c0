"""What a law of independent inputs is, and how one input is replaced.

For independent inputs X_1 .. X_n the influence of input k on a function f, its Sobol total index times Var
f, is

    T_k = E Var[f | all but X_k] = 1/2 E (f(X) - f(X with X_k drawn afresh))^2 .

Where the fresh value can equal the old one, it is drawn among the others, and the square counts with the
probability w(X_k) that a fresh value differs: the same expectation from fewer evaluations. On the
hypercube that is a flip, with w = 1/2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.axes import check_count

__all__ = ["Draw", "InputLaw", "read_groups", "read_shape"]


@dataclass(frozen=True)
class Draw:
    """Inputs that a law drew.

    Attributes
    ----------
    x : ndarray of shape (rows, columns)
        As functions see them, flattened.
    latent : ndarray of shape (rows, ...)
        What they were made of, such as the number of a category; ``x`` itself where that is all.
    """

    x: Array
    latent: Any

    def __getitem__(self, rows: slice | Index) -> Draw:
        """Some of the inputs."""
        return Draw(self.x[rows], self.latent[rows])


class InputLaw(ABC):
    """A law of inputs, each independent of all others.

    An input is a column, or the group of columns that ``groups`` gives one label: one-hot columns, a patch
    of pixels. A group is replaced as a whole and counts as one of the ``n`` inputs.

    Attributes
    ----------
    shape : tuple of int
        Of one point, as functions see it.
    groups : ndarray of int of shape ``shape``, or None
        Labels; None where every column is an input.
    """

    shape: tuple[int, ...]
    groups: Any

    @property
    def columns(self) -> int:
        """Numbers that make one point."""
        return prod(self.shape)

    @property
    def n(self) -> int:
        """Inputs; every mean dimension lies between 1 and n."""
        return len(self.members)

    @cached_property
    def members(self) -> Index:
        """Columns of every input, shape (n, width); the first is repeated where a group has fewer."""
        if self.groups is None:
            return np.arange(self.columns)[:, None]
        labels = np.asarray(self.groups).ravel()
        _, places = np.unique(labels, return_inverse=True)
        order = np.argsort(places, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(places))[:-1])
        width = max(map(len, parts))
        return np.stack([np.append(p, np.full(width - len(p), p[0])) for p in parts])

    @cached_property
    def padding(self) -> Bools:
        """Where ``members`` repeats a column, shape (n, width)."""
        first = self.members[:, :1] == self.members
        first[:, 0] = False
        return np.asarray(first)

    @property
    @abstractmethod
    def mean(self) -> Array:
        """E X, shape (columns,)."""

    @property
    @abstractmethod
    def covariance(self) -> Array:
        """Covariance of the columns of each input, shape (n, width, width); 0 for padding."""

    @property
    def cumulants(self) -> tuple[Array, Array, Array, Array]:
        """Mean, variance, skewness and excess kurtosis of independent columns, which theory asks for.

        Raises
        ------
        ValueError
            If an input is a group of columns.
        """
        if self.members.shape[1] > 1:
            raise ValueError(
                f"{self!r}: its columns are not independent, and have no cumulants by column"
            )
        return (self.mean, self.covariance[:, 0, 0], *self._shape_of_columns())

    def _shape_of_columns(self) -> tuple[Array, Array]:
        """Skewness and excess kurtosis of single columns."""
        raise ValueError(f"law = {self!r}: it does not say its skewness and kurtosis")

    @abstractmethod
    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        """Draw points."""

    @abstractmethod
    def redraw(self, rng: np.random.Generator, draw: Draw, inputs: Index) -> tuple[Array, Array]:
        """Draw other values for some inputs of every point.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source.
        draw : Draw
            Points of this law.
        inputs : ndarray of int of shape (m,)
            Which inputs to replace, each by itself.

        Returns
        -------
        values : ndarray of shape (rows, m, width)
            In the order of ``members[inputs]``.
        weights : ndarray of shape (rows, m)
            Probability that a fresh value differs from the old one, if ``values`` are drawn given that they
            do; else 1.
        """

    def variance(self, slopes: Array) -> Array:
        """Variance of b.x for slopes b of shape (columns, ...), summed over nothing."""
        b = self.gather(slopes)
        return np.asarray(np.einsum("kv...,kvw,kw...->...", b, self.covariance, b, optimize=True))

    def gather(self, slopes: Array) -> Array:
        """Slopes of columns by input, shape (n, width, ...); 0 for padding."""
        b = np.array(slopes[self.members])
        b[self.padding] = 0.0
        return b

    def scatter(self, slopes: Array, inputs: Index, out: Array) -> None:
        """Write slopes of shape (m, width, ...) of some inputs to their columns of ``out``."""
        real = ~self.padding[inputs]
        out[self.members[inputs][real]] = slopes[real]


def read_shape(name: str, given: Any) -> tuple[int, ...]:
    """Return a shape from a number of inputs or several, or raise a ValueError that names it."""
    sizes = given if isinstance(given, tuple | list) else (given,)
    if not sizes:
        raise ValueError(
            f"{name} = {given!r}: give the number of inputs, or the shape of one point"
        )
    return tuple(check_count(name, size, 1) for size in sizes)


def read_groups(groups: Any, shape: tuple[int, ...]) -> Any:
    """Return labels as a tuple, one for each column, or raise a ValueError."""
    if groups is None:
        return None
    labels = np.asarray(groups)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"groups has dtype {labels.dtype}: give one integer label for each column")
    if labels.shape != shape:
        try:
            labels = np.broadcast_to(labels, shape)
        except ValueError:
            raise ValueError(
                f"groups has shape {labels.shape}: give one label for each column, shape {shape}"
            ) from None
    return tuple(labels.ravel().tolist())


def spread_over(name: str, given: Any, shape: tuple[int, ...]) -> Array:
    """Return one finite number for each column from what broadcasts to ``shape``, or raise a ValueError."""
    try:
        values = np.asarray(given, dtype=float)
        values = np.broadcast_to(values, shape).ravel()
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} = {given!r}: give one number, or an array of shape {shape}"
        ) from None
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has values that are not finite: give finite numbers")
    return values


def diagonal(law: InputLaw, variances: Array) -> Array:
    """Covariances of independent columns, shape (n, width, width)."""
    per = np.where(law.padding, 0.0, variances[law.members])
    return per[:, :, None] * np.eye(per.shape[1])


def shape_of(given: Sequence[Any]) -> tuple[int, ...]:
    """Broadcast shape of parameters; (1,) if all are numbers."""
    return np.broadcast_shapes(*(np.shape(value) for value in given)) or (1,)
