"""Ridge regression for every lam from one block-tridiagonal Gram matrix."""

from __future__ import annotations

from torch import Tensor

from twinpeaks.simulate.trainers.band import BlockTridiagonal

__all__ = ["ridge_path"]

_REFINEMENTS = 2


def ridge_path(X: Tensor, y: Tensor, lam: Tensor) -> Tensor:
    """Minimise |X w - y|^2 / 2 + lam |w|^2 / 2 with the smaller Gram matrix in block form.

    Parameters
    ----------
    X : Tensor of shape (B, P, N)
        Designs.
    y : Tensor of shape (B, P)
        Labels.
    lam : Tensor of shape (n_lam,)
        Penalties, > 0.

    Returns
    -------
    Tensor of shape (B, N, n_lam)

    Notes
    -----
    A refinement is a Newton step on the gradient in the original variables. The first removes what
    the rounding of the Gram matrix left: an optimality of 0.5 when N > P, lam = 1e-7 and X X^T is
    singular (linear features). What remains is below that of a QR of X^T; the second is for
    smaller lam.
    """
    P, N = X.shape[-2:]
    primal = N <= P
    factors = BlockTridiagonal.of(X.mT @ X if primal else X @ X.mT).factor(lam)
    column = y[..., None]

    def inverse_hessian(g: Tensor) -> Tensor:
        # (X^T X + lam)^{-1} = (1 - X^T (X X^T + lam)^{-1} X) / lam when X X^T is what we hold
        return factors.solve(g) if primal else (g - X.mT @ factors.solve(X @ g)) / lam

    W = factors.solve(X.mT @ column) if primal else X.mT @ factors.solve(column)
    for _ in range(_REFINEMENTS):
        W = W - inverse_hessian(X.mT @ (X @ W - column) + lam * W)
    return W
