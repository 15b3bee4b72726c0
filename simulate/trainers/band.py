"""Symmetric matrices in block-tridiagonal form, which every shift shares."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["BlockTridiagonal", "Factors", "block_width"]

_EPS = torch.finfo(torch.float64).eps
# Blocks no wider than this keep reflections and factors of 20 shifts below the matrix itself; blocks no
# narrower than the other keep Python's share of the time small.
_WIDEST = 64
_NARROWEST = 16


def block_width(k: int) -> int:
    """Width of the blocks of a matrix of size k: about 16 of them, and no wider than 64."""
    return min(_WIDEST, max(_NARROWEST, k // 16))


@dataclass(frozen=True)
class _Reflection:
    """H = 1 - V T V^T on the rows from ``start`` on, orthogonal (Schreiber and Van Loan 1989)."""

    start: int
    V: Tensor
    T: Tensor

    def transpose_times(self, b: Tensor) -> Tensor:
        """Overwrite b with H^T b."""
        part = b[..., self.start :, :]
        part -= self.V @ (self.T.mT @ (self.V.mT @ part))
        return b

    def times(self, b: Tensor) -> Tensor:
        """Overwrite b with H b."""
        part = b[..., self.start :, :]
        part -= self.V @ (self.T @ (self.V.mT @ part))
        return b


@dataclass(frozen=True)
class BlockTridiagonal:
    """A stack of symmetric matrices G = Q S Q^T with orthogonal Q and block-tridiagonal S.

    All the work is in products of matrices, 2 k^3 operations. An eigendecomposition takes 14/3 k^3, and
    half of the 4/3 k^3 with which it begins are products of a matrix and a vector. What remains of
    G + lam for one lam is a Cholesky factorisation of S + lam, of order k w^2 with blocks of width w.

    Attributes
    ----------
    diagonal : tuple of Tensor of shape (B, w, w)
        S_jj; the last may be smaller.
    below : tuple of Tensor of shape (B, w, w)
        S_{j+1, j}.
    reflections : tuple
        Q is their product.
    """

    diagonal: tuple[Tensor, ...]
    below: tuple[Tensor, ...]
    reflections: tuple[_Reflection, ...]

    @classmethod
    def of(cls, G: Tensor, width: int | None = None) -> BlockTridiagonal:
        """Reduce a stack of symmetric matrices (B, k, k), which is overwritten.

        Parameters
        ----------
        G : Tensor of shape (B, k, k)
            Symmetric.
        width : int, optional
            Of the blocks; ``block_width(k)`` when absent.
        """
        k = G.shape[-1]
        w = block_width(k) if width is None else width
        diagonal, below, reflections = [], [], []
        for start in range(0, k, w):
            stop = min(start + w, k)
            diagonal.append(G[:, start:stop, start:stop].clone())
            if stop == k:
                break
            reflection, R = _reflect(G[:, stop:, start:stop], stop)
            below.append(R)
            reflections.append(reflection)
            _sandwich(G[:, stop:, stop:], reflection)
        return cls(tuple(diagonal), tuple(below), tuple(reflections))

    def forward(self, b: Tensor) -> Tensor:
        """Q^T b of a stack of columns (B, k, c), as a new array."""
        out = b.clone()
        for reflection in self.reflections:
            reflection.transpose_times(out)
        return out

    def backward(self, b: Tensor) -> Tensor:
        """Q b of a stack of columns (B, k, c), as a new array."""
        out = b.clone()
        for reflection in reversed(self.reflections):
            reflection.times(out)
        return out

    def factor(self, lam: Tensor) -> Factors:
        """Factorise S + lam for every lam of shape (n_lam,).

        A shift of a few rounding errors of |G| keeps the factorisation of a semidefinite G alive where
        lam is below them.
        """
        size = torch.stack([torch.linalg.matrix_norm(d) for d in self.diagonal]).amax(0)
        shift = lam + 8.0 * _EPS * size[:, None]  # |S| is at most twice the largest diagonal block
        roots: list[Tensor] = []
        couplings: list[Tensor] = []
        for j, block in enumerate(self.diagonal):
            A = block[:, None] + torch.diag_embed(
                shift[..., None].expand(*shift.shape, len(block[0]))
            )
            if couplings:
                A -= couplings[-1] @ couplings[-1].mT
            root, _ = torch.linalg.cholesky_ex(A)
            roots.append(root)
            if j < len(self.below):
                E = self.below[j][:, None].mT.expand(*shift.shape, -1, -1)
                couplings.append(torch.linalg.solve_triangular(root, E, upper=False).mT)
        return Factors(self, tuple(roots), tuple(couplings))


@dataclass(frozen=True)
class Factors:
    """Cholesky factors of S + lam for every lam.

    Attributes
    ----------
    form : BlockTridiagonal
    roots, couplings : tuple of Tensor of shape (B, n_lam, w, w)
        Diagonal blocks and those below them.
    """

    form: BlockTridiagonal
    roots: tuple[Tensor, ...]
    couplings: tuple[Tensor, ...]

    def solve(self, b: Tensor) -> Tensor:
        """(G + lam)^{-1} b; column i of the result, (B, k, n_lam), belongs to lam_i.

        Parameters
        ----------
        b : Tensor of shape (B, k, n_lam), or (B, k, 1) for the same one at every lam.
        """
        count = self.roots[0].shape[1]
        rhs = self.form.forward(b)
        columns = rhs.mT.expand(-1, count, -1)[..., None]  # (B, n_lam, k, 1)
        parts = list(torch.split(columns, [r.shape[-1] for r in self.roots], dim=2))
        for j, root in enumerate(self.roots):
            if j:
                parts[j] = parts[j] - self.couplings[j - 1] @ parts[j - 1]
            parts[j] = torch.linalg.solve_triangular(root, parts[j], upper=False)
        for j in reversed(range(len(parts))):
            if j < len(self.couplings):
                parts[j] = parts[j] - self.couplings[j].mT @ parts[j + 1]
            parts[j] = torch.linalg.solve_triangular(self.roots[j].mT, parts[j], upper=True)
        return self.form.backward(torch.cat(parts, dim=2)[..., 0].mT)


def _reflect(panel: Tensor, start: int) -> tuple[_Reflection, Tensor]:
    """The reflection with H^T panel = (R, 0), and R with as many rows as there are columns or fewer."""
    packed, tau = torch.geqrf(panel)
    rank = tau.shape[-1]
    V = packed[..., :rank].tril(-1)
    V.diagonal(dim1=-2, dim2=-1).fill_(1.0)
    V *= (tau != 0)[..., None, :]  # a column that was 0 already stays
    inner = (V.mT @ V).triu(1)
    inner.diagonal(dim1=-2, dim2=-1).copy_(torch.where(tau != 0, 1.0 / tau, 1.0))
    eye = torch.eye(rank, dtype=tau.dtype, device=tau.device).expand_as(inner)
    T = torch.linalg.solve_triangular(inner, eye, upper=True)
    return _Reflection(start, V, T), packed[..., :rank, :].triu()


def _sandwich(G: Tensor, reflection: _Reflection) -> None:
    """Overwrite G with H^T G H: G - X V^T - V X^T with X = Y - V (T^T V^T Y) / 2, Y = G V T."""
    V, T = reflection.V, reflection.T
    Y = (G @ V) @ T
    X = Y - 0.5 * (V @ (T.mT @ (V.mT @ Y)))
    left, right = torch.cat([X, V], dim=-1), torch.cat([V, X], dim=-1)
    if len(G) == 1:
        G[0].addmm_(left[0], right[0].mT, alpha=-1.0)
    else:
        G.baddbmm_(left, right.mT, alpha=-1.0)
