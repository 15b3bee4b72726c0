"""Exact minimisation of sum_mu l(y_mu, X_mu w) + lam |w|^2 / 2 for an axis of lam.

With X of shape (P, N) only k = min(N, P) dimensions matter. The ridge path brings the smaller Gram
matrix to block-tridiagonal form once for all lam. Any other loss works on X itself when N <= P, and
on the triangular factor of X^T when N > P: smooth losses take damped Newton steps, and the hinge a
primal-dual interior-point method that ends on the exact set of patterns on the margin.
``simulate.trainers`` has one file for each; all of them take a stack of designs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from twinpeaks.simulate.trainers.bound import distance
from twinpeaks.simulate.trainers.hinge import hinge_path
from twinpeaks.simulate.trainers.newton import newton_path
from twinpeaks.simulate.trainers.ridge import ridge_path
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.losses.base import Loss

__all__ = ["Fit", "Status", "check_loss", "train", "train_stack"]


class Status(IntEnum):
    """What became of one training."""

    CONVERGED = 0  # optimality is below the tolerance
    INACCURATE = 1  # finite, and optimality is above the tolerance: raise lam
    NONFINITE = 2  # weights or gradient are not finite


@dataclass(frozen=True)
class Fit:
    """Minimisers for every lam.

    Attributes
    ----------
    weights : Tensor of shape (N, n_lam)
        Minimisers; 0 where the status is not CONVERGED.
    optimality : ndarray of shape (n_lam,)
        Bound on |w - w*| / |w| in the original variables that counts rounding, as the objective is
        lam-strongly convex (``trainers.bound``). For the hinge loss an estimate: from a set of patterns
        on the margin that satisfies every condition, or sqrt(2 gap / lam) / |w| with the duality gap,
        both as float64 evaluates them.
    status : ndarray of int8, shape (n_lam,)
        Members of Status.
    """

    weights: Tensor
    optimality: Array
    status: NDArray[np.int8]


def check_loss(loss: Loss) -> None:
    """Refuse a loss whose minimum is not found to a guaranteed accuracy.

    Raises
    ------
    ValueError
        Unless the loss is convex, and smooth or of one hinge.
    """
    if not loss.trainable:
        lacks = "smooth" if loss.convex else "convex"
        raise ValueError(
            f"loss = {loss!r} is not {lacks}: simulation supports smooth convex losses and "
            "those of one hinge, as Hinge"
        )


def train(loss: Loss, X: Tensor, y: Tensor, lam: Array, tolerance: float = 1e-6) -> Fit:
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
    return train_stack(loss, X[None], y[None], lam, tolerance)[0]


def train_stack(
    loss: Loss, X: Tensor, y: Tensor, lam: Array, tolerance: float = 1e-6
) -> Sequence[Fit]:
    """Minimise to rounding for every member of a stack and every lam.

    Parameters
    ----------
    loss : Loss
        Convex; differentiable in the output, or the hinge loss.
    X : Tensor of shape (B, P, N)
        Designs.
    y : Tensor of shape (B, P)
        Labels.
    lam, tolerance
        As for ``train``, the same for all members.

    Returns
    -------
    sequence of Fit
        One for each member; it depends on the others by rounding only.

    Raises
    ------
    ValueError
        For a loss that ``check_loss`` refuses.
    """
    check_loss(loss)
    sound = torch.isfinite(X).all(-1).all(-1)  # one draw must not end a sweep
    if not bool(sound.all()):
        lost = np.full(len(lam), np.nan), np.full(len(lam), Status.NONFINITE, dtype=np.int8)
        kept = iter(train_stack(loss, X[sound], y[sound], lam, tolerance) if sound.any() else ())
        nothing = Fit(X.new_zeros(X.shape[-1], len(lam)), *lost)
        return [next(kept) if fine else nothing for fine in sound.tolist()]
    W, missed = _minimise(loss, X, y, lam)
    off, size = (a.cpu().numpy() for a in (missed, torch.linalg.vector_norm(W, dim=-2)))
    finite = np.isfinite(off) & np.isfinite(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        optimality = np.where(off == 0.0, 0.0, off / size)
    status = np.where(optimality <= tolerance, Status.CONVERGED, Status.INACCURATE)
    status = np.where(finite, status, Status.NONFINITE).astype(np.int8)
    trusted = torch.as_tensor(status == Status.CONVERGED, device=X.device)
    W = torch.where(trusted[:, None, :], W, 0.0)
    return [Fit(*parts) for parts in zip(W, optimality, status, strict=True)]


def _minimise(loss: Loss, X: Tensor, y: Tensor, lam: Array) -> tuple[Tensor, Tensor]:
    """Weights of shape (B, N, n_lam), and bounds or estimates of their distance to the minimum."""
    penalties = torch.as_tensor(lam, dtype=torch.float64, device=X.device)
    if loss.hinge is not None:
        slope, margin = loss.hinge  # l = slope max(margin - s, 0): w in units of the margin
        W, missed = hinge_path(X, y, penalties * (margin / slope))
        return W * margin, missed * margin
    if loss.quadratic is not None:
        W = ridge_path(X, y, penalties * loss.quadratic)
    else:
        W = newton_path(loss, X, y, lam)
    return W, distance(loss, X, y, W, penalties)
