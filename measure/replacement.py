"""What replacing inputs changes: influences, summed over inputs, with the linear part of f taken out.

Let f = h + b.x. Then Inf h - Var h, which decides the mean dimension, is the same for every b, and b near
the linear part of f leaves little to be measured. The slopes come from the same replacements, and so that they
lend no independence they do not have, they are cross-fitted: the points are split into groups, and those of group
g are judged with slopes b_-g from all others. With w_i and d_i the weight and the change of input k, D_i
that of f, and sums over the points of a group

    A_g = sum w_i D_i^2 / 2 ,   B_g = sum w_i D_i d_i / 2 ,   C_g = sum w_i d_i^2 / 2 ,

    T = 1/v sum_g [A_g - 2 b_-g B_g + b_-g^2 C_g] - sum_g v_g / v |b_-g - b|^2 Var x ,   b = sum_g v_g / v b_-g ,

has the mean of Inf(f - b.x), over the replacements: the last term is what the slopes of the groups cost on
average beyond those of b, with which Var h is measured. The error is that of the jackknife over groups
in T - Var h. It counts the products of errors of slopes of two groups, which enter T twice.

``flips`` inputs of each point are replaced. The inputs are dealt into strata of that size at random, and
each stratum has its own points, so that every input is replaced equally often and the spread between inputs is
no part of the error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from twinpeaks.measure.evaluate import Measured
from twinpeaks.measure.laws import Draw, InputLaw
from twinpeaks.measure.models.base import Started
from twinpeaks.measure.moments import Estimate
from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.random import DRAW_ROWS

__all__ = ["Replacements", "Stratum", "deal", "replace", "visits"]

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

    Where there are too few points for two at each input, every point is a stratum of inputs drawn by
    itself.
    """
    varying = np.flatnonzero(np.trace(law.covariance, axis1=1, axis2=2) > 0)
    m = len(varying) if flips is None else min(flips, len(varying))
    if m == len(varying):
        return [Stratum(varying, points)]
    strata = -(-len(varying) // m)
    if points < 2 * strata:
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


@dataclass
class _Sums:
    """A, B and C of the groups of a stratum, for one view."""

    A: Array
    B: Array
    C: Array


@dataclass(frozen=True)
class Replacements:
    """Sums of the influences over inputs for one view, and the slopes taken out.

    Attributes
    ----------
    slopes : ndarray of shape (columns, estimands, outputs)
    plain, linear : ndarray of shape (estimands,)
        Inf f, and T.
    parts : list
        Of each stratum: inputs, and with each group left out the change of plain, T and slopes.
    """

    slopes: Array
    plain: Array
    linear: Array
    parts: list[tuple[Index, Array, Array, Array]] = field(repr=False)

    def influence(self, law: InputLaw, towards: Array) -> Estimate:
        """Inf f and T, shape (estimands, 2), with the errors of Inf f and of T - Var h.

        Parameters
        ----------
        law : InputLaw
            Of the inputs.
        towards : ndarray of shape (columns, estimands, outputs)
            Cov(x, h), by which the slopes enter Var h.
        """
        variance = np.zeros((*self.plain.shape, 2))
        for inputs, plain, linear, slopes in self.parts:
            covariance, there = law.covariance[inputs], law.gather(towards)[inputs]
            cross = np.einsum("gkv...o,kv...o->g...", slopes, there)
            square = np.einsum("gkv...o,kvw,gkw...o->g...", slopes, covariance, slopes, optimize=True)
            for place, change in enumerate((plain, linear + 2.0 * cross - square)):
                spread = np.sum((change - change.mean(0)) ** 2, axis=0)
                variance[..., place] += (len(change) - 1) / len(change) * spread
        if all(len(part[1]) == 1 for part in self.parts):  # strata of one point each
            single = np.stack([part[1][0] for part in self.parts])
            variance[:] = (single.var(axis=0, ddof=1) / len(single))[:, None]
        return Estimate(np.stack([self.plain, self.linear], axis=-1), np.sqrt(variance))


def replace(
    f: Measured, law: InputLaw, strata: list[Stratum], rng: np.random.Generator
) -> list[Replacements]:
    """Replace inputs, and sum up what that tells of each view."""
    found: list[list[tuple[Index, tuple[Array, ...]]]] = []
    sums: list[_Sums] = []
    sampled = len(strata) > 1 and all(s.points == 1 for s in strata)
    varying = int(np.sum(np.trace(law.covariance, axis1=1, axis2=2) > 0))
    shapes: list[tuple[int, ...]] = []
    for visit in visits(f, law, strata, rng):
        stratum = strata[visit.stratum]
        groups = _groups(stratum, len(strata), [c[0].size * law.members.shape[1] for c in visit.change])
        if visit.first == 0:
            sums = [_zeros(groups, c, visit.moved) for c in visit.change]
            found = found or [[] for _ in visit.change]
            shapes = [c.shape[2:] for c in visit.change]
        for one, change in zip(sums, visit.change, strict=True):
            _add(one, visit, change, stratum.points, groups)
        if visit.first + len(visit.moved) == stratum.points:
            counts = np.bincount(_group(np.arange(stratum.points), stratum.points, groups))
            scale = varying / len(stratum.inputs) / len(strata) if sampled else 1.0
            for one, done in zip(sums, found, strict=True):
                covariance = law.covariance[stratum.inputs]
                done.append((stratum.inputs, _judge(one, counts, covariance, scale)))
    return [_gathered(law, done, shape) for done, shape in zip(found, shapes, strict=True)]


def _groups(stratum: Stratum, strata: int, numbers: list[int]) -> int:
    """Enough for an error of many degrees of freedom, but for the work of leaving out two of them."""
    wanted = max(8, -(-_ERRORS // strata))
    work = int((_SUMS / max(numbers)) ** 0.5)
    return int(min(stratum.points, max(8, min(wanted, work))))


def _group(row: Index, points: int, groups: int) -> Index:
    return row * groups // points


def _zeros(groups: int, change: Array, moved: Array) -> _Sums:
    _, m, estimands, outputs = change.shape
    width = moved.shape[2]
    return _Sums(
        np.zeros((groups, m, estimands)),
        np.zeros((groups, m, width, estimands, outputs)),
        np.zeros((groups, m, width, width)),
    )


def _add(sums: _Sums, visit: Visit, change: Array, points: int, groups: int) -> None:
    rows = np.arange(visit.first, visit.first + len(change))
    number = _group(rows, points, groups)
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    weighted = visit.half[:, :, None, None] * change
    for at, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        g, part = number[at], slice(at, end)
        moved, half = visit.moved[part], visit.half[part]
        sums.A[g] += np.einsum("rkeo,rkeo->ke", weighted[part], change[part])
        if moved.shape[2] == 1:
            sums.B[g, :, 0] += np.einsum("rk,rkeo->keo", moved[:, :, 0], weighted[part])
            sums.C[g, :, 0, 0] += np.einsum("rk,rk,rk->k", half, moved[:, :, 0], moved[:, :, 0])
        else:
            sums.B[g] += np.einsum("rkw,rkeo->kweo", moved, weighted[part], optimize=True)
            sums.C[g] += np.einsum("rk,rkv,rkw->kvw", half, moved, moved, optimize=True)


def _judge(sums: _Sums, counts: Index, covariance: Array, scale: float) -> tuple[Array, ...]:
    """Inf f, T and slopes of a stratum, and their changes with each group left out."""
    A = scale * sums.A.sum(1)
    everyone = np.ones(len(counts), dtype=bool)
    plain = A.sum(0) / counts.sum()
    if len(counts) < 2:  # one point: its share of the whole is all that it can tell
        nothing = np.zeros((1, *sums.B.shape[1:]))
        return plain, plain, nothing[0], plain[None], plain[None], nothing
    without = np.stack([(A.sum(0) - a) / (counts.sum() - c) for a, c in zip(A, counts, strict=True)])
    if len(counts) < 3:
        nothing = np.zeros((len(counts), *sums.B.shape[1:]))
        return plain, plain, nothing[0], without - plain, without - plain, nothing
    whole, slopes = _crossed(A, sums, counts, covariance, everyone)
    changes, other_slopes = [], []
    for g in range(len(counts)):
        kept = everyone.copy()
        kept[g] = False
        T, b = _crossed(A, sums, counts, covariance, kept)
        changes.append(T - whole)
        other_slopes.append(b - slopes)
    return plain, whole, slopes, without - plain, np.stack(changes), np.stack(other_slopes)


def _crossed(
    A: Array, sums: _Sums, counts: Index, covariance: Array, kept: Index
) -> tuple[Array, Array]:
    """T, shape (estimands,), and b, shape (m, width, estimands, outputs), from some of the groups."""
    B, C, share = sums.B[kept], sums.C[kept], counts[kept]
    total = share.sum()
    slopes = _slopes(B.sum(0) - B, C.sum(0) - C, total - share, covariance)
    mean = np.einsum("g,gkweo->kweo", share / total, slopes)
    cross = np.einsum("gkweo,gkweo->e", slopes, B)
    if slopes.shape[2] == 1:
        own = np.einsum("gkeo,gk->e", slopes[:, :, 0] ** 2, C[:, :, 0, 0])
        apart = np.einsum("g,gkeo,k->e", share / total, (slopes - mean)[:, :, 0] ** 2, covariance[:, 0, 0])
    else:
        own = np.einsum("gkveo,gkvw,gkweo->e", slopes, C, slopes, optimize=True)
        off = slopes - mean
        apart = np.einsum(
            "g,gkveo,kvw,gkweo->e", share / total, off, covariance, off, optimize=True
        )
    return (A[kept].sum(0) - 2.0 * cross + own) / total - apart, mean


def _slopes(B: Array, C: Array, counts: Index, covariance: Array) -> Array:
    """Least squares, held back where the inputs moved too little to tell.

    C has the mean ``counts * covariance``. Where it is less than half of that for a single column, or where
    there are fewer than four points for each of several columns, slopes shrink.
    """
    expected = counts[:, None, None, None] * covariance
    if C.shape[-1] == 1:
        return np.asarray(B / np.maximum(C, 0.5 * expected)[..., None])
    width = C.shape[-1]
    prior = np.where(counts < 4 * width, width / np.maximum(counts, 1), 0.0)[:, None, None, None]
    inverse = np.linalg.pinv(C + prior * expected, rcond=1e-10, hermitian=True)
    return np.asarray(np.einsum("gkvw,gkweo->gkveo", inverse, B, optimize=True))


def _gathered(
    law: InputLaw, done: list[tuple[Index, tuple[Array, ...]]], shape: tuple[int, ...]
) -> Replacements:
    slopes = np.zeros((law.columns, *shape))
    plain, linear = np.zeros(shape[0]), np.zeros(shape[0])
    parts = []
    for inputs, (one, other, own, *changes) in done:
        plain, linear = plain + one, linear + other
        if len(changes[0]) > 1:
            law.scatter(own, inputs, slopes)
        parts.append((inputs, changes[0], changes[1], changes[2]))
    return Replacements(slopes, plain, linear, parts)
