"""Exact minimisation of sum_mu l(y_mu, X_mu w) + lam |w|^2 / 2 for an axis of lam.

With X of shape (P, N) only k = min(N, P) dimensions matter. The ridge path diagonalises the smaller
Gram matrix once for all lam. Any other loss works on X itself when N <= P, and on the triangular
factor of X^T = B R when N > P (w = B v, X w = R^T v): QR is backward stable for a rank-deficient X,
where the eigenbasis of X X^T would divide by singular values that are rounding. There, smooth losses
take damped Newton steps, and the hinge a primal-dual interior-point method.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theory.losses.base import Loss
from theory.losses.hinge import Hinge

__all__ = ["Fit", "Status", "check_loss", "train"]

_MAX_STEPS = 200
_REFINEMENTS = 2
_ARMIJO = 1e-4
_SMALLEST_STEP = 1e-12
_SMALLEST_FLOOR_STEP = 1e-3
# Below this relative decrease the rounding of the objective hides the Armijo test.
_OBJECTIVE_FLOOR = 1e-9
_MAX_HINGE_STEPS = 100
_HINGE_PATIENCE = 3
_CHOLESKY_SHIFT = 1e-14
_MARGIN_ROUNDING = 1e-8
_HINGE_STEP = 0.995  # share of the way to the boundary, so that no variable reaches 0


class Status(IntEnum):
    """What became of one training."""

    CONVERGED = 0  # the error bound on w is below the tolerance
    INACCURATE = 1  # finite, and the error bound is above the tolerance: raise lam
    NONFINITE = 2  # weights or gradient are not finite


@dataclass(frozen=True)
class Fit:
    """Minimisers for every lam.

    Attributes
    ----------
    weights : Tensor of shape (N, n_lam)
        Minimisers; 0 where the status is not CONVERGED.
    optimality : ndarray of shape (n_lam,)
        Bound on |w - w*| / |w| in the original variables, as the objective is lam-strongly convex:
        |gradient| / (lam |w|), or sqrt(2 gap / lam) / |w| with the duality gap of the hinge loss.
    status : ndarray of int8, shape (n_lam,)
        Members of Status.
    """

    weights: Tensor
    optimality: NDArray[np.float64]
    status: NDArray[np.int8]


def check_loss(loss: Loss) -> None:
    """Refuse a loss whose minimum is not found to a guaranteed accuracy.

    Raises
    ------
    ValueError
        Unless the loss is convex, and smooth or the hinge loss.
    """
    supported = "simulation supports smooth convex losses and Hinge"
    if not loss.convex:
        raise ValueError(f"loss = {loss!r} is not convex: {supported}")
    constraint = loss.quadratic is not None and not loss.quadratic > 0
    if constraint or (len(loss.kinks(1.0)) > 0 and type(loss) is not Hinge):
        raise ValueError(f"loss = {loss!r} is not smooth: {supported}")


def train(
    loss: Loss, X: Tensor, y: Tensor, lam: NDArray[np.float64], tolerance: float = 1e-6
) -> Fit:
    """Minimise to rounding for every lam.

    Parameters
    ----------
    loss : Loss
        Convex; differentiable in the output, or the hinge loss.
    X : Tensor of shape (P, N)
        Design.
    y : Tensor of shape (P,)
        Labels.
    lam : ndarray of shape (n_lam,)
        Ridge penalties, > 0, in any order.
    tolerance : float
        Largest optimality that counts as converged.

    Raises
    ------
    ValueError
        For a loss that ``check_loss`` refuses.
    """
    check_loss(loss)
    penalties = torch.as_tensor(lam, dtype=torch.float64, device=X.device)
    if not bool(torch.isfinite(X).all()):  # eigh would raise, and one draw must not end a sweep
        lost = np.full(len(lam), np.nan), np.full(len(lam), Status.NONFINITE, dtype=np.int8)
        return Fit(X.new_zeros(X.shape[1], len(lam)), *lost)
    if type(loss) is Hinge:
        W, missed = _hinge_path(X, y, penalties)
    else:
        if loss.quadratic is not None:
            W = _ridge(X, y, penalties * loss.quadratic)
        else:
            W = _newton_path(loss, X, y, lam)
        gradient = X.T @ loss.slope(y[:, None], X @ W) + penalties * W
        missed = torch.linalg.vector_norm(gradient, dim=0) / penalties
    distance, size = (a.cpu().numpy() for a in (missed, torch.linalg.vector_norm(W, dim=0)))
    finite = np.isfinite(distance) & np.isfinite(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        optimality = np.where(distance == 0.0, 0.0, distance / size)
    status = np.where(optimality <= tolerance, Status.CONVERGED, Status.INACCURATE)
    status = np.where(finite, status, Status.NONFINITE).astype(np.int8)
    W[:, torch.as_tensor(status != Status.CONVERGED, device=X.device)] = 0.0
    return Fit(W, optimality, status)


def _ridge(X: Tensor, y: Tensor, lam: Tensor) -> Tensor:
    """Solve in the eigenbasis of the smaller Gram matrix, then refine.

    A refinement is a Newton step on the gradient in the original variables. The first removes what
    the rounding of the Gram matrix left: an optimality of 0.5 when N > P, lam = 1e-7 and X X^T is
    singular (linear features). What remains is below that of a QR of X^T; the second is for
    smaller lam.
    """
    P, N = X.shape
    primal = N <= P
    e, U = torch.linalg.eigh(X.T @ X if primal else X @ X.T)
    filters = 1.0 / (e.clamp_(min=0.0)[:, None] + lam)

    def solve(b: Tensor) -> Tensor:
        out: Tensor = U @ (filters * (U.T @ b))
        return out

    def inverse_hessian(g: Tensor) -> Tensor:
        # (X^T X + lam)^{-1} = (1 - X^T (X X^T + lam)^{-1} X) / lam when X X^T is what we hold
        return solve(g) if primal else (g - X.T @ solve(X @ g)) / lam

    W = solve((X.T @ y)[:, None]) if primal else X.T @ solve(y[:, None])
    for _ in range(_REFINEMENTS):
        W = W - inverse_hessian(X.T @ (X @ W - y[:, None]) + lam * W)
    return W


def _reduce(X: Tensor) -> tuple[Tensor | None, Tensor]:
    """(B, C) with w = B v and X w = C v; B is None where w = v."""
    P, N = X.shape
    if N <= P:
        return None, X
    basis, R = torch.linalg.qr(X.T)
    return basis, R.T.contiguous()


def _newton_path(loss: Loss, X: Tensor, y: Tensor, lam: NDArray[np.float64]) -> Tensor:
    """Newton from the largest lam down, each from the minimiser before."""
    basis, C = _reduce(X)
    V = X.new_zeros(C.shape[1], len(lam))
    v = V[:, 0].clone()
    # a trial step may overflow the loss; the infinite objective is then turned down
    with np.errstate(over="ignore", invalid="ignore"):
        for index in np.argsort(-lam, kind="stable"):
            v = _newton(loss, C, y, float(lam[index]), v)
            V[:, index] = v
    return V if basis is None else basis @ V


def _newton(loss: Loss, C: Tensor, y: Tensor, lam: float, v: Tensor) -> Tensor:
    """Minimise sum_mu l(y_mu, C_mu v) + lam |v|^2 / 2 to the rounding floor of its gradient.

    The curvature need not be continuous. Where the objective can still tell, a step has to pass the
    Armijo test; below, it has to shorten the gradient, which a small enough Newton step does wherever
    the curvature is constant nearby.
    """

    def objective(v: Tensor, t: Tensor) -> float:
        return float(loss.value(y, t).sum() + 0.5 * lam * (v @ v))

    def gradient(v: Tensor, t: Tensor) -> tuple[Tensor, float]:
        g = C.T @ loss.slope(y, t) + lam * v
        return g, float(torch.linalg.vector_norm(g))

    t = C @ v
    energy = objective(v, t)
    g, norm = gradient(v, t)
    for _ in range(_MAX_STEPS):
        if norm == 0.0:
            break
        hessian = C.T @ (C * loss.curvature(y, t)[:, None])
        hessian.diagonal().add_(lam)
        factor, info = torch.linalg.cholesky_ex(hessian)
        if int(info) != 0:
            break  # the optimality of what we hold decides the status
        step = -torch.cholesky_solve(g[:, None], factor)[:, 0]
        decrease = -float(g @ step)
        size = 1.0
        if not decrease > _OBJECTIVE_FLOOR * abs(energy):
            while size > _SMALLEST_FLOOR_STEP:
                v_new = v + size * step
                t_new = C @ v_new
                g_new, norm_new = gradient(v_new, t_new)
                if norm_new < norm:
                    break
                size *= 0.5
            else:
                break
            floor = norm_new > 0.5 * norm and size == 1.0
            v, t, g, norm = v_new, t_new, g_new, norm_new
            energy = objective(v, t)
            if floor:
                break
            continue
        dt = C @ step
        while size > _SMALLEST_STEP:
            trial = objective(v + size * step, t + size * dt)
            if trial <= energy - _ARMIJO * size * decrease:
                break
            size *= 0.5
        else:
            break
        v = v + size * step
        t = C @ v  # afresh: t + size dt would accumulate rounding
        energy = objective(v, t)
        g, norm = gradient(v, t)
    return v


def _hinge_path(X: Tensor, y: Tensor, lam: Tensor) -> tuple[Tensor, Tensor]:
    """Minimisers for every lam, and the bounds sqrt(2 gap / lam) on their distance to the minimum."""
    basis, C = _reduce(X)
    A = C * y[:, None]
    V = X.new_zeros(C.shape[1], len(lam))
    below, above = X.new_zeros(2, len(y), len(lam))
    for index, penalty in enumerate(lam.tolist()):
        V[:, index], below[:, index], above[:, index] = _hinge(A, penalty)
    W = V if basis is None else basis @ V
    column = y[:, None]
    # Rounding leaves margins a little below 1, at a cost b in the gap and near 1 at small lam; raised
    # above 1 they cost a. Take for each lam what has the smaller gap.
    short = 1.0 - column * (X @ W)
    raised = W * (1.0 + torch.where(short < _MARGIN_ROUNDING, short, 0.0).amax(0).clamp(min=0.0))
    gap = _hinge_gap(X, column, lam, W, below, above)
    gap_raised = _hinge_gap(X, column, lam, raised, below, above)
    W = torch.where(gap_raised < gap, raised, W)
    return W, (2.0 * torch.minimum(gap, gap_raised) / lam).sqrt()


def _hinge_gap(X: Tensor, y: Tensor, lam: Any, W: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Primal minus dual objective at weights W and multipliers 0 <= a = 1 - b <= 1, by column.

    Written as a sum of terms >= 0, so that nothing cancels: with margins s = y X w, it is
    sum_mu [max(1 - s, 0) b + max(s - 1, 0) a] + lam |w - X^T (y a) / lam|^2 / 2.
    """
    s = y * (X @ W)
    mismatch = W - X.T @ (y * a) / lam
    products = (1.0 - s).clamp(min=0.0) * b + (s - 1.0).clamp(min=0.0) * a
    gap: Tensor = products.sum(0) + 0.5 * lam * (mismatch * mismatch).sum(0)
    return gap


def _hinge(A: Tensor, lam: float) -> tuple[Tensor, Tensor, Tensor]:
    """Minimise lam |v|^2 / 2 + sum_mu max(1 - A_mu v, 0); returns v and the multipliers (a, b).

    Mehrotra's predictor-corrector method for the quadratic programme with slacks xi, s >= 0 and
    A v + xi - s = 1, whose multipliers satisfy a + b = 1, s a = 0, xi b = 0 and lam v = A^T a.
    Eliminating all but v leaves the k x k system (lam + A^T diag(d) A) dv, d = 1 / (xi/b + s/a).
    It stops where the duality gap no longer falls, and returns the best iterate.
    """
    P = len(A)
    one = A.new_ones(P, 1)
    a, b = 0.5 * one, 0.5 * one
    v = A.T @ a / lam
    v = v / max(1.0, float((A @ v).abs().max()))
    excess = A @ v - 1.0
    s, xi = 1.0 + excess.clamp(min=0.0), 1.0 + (-excess).clamp(min=0.0)
    best, stalled = float("inf"), 0
    held = v, a, b
    for _ in range(_MAX_HINGE_STEPS):
        gap = float(_hinge_gap(A, one, lam, v, a, b))
        if gap < best:
            held = v, a, b
        if gap < 0.9 * best:
            stalled = 0
        else:
            stalled += 1
        best = min(best, gap)
        if stalled > _HINGE_PATIENCE or not np.isfinite(gap) or gap == 0.0:
            break
        d = 1.0 / (xi / b + s / a)
        system = A.T @ (A * d)
        system.diagonal().add_(lam)
        factor, info = torch.linalg.cholesky_ex(system)
        if int(info) != 0:
            # d spans more than rounding can hold: a shift of the order of the rounding, to which
            # the residuals of the next step are blind
            system.diagonal().add_(_CHOLESKY_SHIFT * float(system.diagonal().max()))
            factor, info = torch.linalg.cholesky_ex(system)
        if int(info) != 0:
            break
        stationarity = A.T @ a - lam * v
        infeasibility = 1.0 - A @ v - xi + s

        def solve(c1: Tensor, c2: Tensor) -> tuple[Tensor, ...]:
            """Newton direction with s da + a ds = c1 and xi db + b dxi = c2."""
            h = infeasibility - c2 / b + c1 / a  # noqa: B023
            dv = torch.cholesky_solve(stationarity + A.T @ (d * h), factor)  # noqa: B023
            da = d * (h - A @ dv)  # noqa: B023
            return dv, da, -da, (c1 - s * da) / a, (c2 + xi * da) / b  # noqa: B023

        def longest(*pairs: tuple[Tensor, Tensor]) -> float:
            """Step to the first variable that vanishes; many times 1 if none does."""
            return 1.0 / max(0.1, *(float((-dx / x).max()) for x, dx in pairs))

        mu = float((s * a + xi * b).sum()) / (2 * P)
        _, da, db, ds, dxi = solve(-s * a, -xi * b)
        size = min(1.0, longest((a, da), (b, db), (s, ds), (xi, dxi)))
        ahead = (s + size * ds) * (a + size * da) + (xi + size * dxi) * (b + size * db)
        centre = mu * (float(ahead.sum()) / (2 * P) / mu) ** 3
        dv, da, db, ds, dxi = solve(centre - s * a - ds * da, centre - xi * b - dxi * db)
        size = min(1.0, _HINGE_STEP * longest((a, da), (b, db), (s, ds), (xi, dxi)))
        v, a, b = v + size * dv, a + size * da, b + size * db
        s, xi = s + size * ds, xi + size * dxi
    return held[0][:, 0], held[1][:, 0], held[2][:, 0]
