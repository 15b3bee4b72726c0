"""Points at which single inputs of a model are replaced, and what that changes.

``flips`` inputs of each point are replaced. The inputs are dealt into strata of that size at random, and each
stratum has its own points, so that every input is replaced equally often and the spread between inputs is no
part of the error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from twinpeaks.measure.cross_fit import Replacements, Sums, Told
from twinpeaks.measure.evaluate import Measured
from twinpeaks.measure.laws import Draw, InputLaw
from twinpeaks.measure.models.base import Started
from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.random import DRAW_ROWS

__all__ = ["Stratum", "Visit", "deal", "replace", "visits"]

LEAST = 4  # points of a stratum, of which errors can be told
_NUMBERS = 2**19  # of changes alive at a time, 4 MiB
_ERRORS = 128  # degrees of freedom of an error, where points allow
_SUMS = 2**23  # of the jackknife


@dataclass(frozen=True)
class Stratum:
    """Inputs that are replaced at the same points.

    Attributes
    ----------
    inputs : ndarray of int of shape (m,)
    points : int
        At which each of them is replaced.
    """

    inputs: Index
    points: int


@dataclass(frozen=True)
class Visit:
    """Changes at some points of a stratum.

    Attributes
    ----------
    stratum, first : int
        Which, and how many of its points came before.
    change : list of ndarray of shape (rows, m, estimands, outputs)
        f(x) - f(x with an input replaced), of each view.
    moved : ndarray of shape (rows, m, width)
        Change of the columns of the input; 0 for padding.
    half : ndarray of shape (rows, m)
        Half the weight of the squared change.
    """

    stratum: int
    first: int
    change: list[Array]
    moved: Array
    half: Array


def deal(law: InputLaw, points: int, flips: int | None, rng: np.random.Generator) -> list[Stratum]:
    """Deal the inputs that vary into strata, and the points to them.

    Where there are too few points for four at each input, every point is a stratum of inputs drawn by
    itself.
    """
    varying = np.flatnonzero(np.trace(law.covariance, axis1=1, axis2=2) > 0)
    m = len(varying) if flips is None else min(flips, len(varying))
    if m == len(varying):
        return [Stratum(varying, points)]
    strata = -(-len(varying) // m)
    if points < LEAST * strata:
        return [Stratum(rng.choice(varying, m, replace=False), 1) for _ in range(points)]
    dealt = np.array_split(rng.permutation(varying), strata)
    return [Stratum(part, points // strata + (i < points % strata)) for i, part in enumerate(dealt)]


def visits(
    f: Measured, law: InputLaw, strata: list[Stratum], rng: np.random.Generator
) -> Iterator[Visit]:
    """Draw points, replace the inputs of their strata, and give the changes, stratum after stratum."""
    points = _Points(f, law, rng, sum(s.points for s in strata))
    for number, stratum in enumerate(strata):
        columns, padding = law.members[stratum.inputs], law.padding[stratum.inputs]
        first = 0
        while first < stratum.points:
            draw, started, rows = points.take(stratum.points - first, columns.size)
            values, weights = law.redraw(rng, draw, stratum.inputs)
            moved = draw.x[:, columns] - values
            moved[:, padding] = 0.0
            base = f.scaled(started.outputs[rows])
            new = f.replaced(started, rows, columns, values)
            change = [b[:, None] - c for b, c in zip(base, new, strict=True)]
            yield Visit(number, first, change, moved, 0.5 * weights)
            first += len(draw.x)


class _Points:
    """Points in blocks, each evaluated once."""

    def __init__(self, f: Measured, law: InputLaw, rng: np.random.Generator, total: int) -> None:
        self._f, self._law, self._rng, self._left = f, law, rng, total
        self._draw: Draw | None = None
        self._started: Started | None = None
        self._used = 0

    def take(self, most: int, columns: int) -> tuple[Draw, Started, slice]:
        """At most so many of the points of the present block, or of the next."""
        if self._draw is None or self._used == len(self._draw.x):
            rows = min(DRAW_ROWS, self._left)
            self._left -= rows
            self._draw, self._used = self._law.draw(self._rng, rows), 0
            self._started = self._f.model.start(self._draw.x)
        assert self._started is not None
        widest = columns * self._started.outputs.shape[1]
        rows = min(most, len(self._draw.x) - self._used, max(1, _NUMBERS // widest))
        part = slice(self._used, self._used + rows)
        self._used += rows
        return self._draw[part], self._started, part


def replace(
    f: Measured, law: InputLaw, strata: list[Stratum], rng: np.random.Generator
) -> list[Replacements]:
    """Replace inputs, and sum up what that tells of each view."""
    sampled = len(strata) > 1 and all(s.points == 1 for s in strata)
    varying = int(np.sum(np.trace(law.covariance, axis1=1, axis2=2) > 0))
    width = law.members.shape[1]
    told: list[list[Told]] = []
    sums: list[Sums] = []
    for visit in visits(f, law, strata, rng):
        stratum = strata[visit.stratum]
        if visit.first == 0:
            numbers = width * max(c[0].size for c in visit.change)
            groups = _groups(stratum, len(strata), numbers, width)
            shapes = [c.shape for c in visit.change]
            sums = [Sums.empty(stratum.points, groups, shape, width) for shape in shapes]
            told = told or [[] for _ in shapes]
        for one, change in zip(sums, visit.change, strict=True):
            one.add(visit.first, change, visit.moved, visit.half)
        if visit.first + len(visit.moved) == stratum.points:
            scale = varying / len(stratum.inputs) / len(strata) if sampled else 1.0
            covariance = law.covariance[stratum.inputs]
            for one, done in zip(sums, told, strict=True):
                done.append(one.told(stratum.inputs, covariance, scale))
    return [Replacements.of(law, done) for done in told]


def _groups(stratum: Stratum, strata: int, numbers: int, width: int) -> int:
    """Enough for an error of many degrees of freedom, but for the work of leaving out two of them."""
    wanted = max(8, -(-_ERRORS // strata))
    if width > 1:  # slopes then cost a matrix inverse each
        wanted = min(wanted, max(8, 64 // width))
    work = int((_SUMS / numbers) ** 0.5)
    return int(min(stratum.points, max(8, min(wanted, work))))
