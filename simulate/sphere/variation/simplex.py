"""Least sum |w_j| with sum_j w_j a_j = y over a pool of columns a_j: a revised primal simplex.

Weights of either sign share a column, so that the basis is any n independent columns and its weights tell
the signs; no first phase is needed. A step goes past weights that change sign as long as the cost still
falls, which saves about half of the pivots. The inverse of the basis is updated at each pivot and computed
anew after some.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from twinpeaks.theory.arrays import Array, Index

__all__ = ["Master", "SingularBasis"]

_REFACTOR = 64  # pivots between inverses computed anew
_PIVOT = 1e-9  # smallest pivot beside the largest entry of its column
_AT_ONCE = 32  # columns priced between two looks at the whole pool


class SingularBasis(ArithmeticError):  # noqa: N818 - the word of the field
    """The columns of the basis are dependent to working precision."""


@dataclass(eq=False)
class Master:
    """The restricted problem, over the columns added so far.

    Attributes
    ----------
    y : ndarray of shape (n,)
        Labels, off the given ones by little more than rounding: equal ones would stall the steps at 0.
    columns : ndarray of shape (M, n)
        One row for each atom: its relu at the inputs.
    basis : ndarray of n indices
        Of the columns.
    pivots : int
        So far.
    """

    y: Array
    columns: Array
    basis: Index = field(init=False)
    pivots: int = 0

    def __post_init__(self) -> None:
        n = len(self.y)
        _, r, order = linalg.qr(self.columns.T, mode="economic", pivoting=True)
        diagonal = abs(np.diag(r))
        if len(diagonal) < n or diagonal[-1] <= 1e-14 * diagonal[0]:
            raise SingularBasis
        self.basis = order[:n].astype(np.intp)
        self._factor()

    def _factor(self) -> None:
        matrix = self.columns[self.basis].T
        try:
            self._inverse = np.linalg.inv(matrix)
        except np.linalg.LinAlgError as error:
            raise SingularBasis from error
        self.w = self._inverse @ self.y
        self.w += self._inverse @ (self.y - matrix @ self.w)
        if not np.allclose(matrix @ self.w, self.y, rtol=0, atol=1e-8 * abs(self.y).max()):
            raise SingularBasis
        self.sign = np.where(self.w < 0, -1.0, 1.0)
        self._since = 0

    @property
    def dual(self) -> Array:
        """The p of the basis: |p . a| = 1 on its columns."""
        p: Array = self.sign @ self._inverse
        return p

    def weights(self, y: Array) -> Array:
        """Weights of the basis for labels other than the master's own."""
        w = self._inverse @ y
        w += self._inverse @ (y - w @ self.columns[self.basis])
        return w

    def add(self, columns: Array) -> None:
        """Columns to the pool, as rows."""
        self.columns = np.concatenate([self.columns, columns])

    def forget(self, keep: Index) -> None:
        """Drop all columns but these and the basis."""
        kept = np.unique(np.concatenate([keep, self.basis]))
        self.columns = self.columns[kept]
        self.basis = np.searchsorted(kept, self.basis)

    def solve(self, tol: float, most: int) -> bool:
        """Pivot until no column of the pool is violated by more than tol; False at ``most`` pivots in all."""
        while True:
            eta = self.columns @ self.dual
            best = np.argsort(-abs(eta))[:_AT_ONCE]
            best = best[abs(eta[best]) > 1 + tol]
            if not len(best):
                if not self._since:
                    return True
                self._factor()
                continue
            some = self.columns[best]
            if self.pivots >= most:
                return False
            for _ in range(2 * _AT_ONCE):
                here = some @ self.dual
                j = int(np.argmax(abs(here)))
                if abs(here[j]) <= 1 + tol:
                    break
                self._pivot(int(best[j]), float(here[j]))

    def _pivot(self, enter: int, eta: float) -> None:
        side = 1.0 if eta > 0 else -1.0
        g = self._inverse @ self.columns[enter]
        slope = side * g * self.sign  # each |w| falls at this rate
        falling = np.nonzero(slope > _PIVOT * abs(g).max())[0]
        if not len(falling):
            raise SingularBasis
        reach = abs(self.w[falling]) / slope[falling]
        order = np.argsort(reach)
        # Past a zero its |w| rises again: the cost falls 2 slope slower from there on.
        left = abs(eta) - 1 - 2 * np.cumsum(slope[falling][order])
        k = int(np.argmax(left <= 0)) if (left <= 0).any() else len(order) - 1
        leave, t = int(falling[order[k]]), float(reach[order[k]])
        self.w -= side * t * g
        passed = falling[order[:k]]
        self.sign[passed] = -self.sign[passed]
        self.w[leave], self.sign[leave] = side * t, side
        row = self._inverse[leave] / g[leave]
        self._inverse -= np.outer(g, row)
        self._inverse[leave] = row
        self.basis[leave] = enter
        self.pivots += 1
        self._since += 1
        if self._since >= _REFACTOR:
            self._factor()
