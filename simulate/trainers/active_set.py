"""The hinge minimum to rounding, from which patterns lie on the margin.

At the minimum of lam |w|^2 / 2 + sum_mu max(1 - A_mu w, 0) the patterns fall into three sets: F on the
margin (A w = 1, 0 <= a <= 1), U below it (a = 1) and Z above it (a = 0), and lam w = A^T a. Given the
sets, w and a_F solve a linear system, and are the minimum if and only if they satisfy the inequalities
of all three sets. An interior-point method tells the sets long before its duality gap stops falling.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Exact", "polish"]

_EPS = 2.0**-52


class Exact(NamedTuple):
    """A minimum whose every condition holds to the accuracy of float64.

    Attributes
    ----------
    w : Tensor of shape (N,)
        Weights.
    distance : Tensor
        Estimate of |w - w_min|: a bound, had its own evaluation the usual rounding at most.
    a, s : Tensor of shape (P,)
        Multipliers and margins: where to start at a neighbouring lam.
    """

    w: Tensor
    distance: Tensor
    a: Tensor
    s: Tensor


class _Sets(NamedTuple):
    """Indicators of F and U, each of shape (P,); Z is the rest."""

    on: Tensor
    below: Tensor


class _Reduced(NamedTuple):
    """The solution on given sets, with A_F^T = Q R."""

    v: Tensor
    a: Tensor
    Q: Tensor
    R: Tensor


def polish(
    A: Tensor, X: Tensor, basis: Tensor | None, lam: float, a: Tensor, s: Tensor, changes: int = 40
) -> Exact | None:
    """Guess the sets, correct them by the inequalities they violate, and check every condition.

    Parameters
    ----------
    A : Tensor of shape (P, k)
        Design times labels in the reduced coordinates v, w = B v.
    X : Tensor of shape (P, N)
        Design times labels; A itself where N <= P.
    basis : Tensor of shape (N, k) or None
        B.
    lam : float
        Penalty, > 0.
    a : Tensor of shape (P,)
        Multipliers near the minimum.
    s : Tensor of shape (P,)
        Margins near the minimum.
    changes : int
        Corrections of the sets to try.

    Returns
    -------
    Exact or None
        None where the sets do not settle, or where rounding does not let them be told.
    """
    sets = _Sets((s - 1.0 < a) & (1.0 - s < 1.0 - a), s <= a)
    for _ in range(changes):
        sets = _at_most(sets, A.shape[1], a * (1.0 - a))
        solved = _solve(A, sets, lam)
        if solved is None:
            return None
        s = A @ solved.v
        new = _corrected(sets, solved.a, s)
        if all(bool((x == y).all()) for x, y in zip(new, sets, strict=True)):
            w = solved.v if basis is None else basis @ solved.v
            return _certified(X, sets, lam, w, solved)
        sets, a = new, solved.a
    return None


def _at_most(sets: _Sets, k: int, interior: Tensor) -> _Sets:
    """Keep the k patterns on the margin that are deepest in 0 < a < 1: more are dependent."""
    if int(sets.on.sum()) <= k:
        return sets
    order = torch.where(sets.on, interior, -torch.inf).topk(k).indices
    on = torch.zeros_like(sets.on)
    on[order] = True
    return sets._replace(on=on)


def _corrected(sets: _Sets, a: Tensor, s: Tensor) -> _Sets:
    """Move every pattern whose inequality is violated."""
    rises, falls = sets.on & (a > 1.0), sets.on & (a < 0.0)
    off = ~sets.on
    crosses = off & torch.where(sets.below, s > 1.0, s < 1.0)
    return _Sets((sets.on & ~rises & ~falls) | crosses, (sets.below & ~crosses & off) | rises)


def _solve(A: Tensor, sets: _Sets, lam: float) -> _Reduced | None:
    """Weights and multipliers on given sets: A_F w = 1 and lam w = A_F^T a_F + A_U^T 1."""
    pull = A[sets.below].sum(0)
    rows = A[sets.on]
    Q, R = torch.linalg.qr(rows.T)
    if len(rows) and not bool(
        (R.diagonal().abs() > _EPS * len(A) * R.diagonal().abs().max()).all()
    ):
        return None
    inside = _upper(R.T, rows.new_ones(len(rows)), upper=False)
    v = Q @ inside
    # what v has outside the span of A_F; there is no outside when F fills the space
    if len(rows) < A.shape[1]:
        outside = pull - Q @ (Q.T @ pull)
        v = v + (outside - Q @ (Q.T @ outside)) / lam
    v = v + Q @ _upper(R.T, 1.0 - rows @ v, upper=False)
    a = sets.below.to(A.dtype)
    a[sets.on] = _upper(R, Q.T @ (lam * v - pull), upper=True)
    return _Reduced(v, a, Q, R)


def _upper(T: Tensor, b: Tensor, *, upper: bool) -> Tensor:
    out: Tensor = torch.linalg.solve_triangular(T, b[:, None], upper=upper)[:, 0]
    return out


def _certified(X: Tensor, sets: _Sets, lam: float, w: Tensor, solved: _Reduced) -> Exact | None:
    """Bound the distance to the exact solution on these sets, and ask whether that is the minimum.

    With A_F w = 1 + delta and lam w = A^T a + e, the exact (w', a') on the same sets has

        |w - w'|^2 <= (|delta| / sigma)^2 + (|e| / lam)^2,   |a - a'| <= (lam |w - w'| + |e|) / sigma

    with sigma the smallest singular value of A_F, bounded below by 1 / |R^{-1}|_F with R as computed;
    where F fills the space, e does not move w. Both residuals are raised by the usual rounding of their
    own evaluation, one unit where the worst order of summation makes P or N: an estimate, no proof.
    If every inequality holds by more than these, (w', a') satisfies all conditions of the minimum.
    """
    s, a = X @ w, solved.a
    rows, count = torch.linalg.vector_norm(X, dim=1), int(sets.on.sum())
    size = torch.linalg.vector_norm(w)
    delta = torch.linalg.vector_norm((s - 1.0)[sets.on]) + _EPS * size * torch.linalg.vector_norm(
        rows[sets.on]
    )
    e = torch.linalg.vector_norm(lam * w - X.T @ a)
    e = e + _EPS * (lam * size + torch.linalg.vector_norm(rows) * torch.linalg.vector_norm(a))
    one = torch.eye(count, dtype=X.dtype, device=X.device)
    stretch = torch.linalg.vector_norm(torch.linalg.solve_triangular(solved.R, one, upper=True))
    full = count == X.shape[1] or count == solved.Q.shape[0]
    distance = torch.hypot(delta * stretch, torch.zeros_like(e) if full else e / lam)
    slack_a, slack_s = (lam * distance + e) * stretch, rows * distance
    inside = (a >= slack_a) & (a <= 1.0 - slack_a)
    holds = torch.where(
        sets.on, inside, torch.where(sets.below, s <= 1.0 - slack_s, s >= 1.0 + slack_s)
    )
    return Exact(w, distance, a, s) if bool(holds.all()) else None
