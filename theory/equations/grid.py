"""A product grid solved coarse to fine.

Every second point is solved first, recursively; the points between start from a cubic spline of ln V,
ln Q, ln a through them. On a smooth curve the last level then needs one Newton step a point.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy.interpolate import make_interp_spline

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.equations.saddle_point import (
    Equations,
    Solution,
    Tolerances,
    cool,
    follow,
    newton,
    relax,
)
from twinpeaks.theory.errors import Status

__all__ = ["solve_grid"]

_COARSEST = 12  # points per axis that are solved without a neighbour


def solve_grid(
    equations: Equations,
    axes: Sequence[Array],
    tol: Tolerances,
    progress: Callable[[int, int], None] | None = None,
) -> Solution:
    """Solve the outer product of increasing coordinates, one for each dimension.

    Parameters
    ----------
    equations : Equations
        Points in C order of the product of ``axes``.
    axes : sequence of ndarray
        Strictly increasing coordinates in which the solution is smooth (logarithms).
    tol : Tolerances
    progress : callable, optional
        Called with (points done, points in all) after the first point, the next two, the next four
        and so on of each level.

    Returns
    -------
    Solution
    """
    axes = axes or [np.zeros(1)]
    shape = tuple(a.size for a in axes)
    total = int(np.prod(shape))
    number = np.arange(total).reshape(shape)
    out = Solution.blank(total)
    solved = np.zeros(total, bool)
    levels = max(0, int(np.ceil(np.log2(max(max(shape) / _COARSEST, 1.0)))))
    coarse: list[Index] | None = None
    for level in range(levels, -1, -1):
        chosen = [_every(n, 2**level) for n in shape]
        here = number[np.ix_(*chosen)]
        new = here[~solved[here]]
        guess = None
        if coarse is not None:
            known = out.u[number[np.ix_(*coarse)]]
            guess = _interpolate(axes, coarse, chosen, known).reshape(-1, 3)
            guess = guess[~solved[here].ravel()]
        for part in _parts(new.size, growing=progress is not None):
            index = new[part]
            if guess is not None:
                out.put(index, newton(equations.take(index), guess[part], tol))
            _rescue(equations, index, out, tol)
            solved[index] = True
            if progress is not None:
                progress(int(solved.sum()), total)
        coarse = chosen
    return out


def _parts(size: int, growing: bool) -> list[slice]:
    """All at once, or 1, 2, 4, ...: the first point done tells what the rest will take."""
    if not growing:
        return [slice(None)]
    edges = [*(2**k - 1 for k in range(size.bit_length())), size]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if b > a]


def _rescue(equations: Equations, new: Index, out: Solution, tol: Tolerances) -> None:
    """Cold Newton, relaxed Newton, a path from where it is easy: each for what is left."""
    # A path in lam needs a solution that is unique and smooth in it, which convexity gives.
    path = follow if equations.problem.loss.convex else cool
    attempts: tuple[Callable[[Equations], Solution], ...] = (
        lambda part: newton(part, part.weak_student(), tol),
        lambda part: relax(part, part.weak_student(), tol),
        lambda part: path(part, tol),
    )
    for attempt in attempts:
        left = new[~out.converged[new] & (out.evaluations[new] < tol.max_steps)]
        if left.size:
            out.put(left, attempt(equations.take(left)))
    spent = new[~out.converged[new] & (out.evaluations[new] >= tol.max_steps)]
    out.status[spent] = Status.MAX_STEPS


def _every(n: int, stride: int) -> Index:
    """Indices 0, stride, 2 stride, ... and the last."""
    return np.union1d(np.arange(0, n, stride), [n - 1])


def _interpolate(
    axes: Sequence[Array],
    coarse: Sequence[Index],
    fine: Sequence[Index],
    known: Array,
) -> Array:
    """Tensor-product spline from the coarse sub-grid to the fine one; failures are bridged."""
    values = _bridge(known)
    for k, x in enumerate(axes):
        if coarse[k].size > 1:
            order = min(3, coarse[k].size - 1)
            spline = make_interp_spline(x[coarse[k]], values, k=order, axis=k)
            values = spline(x[fine[k]])
    return np.asarray(values)


def _bridge(known: Array) -> Array:
    """Replace rows that are not finite by the mean of the others: a guess, not a result."""
    flat = known.reshape(-1, known.shape[-1])
    bad = ~np.all(np.isfinite(flat), axis=1)
    if np.any(bad) and not np.all(bad):
        flat = flat.copy()
        flat[bad] = flat[~bad].mean(axis=0)
    return np.nan_to_num(flat).reshape(known.shape)
