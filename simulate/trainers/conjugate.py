"""Preconditioned conjugate gradients on a stack of positive definite systems."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from twinpeaks.simulate.trainers.reduction import dot

__all__ = ["conjugate_gradients"]


def conjugate_gradients(
    product: Callable[[Tensor], Tensor],
    precondition: Callable[[Tensor], Tensor],
    b: Tensor,
    reduction: float,
    budget: int,
) -> tuple[Tensor, Tensor]:
    """Solve H x = b by conjugate gradients from x = 0 (Hestenes and Stiefel 1952).

    Parameters
    ----------
    product, precondition : callable
        v -> H v and v -> M^{-1} v on stacks of shape (B, k); H and M are positive definite.
    b : Tensor of shape (B, k)
        Right-hand sides.
    reduction : float
        A member is solved when |b - H x| <= reduction |b|.
    budget : int
        Largest number of products.

    Returns
    -------
    x : Tensor of shape (B, k)
        Last iterates; -b.x < 0 for each that is not 0, so that it is a direction of descent of any
        function with gradient -b.
    solved : Tensor of bool, shape (B,)
        Which members reached the reduction.
    """
    x, r = torch.zeros_like(b), b
    z = precondition(r)
    p, rz = z, dot(r, z)
    enough = reduction * torch.linalg.vector_norm(b, dim=-1)
    solved = torch.zeros_like(enough, dtype=torch.bool)
    for _ in range(budget):
        Hp = product(p)
        # a member that is solved stands still: its step is 0
        step = torch.where(solved, 0.0, rz / dot(p, Hp))[:, None]
        x, r = x + step * p, r - step * Hp
        solved = solved | (torch.linalg.vector_norm(r, dim=-1) <= enough)
        if bool(solved.all()):
            break
        z = precondition(r)
        rz, before = dot(r, z), rz
        # nor does its direction grow, to which an exact solution would give 0 / 0
        p = z + torch.where(solved, 0.0, rz / before)[:, None] * p
    return x, solved
