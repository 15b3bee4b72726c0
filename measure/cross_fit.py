"""Slopes of the linear part of f from replacements, cross-fitted, and the influence that it leaves.

Let f = h + b.x. Then Inf h - Var h, which decides the mean dimension, is the same for every b, and b near
the linear part of f leaves little to be measured. The slopes come from the same replacements as the
influence, and so that they lend no independence they do not have, points are split into groups, and those
of group g are judged with slopes b_-g from all others. With w_i and d_i the weight and the change of input
k, D_i that of f, and sums over the points of a group

    A_g = sum w_i D_i^2 / 2 ,   B_g = sum w_i D_i d_i / 2 ,   C_g = sum w_i d_i^2 / 2 ,

    T = 1/v sum_g [A_g - 2 b_-g B_g + b_-g^2 C_g - v_g |b_-g - b|^2 Var x] ,   b = sum_g v_g / v b_-g ,

has the mean of Inf(f - b.x), over the replacements: the last term is what the slopes of the groups cost on
average beyond those of b, with which Var h is measured.

The error is that of the jackknife over groups in T - Var h. Products of the errors of slopes of two groups,
which enter T as -2 b.b does, the jackknife counts with twice their variance (Efron & Stein, The Annals of
Statistics 9, 1981, 586); one share is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.measure.laws import InputLaw
from twinpeaks.measure.moments import Estimate
from twinpeaks.theory.arrays import Array, Bools, Index

__all__ = ["Replacements", "Sums", "Told"]

_WORK = 2**18  # numbers of the jackknife alive at a time: 2 MiB


@dataclass(frozen=True)
class Told:
    """What the replacements of the inputs of one stratum tell of one view.

    Attributes
    ----------
    inputs : ndarray of int of shape (m,)
    plain, linear : ndarray of shape (estimands,)
        Inf f, and T.
    slopes : ndarray of shape (m, width, estimands, outputs)
        b.
    changes : ndarray of shape (groups, 2, estimands)
        Of plain and linear, with each group left out.
    slope_changes : ndarray of shape (groups, m, width, estimands, outputs)
        Of b.
    pairs : ndarray of shape (estimands,)
        Variance of the products of errors of two groups in T.
    """

    inputs: Index
    plain: Array
    linear: Array
    slopes: Array
    changes: Array
    slope_changes: Array
    pairs: Array


@dataclass(frozen=True)
class Replacements:
    """Sums of the influences over inputs for one view.

    Attributes
    ----------
    slopes : ndarray of shape (columns, estimands, outputs)
        b, the slopes taken out.
    strata : list of Told
    """

    slopes: Array
    strata: list[Told]

    @classmethod
    def of(cls, law: InputLaw, strata: list[Told]) -> Replacements:
        """Put the slopes of all strata together."""
        slopes = np.zeros((law.columns, *strata[0].slopes.shape[2:]))
        for told in strata:
            if len(told.changes) > 1:
                law.scatter(told.slopes, told.inputs, slopes)
        return cls(slopes, strata)

    def influence(self, law: InputLaw, towards: Array) -> Estimate:
        """Inf f and T, shape (estimands, 2), with the errors of Inf f and of T - Var h.

        Parameters
        ----------
        law : InputLaw
            Of the inputs.
        towards : ndarray of shape (columns, estimands, outputs)
            Cov(x, h), by which the slopes enter Var h.
        """
        value = np.sum([np.stack([t.plain, t.linear]) for t in self.strata], axis=0)
        if all(len(told.changes) == 1 for told in self.strata):  # strata of one point each
            single = np.stack([told.changes[0] for told in self.strata])
            return Estimate(
                value.T, np.sqrt(single.var(axis=0, ddof=1) / len(single)).T * len(single)
            )
        variance, pairs = np.zeros(value.shape), np.zeros(value.shape[1])
        for told in self.strata:
            covariance, there = law.covariance[told.inputs], law.gather(towards)[told.inputs]
            b, changes = told.slope_changes, told.changes.copy()
            cross = np.einsum("gkveo,kveo->ge", b, there)
            square = np.einsum("gkveo,kvw,gkweo->ge", b, covariance, b, optimize=True)
            changes[:, 1] += 2.0 * cross - square
            spread = np.sum((changes - changes.mean(0)) ** 2, axis=0)
            variance += (len(changes) - 1) / len(changes) * spread
            pairs += told.pairs
        variance[1] = np.maximum(variance[1] - pairs, 0.5 * variance[1])
        return Estimate(value.T, np.sqrt(variance).T)


@dataclass(frozen=True)
class Sums:
    """Sums over the points of each group of a stratum, for one view.

    Attributes
    ----------
    A : ndarray of shape (groups, m, estimands)
    B : ndarray of shape (groups, m, width, estimands, outputs)
    C : ndarray of shape (groups, m, width, width)
    counts : ndarray of int of shape (groups,)
        Points of each group.
    """

    A: Array
    B: Array
    C: Array
    counts: Index

    @classmethod
    def empty(cls, points: int, groups: int, shape: tuple[int, ...], width: int) -> Sums:
        """For changes of shape (rows, m, estimands, outputs)."""
        _, m, estimands, outputs = shape
        return cls(
            np.zeros((groups, m, estimands)),
            np.zeros((groups, m, width, estimands, outputs)),
            np.zeros((groups, m, width, width)),
            np.bincount(np.arange(points) * groups // points),
        )

    def add(self, first: int, change: Array, moved: Array, half: Array) -> None:
        """Add some points, the first of which is number ``first`` of its stratum.

        Parameters
        ----------
        first : int
        change : ndarray of shape (rows, m, estimands, outputs)
            D.
        moved : ndarray of shape (rows, m, width)
            d.
        half : ndarray of shape (rows, m)
            w / 2.
        """
        rows = np.arange(first, first + len(change))
        number = rows * len(self.counts) // self.counts.sum()
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        weighted = half[:, :, None, None] * change
        for at, end in zip(starts, [*starts[1:], len(rows)], strict=True):
            g, part = number[at], slice(at, end)
            d, w = moved[part], half[part]
            self.A[g] += np.einsum("rkeo,rkeo->ke", weighted[part], change[part])
            if d.shape[2] == 1:
                self.B[g, :, 0] += np.einsum("rk,rkeo->keo", d[:, :, 0], weighted[part])
                self.C[g, :, 0, 0] += np.einsum("rk,rk,rk->k", w, d[:, :, 0], d[:, :, 0])
            else:
                self.B[g] += np.einsum("rkw,rkeo->kweo", d, weighted[part], optimize=True)
                self.C[g] += np.einsum("rk,rkv,rkw->kvw", w, d, d, optimize=True)

    def told(self, inputs: Index, covariance: Array, scale: float) -> Told:
        """What all points of the stratum tell, times ``scale``.

        Parameters
        ----------
        inputs : ndarray of int of shape (m,)
        covariance : ndarray of shape (m, width, width)
            Of their columns.
        scale : float
            How many such strata the inputs of the law would fill, over how many there are; 1 unless a stratum
            is one point.
        """
        A, counts = scale * self.A.sum(1), self.counts
        plain, zero = A.sum(0) / counts.sum(), np.zeros(A.shape[1])
        one = np.stack([plain, plain])
        if len(counts) < 2:
            none = np.zeros_like(self.B)
            return Told(inputs, plain, plain, none[0], one[None], none, zero)
        without = (A.sum(0) - A) / (counts.sum() - counts)[:, None] - plain
        if len(counts) < 3:  # none left to fit slopes to with two left out
            none = np.zeros_like(self.B)
            return Told(inputs, plain, plain, none[0], np.stack([without, without], 1), none, zero)
        everyone = np.ones((1, len(counts)), dtype=bool)
        (linear,), (slopes,) = _crossed(A, self, covariance, everyone)
        work = max(1, _WORK // (len(counts) * self.B[0].size))
        left_out = np.split(~np.eye(len(counts), dtype=bool), range(work, len(counts), work))
        crossed = [_crossed(A, self, covariance, kept) for kept in left_out]
        changes = np.concatenate([T for T, _ in crossed]) - linear
        slope_changes = np.concatenate([b for _, b in crossed]) - slopes
        both = np.stack([without, changes], axis=1)
        pairs = _pairs(self, slopes, covariance)
        return Told(inputs, plain, linear, slopes, both, slope_changes, pairs)


def _crossed(A: Array, sums: Sums, covariance: Array, kept: Bools) -> tuple[Array, Array]:
    """T, shape (sets, estimands), and b, shape (sets, m, width, estimands, outputs), for sets of groups.

    ``kept`` has the shape (sets, groups). Of a group that is left out, its own slopes have no weight.
    """
    share = kept * sums.counts
    total = share.sum(1)
    part = share / total[:, None]
    B, C = (np.tensordot(kept, x, 1)[:, None] - x for x in (sums.B, sums.C))
    slopes = _slopes(B, C, total[:, None] - sums.counts, covariance)
    mean = np.einsum("sg,sgkweo->skweo", part, slopes)
    off = slopes - mean[:, None]
    if slopes.shape[3] == 1:
        b, off = slopes[:, :, :, 0], off[:, :, :, 0]
        cross = np.einsum("sgkeo,gkeo->sge", b, sums.B[:, :, 0])
        own = np.einsum("sgkeo,sgkeo,gk->sge", b, b, sums.C[:, :, 0, 0])
        apart = np.einsum("sgkeo,sgkeo,k->sge", off, off, covariance[:, 0, 0])
    else:
        cross = np.einsum("sgkweo,gkweo->sge", slopes, sums.B)
        own = np.einsum("sgkveo,gkvw,sgkweo->sge", slopes, sums.C, slopes, optimize=True)
        apart = np.einsum("sgkveo,kvw,sgkweo->sge", off, covariance, off, optimize=True)
    told = A - 2.0 * cross + own
    T = np.einsum("sg,sge->se", kept, told) / total[:, None] - np.einsum("sg,sge->se", part, apart)
    return T, mean


def _slopes(B: Array, C: Array, counts: Index, covariance: Array) -> Array:
    """Least squares, held back where the inputs moved too little to tell.

    C has the mean ``counts * covariance``. Where it is less than half of that for a single column, or where
    there are fewer than four points for each of several columns, slopes shrink.
    """
    expected = counts[..., None, None, None] * covariance
    if C.shape[-1] == 1:
        return np.asarray(B / np.maximum(C, 0.5 * expected)[..., None])
    width = C.shape[-1]
    few = counts < 4 * width
    prior = np.where(few, width / np.maximum(counts, 1), 0.0)[..., None, None, None]
    inverse = np.linalg.pinv(C + prior * expected, rcond=1e-10, hermitian=True)
    return np.asarray(np.einsum("sgkvw,sgkweo->sgkveo", inverse, B, optimize=True))


def _pairs(sums: Sums, slopes: Array, covariance: Array) -> Array:
    """Variance of -2 times the mean over pairs of groups of (b_g - b).(b_h - b), for single columns."""
    if slopes.shape[1] > 1:
        return np.zeros(slopes.shape[2])
    apart = sums.B[:, :, 0] - slopes[:, 0] * sums.C[:, :, 0, 0, None, None]
    apart /= sums.counts[:, None, None, None] * np.sqrt(covariance[:, 0, 0])[:, None, None]
    products = np.einsum("gkeo,hkeo->egh", apart, apart, optimize=True)
    groups = len(apart)
    squares = np.sum(products**2, axis=(1, 2)) - np.einsum("egg,egg->e", products, products)
    return np.asarray(8.0 * squares / (groups * (groups - 1.0)) ** 2)
