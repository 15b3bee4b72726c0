"""The sweep: validated axes and the sizes they imply."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "OUTER",
    "Axis",
    "Grid",
    "check_count",
    "check_number",
    "make_grid",
    "positive_axis",
]

#: Axes that tell instances apart; an instance is shared by the points of all others.
OUTER = ("overparam", "alpha_T", "D", "seed")


@dataclass(frozen=True)
class Axis:
    """One argument of the sweep.

    Attributes
    ----------
    name : str
        Its name.
    values : ndarray of shape (n,)
        Its values, in the order given.
    scalar : bool
        Whether a single number was given, which makes a coordinate and no dimension.
    """

    name: str
    values: NDArray[Any]
    scalar: bool = False


@dataclass(frozen=True)
class Grid:
    """The outer product of the axes.

    Attributes
    ----------
    axes : tuple of Axis
        In the order of the Dataset's dimensions; those of ``OUTER`` are among them.
    """

    axes: tuple[Axis, ...]

    def __getitem__(self, name: str) -> Axis:
        """The axis of a name."""
        return next(axis for axis in self.axes if axis.name == name)

    @property
    def inner(self) -> tuple[Axis, ...]:
        """Axes along which an instance is shared."""
        return tuple(axis for axis in self.axes if axis.name not in OUTER)

    def length(self, *names: str) -> int:
        """Points of the product of some axes, 1 for one that the grid has not."""
        return math.prod(len(axis.values) for axis in self.axes if axis.name in names)

    def size(self, i: int, j: int, d: int) -> tuple[int, int, int]:
        """(D, N, P) at the i-th overparam, j-th alpha_T and d-th D."""
        D = int(self["D"].values[d])
        P = round(float(self["alpha_T"].values[j]) * D)
        return D, round(float(self["overparam"].values[i]) * P), P

    @property
    def sizes(self) -> list[tuple[int, int, int]]:
        """(D, N, P) of every point."""
        shape = [self.length(name) for name in OUTER[:3]]
        return [self.size(*index) for index in np.ndindex(*shape)]


def positive_axis(name: str, given: Any, *, zero: bool = False) -> Axis:
    """Make an axis of finite floats > 0.

    Parameters
    ----------
    name, given
        Of the argument, and what was given for it.
    zero : bool
        Whether 0 is a value too.

    Raises
    ------
    ValueError
        If it is none; it names the argument, the value and what to give instead.
    """
    try:
        raw = np.asarray(given)
    except ValueError:
        raw = np.asarray(None)
    if raw.dtype.kind == "O" and all(type(x) is int for x in raw.flat):  # some beyond 64 bits
        raw = np.vectorize(_as_float, otypes=[float])(raw)
    if raw.dtype.kind not in "iuf":
        raise ValueError(f"{name} = {given!r}: give a number or a 1-d sequence of numbers")
    if raw.ndim > 1 or raw.size == 0:
        raise ValueError(
            f"{name} = {given!r} has shape {raw.shape}: give a number or a non-empty 1-d sequence"
        )
    values = np.atleast_1d(raw).astype(float)
    bad = values[~(np.isfinite(values) & ((values > 0) | (zero & (values == 0))))]
    if bad.size:
        raise ValueError(f"{name} = {bad[0]:g}: give a finite number {'>=' if zero else '>'} 0")
    _refuse_duplicates(name, values)
    return Axis(name, values, scalar=raw.ndim == 0)


_MOST_SEEDS = 10**6
_MOST = 2**53  # D, N and P; floats tell all integers up to here apart


def _as_float(x: int) -> float:
    try:
        return float(x)
    except OverflowError:
        return float("inf")


def _refuse_duplicates(name: str, values: NDArray[Any]) -> None:
    unique, counts = np.unique(values, return_counts=True)
    if np.any(counts > 1):
        raise ValueError(f"{name} = {unique[counts > 1][0]} occurs twice: give each value once")


def _integer_axis(name: str, given: Any) -> Axis:
    axis = positive_axis(name, given)
    fractional = axis.values[axis.values != np.round(axis.values)]
    if fractional.size:
        raise ValueError(f"{name} = {fractional[0]:g}: give an integer")
    large = axis.values[axis.values > _MOST]
    if large.size:
        raise ValueError(f"{name} = {large[0]:g}: give at most 2**53 = {_MOST}")
    return Axis(name, axis.values.astype(np.int64), axis.scalar)


def _seeds(given: int | Sequence[int]) -> Axis:
    if np.ndim(given) == 0:
        count = check_count("seeds", given, 1)
        if count > _MOST_SEEDS:
            raise ValueError(f"seeds = {count}: give at most {_MOST_SEEDS}, or a sequence")
        return Axis("seed", np.arange(count, dtype=np.int64))
    values = np.asarray(given)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iu":
        raise ValueError(f"seeds = {given!r}: give a count or a non-empty 1-d sequence of integers")
    if values.min() < 0 or values.max() >= 2**63:
        raise ValueError(f"seeds = {given!r}: give integers >= 0 and < 2**63")
    _refuse_duplicates("seeds", values)
    return Axis("seed", values.astype(np.int64))


def check_count(name: str, given: Any, least: int) -> int:
    """Return an integer >= least, or raise a ValueError that names the argument."""
    integral = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
    if not integral or given < least:
        raise ValueError(f"{name} = {given!r}: give an integer >= {least}")
    return int(given)


def check_number(name: str, given: Any, least: float, most: float = np.inf) -> float:
    """Return a number with least < number < most, or raise a ValueError that names the argument."""
    number = np.asarray(given)
    if number.ndim or number.dtype.kind not in "iuf" or not least < number < most:
        wanted = f"> {least:g}" if most == np.inf else f"between {least:g} and {most:g}"
        raise ValueError(f"{name} = {given!r}: give a finite number {wanted}")
    return float(number)


def make_grid(
    overparam: Any,
    alpha_T: Any,
    D: Any,
    seeds: Any,
    *,
    inner: tuple[Axis, ...] = (),
    last: tuple[Axis, ...] = (),
) -> Grid:
    """Validate every axis and every size before any work.

    Parameters
    ----------
    overparam, alpha_T, D, seeds
        As in ``simulate.run``.
    inner, last : tuple of Axis
        Axes along which an instance is shared: between alpha_T and D, and behind the seed.

    Raises
    ------
    ValueError
        Names the argument, the value and what to give instead.
    """
    grid = Grid(
        (
            positive_axis("overparam", overparam),
            positive_axis("alpha_T", alpha_T),
            *inner,
            _integer_axis("D", D),
            _seeds(seeds),
            *last,
        )
    )
    for d, D_value in enumerate(grid["D"].values):
        for j, alpha_value in enumerate(grid["alpha_T"].values):
            for i, ratio in enumerate(grid["overparam"].values):
                for name, value, size in (
                    ("alpha_T", alpha_value, float(alpha_value) * float(D_value)),
                    ("overparam", ratio, float(ratio) * float(alpha_value) * float(D_value)),
                ):
                    if not size <= _MOST:
                        raise ValueError(
                            f"{name} = {value:g} with D = {D_value} needs more than 2**53 "
                            f"{'patterns' if name == 'alpha_T' else 'features'}: lower {name} or D"
                        )
                _, N, P = grid.size(i, j, d)
                if P == 0:
                    raise ValueError(
                        f"alpha_T = {alpha_value:g} with D = {D_value} rounds to P = 0 patterns: "
                        "raise alpha_T or D"
                    )
                if N == 0:
                    raise ValueError(
                        f"overparam = {ratio:g} with P = {P} rounds to N = 0 features: "
                        "raise overparam, alpha_T or D"
                    )
    return grid
