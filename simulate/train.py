"""Exact minimisation of sum_mu l(y_mu, X_mu w) + lam |w|^2 / 2 for an axis of lam.

With X of shape (P, N) only k = min(N, P) dimensions matter. The ridge path diagonalises the smaller
Gram matrix once for all lam. Any other loss takes damped Newton steps on X itself when N <= P, and
on the triangular factor of X^T = B R when N > P (w = B v, X w = R^T v): QR is backward stable for
a rank-deficient X, where the eigenbasis of X X^T would divide by singular values that are rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theory.losses import Loss

__all__ = ["Fit", "Status", "train"]

_MAX_STEPS = 200
_REFINEMENTS = 2
_ARMIJO = 1e-4
_SMALLEST_STEP = 1e-12
# Below this relative decrease the rounding of the objective hides the Armijo test.
_OBJECTIVE_FLOOR = 1e-9


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
        |gradient| / (lam |w|), in the original variables. The objective is lam-strongly convex,
        so this bounds |w - w*| / |w|.
    status : ndarray of int8, shape (n_lam,)
        Members of Status.
    """

    weights: Tensor
    optimality: NDArray[np.float64]
    status: NDArray[np.int8]


def train(
    loss: Loss, X: Tensor, y: Tensor, lam: NDArray[np.float64], tolerance: float = 1e-6
) -> Fit:
    """Minimise to rounding for every lam.

    Parameters
    ----------
    loss : Loss
        Convex, differentiable in the output.
    X : Tensor of shape (P, N)
        Design.
    y : Tensor of shape (P,)
        Labels.
    lam : ndarray of shape (n_lam,)
        Ridge penalties, > 0, in any order.
    tolerance : float
        Largest optimality that counts as converged.
    """
    penalties = torch.as_tensor(lam, dtype=torch.float64, device=X.device)
    if not bool(torch.isfinite(X).all()):  # eigh would raise, and one draw must not end a sweep
        lost = np.full(len(lam), np.nan), np.full(len(lam), Status.NONFINITE, dtype=np.int8)
        return Fit(X.new_zeros(X.shape[1], len(lam)), *lost)
    W = _ridge(X, y, penalties) if loss.quadratic else _newton_path(loss, X, y, lam)
    gradient = X.T @ loss.slope(y[:, None], X @ W) + penalties * W
    slope, size = (torch.linalg.vector_norm(a, dim=0).cpu().numpy() for a in (gradient, W))
    finite = np.isfinite(slope) & np.isfinite(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        optimality = np.where(slope == 0.0, 0.0, slope / (lam * size))
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


def _newton_path(loss: Loss, X: Tensor, y: Tensor, lam: NDArray[np.float64]) -> Tensor:
    """Newton from the largest lam down, each from the minimiser before."""
    P, N = X.shape
    if N > P:
        basis, R = torch.linalg.qr(X.T)
        C = R.T.contiguous()
    else:
        basis, C = None, X
    V = X.new_zeros(C.shape[1], len(lam))
    v = V[:, 0].clone()
    for index in np.argsort(-lam, kind="stable"):
        v = _newton(loss, C, y, float(lam[index]), v)
        V[:, index] = v
    return V if basis is None else basis @ V


def _newton(loss: Loss, C: Tensor, y: Tensor, lam: float, v: Tensor) -> Tensor:
    """Minimise sum_mu l(y_mu, C_mu v) + lam |v|^2 / 2 to the rounding floor of its gradient."""

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
        dt = C @ step
        decrease = -float(g @ step)
        if not decrease > _OBJECTIVE_FLOOR * abs(energy):
            # Quadratic convergence down to the floor: judged on the gradient alone.
            v_new, t_new = v + step, C @ (v + step)
            g_new, norm_new = gradient(v_new, t_new)
            if not norm_new < norm:
                break
            floor = norm_new > 0.5 * norm
            v, t, g, norm = v_new, t_new, g_new, norm_new
            energy = objective(v, t)
            if floor:
                break
            continue
        size = 1.0
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
