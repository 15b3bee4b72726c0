"""The min(N, P) dimensions that matter of a design."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["dot", "expand", "reduce", "times"]


def times(matrix: Tensor, vector: Tensor) -> Tensor:
    """Products of a stack of matrices (B, m, n) and a stack of vectors (B, n), shape (B, m)."""
    if (
        len(matrix) == 1
    ):  # one product of a matrix and a vector takes half the time of a stack of one
        return (matrix[0] @ vector[0])[None]
    out: Tensor = (matrix @ vector[..., None])[..., 0]
    return out


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar products of two stacks of vectors (B, n), shape (B,)."""
    return (a * b).sum(-1)


def reduce(X: Tensor) -> tuple[Tensor | None, Tensor]:
    """Write w = B v and X w = C v with v of k = min(N, P) entries.

    Parameters
    ----------
    X : Tensor of shape (members, P, N)
        Designs.

    Returns
    -------
    B : Tensor of shape (members, N, k) or None
        Orthonormal columns; None where N <= P, and w = v.
    C : Tensor of shape (members, P, k)
        From X^T = B C^T with a triangular C^T. QR is backward stable for a rank-deficient X, where the
        eigenbasis of X X^T would divide by singular values that are rounding.
    """
    P, N = X.shape[-2:]
    if N <= P:
        return None, X
    basis, R = torch.linalg.qr(X.mT)
    return basis, R.mT.contiguous()


def expand(basis: Tensor | None, v: Tensor) -> Tensor:
    """w = B v."""
    return v if basis is None else basis @ v
