"""The measure of least total variation on the sphere whose relu network interpolates, with a certificate.

    min |m|_TV  subject to  int relu(theta . x_i) dm(theta) = y_i,   theta on the sphere

Columns are generated: the simplex method solves the problem over a pool of atoms, its dual p makes
eta(theta) = sum_i p_i relu(theta . x_i), and the local maxima of |eta| above 1 are the atoms that the pool
lacks. Any p bounds the least total variation from below by p . y / max |eta|; the solution in hand bounds it
from above. Petrini et al., arXiv 2206.12314, section 3, state the problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from twinpeaks.simulate.sphere.variation.arrangement import Circle, Sphere
from twinpeaks.simulate.sphere.variation.ascent import Ascent
from twinpeaks.simulate.sphere.variation.simplex import Master, SingularBasis
from twinpeaks.theory.arrays import Array

__all__ = ["Certificate", "Interpolant", "least_variation"]


class Certificate(IntEnum):
    """How the search for the least total variation ended."""

    CERTIFIED = 0  # the gap is below tol, with the maximum of |eta| over the whole sphere
    # The same with the maximum found from many starts: |eta| was seen 2e-3 above it at n = 24, d = 5 with
    # rough labels, so that the gap is no bound.
    MULTISTART = 1
    SINGULAR = 2  # the atoms of a basis became dependent
    MAX_PIVOTS = 3  # the gap is above tol where the pivots or rounds ended


@dataclass(frozen=True, eq=False)
class Interpolant:
    """sum_j weights_j relu(atoms_j . x).

    Attributes
    ----------
    atoms : ndarray of shape (a, d)
        Unit vectors, a <= n.
    weights : ndarray of shape (a,)
        Not 0.
    dual : ndarray of shape (n,)
        p, scaled such that |eta| <= 1 wherever it was looked at.
    total_variation : float
        Sum of |weights|, the upper bound.
    gap : float
        1 - lower / upper.
    status : Certificate
        Atoms and weights are empty, tv and gap NaN, where it is neither CERTIFIED nor MULTISTART.
    pivots, rounds : int
        Work done.
    """

    atoms: Array
    weights: Array
    dual: Array
    total_variation: float
    gap: float
    status: Certificate
    pivots: int
    rounds: int

    def __call__(self, x: Array) -> Array:
        """Outputs at the rows of x."""
        out: Array = np.maximum(x @ self.atoms.T, 0) @ self.weights
        return out


_APART = 1e-7  # radians between two atoms of the pool
_APART_LABELS = 1e-10  # beside the largest: lifts ties of the ratio test
_ON_CIRCLE = 1e-10  # of |theta . x_i|
_CHECK = 20  # starts for each input of the last look, d >= 4


def least_variation(
    inputs: Array,
    labels: Array,
    *,
    tol: float = 1e-6,
    max_pivots: int | None = None,
    max_rounds: int = 300,
    seed: int = 0,
) -> Interpolant:
    """Interpolate labels at points of the sphere by relu neurons of least total variation.

    Parameters
    ----------
    inputs : ndarray of shape (n, d)
        Unit vectors, no two of them equal.
    labels : ndarray of shape (n,)
        Finite, not all 0.
    tol : float
        Relative gap between the bounds, at least 1e-12. Rough labels in near points may end at MAX_PIVOTS
        below 1e-8: p is then large, and rounding of eta hides what is left.
    max_pivots, max_rounds : int
        Where to give up; pivots by default at 20,000 and 400 n, of which 256 points in d = 3 took 30,000.
    seed : int
        Of the starts, for d >= 4, and of the first pool.

    Returns
    -------
    Interpolant
        With its dual and the status of its certificate.

    Raises
    ------
    ValueError
        If inputs are not distinct unit vectors, labels do not fit, or tol is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((16, 3))
    >>> x /= np.linalg.norm(x, axis=1, keepdims=True)
    >>> found = least_variation(x, np.ones(16))
    >>> found.status.name, bool(abs(found(x) - 1).max() < 1e-9)
    ('CERTIFIED', True)
    """
    x, y = _checked(inputs, labels, tol)
    n, d = x.shape
    scale = float(abs(y).max())
    y = y / scale
    random = np.random.default_rng(seed)
    pricing: Circle | Sphere | Ascent = (
        Circle(x) if d == 2 else Sphere(x) if d == 3 else Ascent(x, random)
    )
    pool = _first(x, random)
    try:
        apart = y + _APART_LABELS * random.uniform(-1, 1, n)
        master = Master(apart, np.maximum(pool @ x.T, 0))
        most = max(20_000, 400 * len(x)) if max_pivots is None else max_pivots
        search = _Search(x, y, pool, master, pricing, tol, most)
        rounds = search.run(max_rounds)
    except SingularBasis:
        return _failed(d, n, Certificate.SINGULAR)
    if rounds is None:
        return _failed(d, n, Certificate.MAX_PIVOTS, master.pivots, max_rounds)
    atoms, weights = merged(search.pool[master.basis], master.weights(y) * scale, x)
    upper = float(abs(weights).sum())
    return Interpolant(
        atoms,
        weights,
        search.best,
        upper,
        max(0.0, 1 - search.lower * scale / upper),
        Certificate.CERTIFIED if pricing.exact else Certificate.MULTISTART,
        master.pivots,
        rounds,
    )


def _first(x: Array, random: np.random.Generator) -> Array:
    """A pool of full rank: random atoms, and atoms on the circle of each input, which part it from others."""
    n, d = x.shape
    start = random.standard_normal((4 * n, d))
    side = random.standard_normal((n, d))
    side -= (side * x).sum(1, keepdims=True) * x
    pool = np.concatenate([start, side, -side])
    pool /= np.linalg.norm(pool, axis=1, keepdims=True)
    return np.concatenate([x, -x, pool])


def merged(atoms: Array, weights: Array, inputs: Array) -> tuple[Array, Array]:
    """Atoms of one sign in one closed cell made one: the outputs at the inputs stay, sum |w| does not rise.

    Parameters
    ----------
    atoms, weights : ndarray of shape (a, d), (a,)
        Of a network.
    inputs : ndarray of shape (n, d)
        Whose circles bound the cells; an atom within 1e-10 of a circle lies on both sides.

    Returns
    -------
    tuple of ndarray
        Atoms and weights, largest weight first.
    """
    order = np.argsort(-abs(weights))
    order = order[abs(weights[order]) > 1e-13 * abs(weights).max()]
    field = atoms[order] @ inputs.T
    sides = np.where(abs(field) < _ON_CIRCLE, 0, np.sign(field)).astype(np.int8)
    vectors = weights[order, None] * atoms[order]
    positive = weights[order] > 0
    groups: list[tuple[Array, np.ndarray, bool]] = []
    for vector, side, plus in zip(vectors, sides, positive, strict=True):
        for i, (total, pattern, sign) in enumerate(groups):
            if sign == plus and not (pattern * side < 0).any():
                groups[i] = (total + vector, np.where(pattern == 0, side, pattern), sign)
                break
        else:
            groups.append((vector, side, bool(plus)))
    whole = np.array([g[0] for g in groups])
    size = np.linalg.norm(whole, axis=1)
    signs = np.where([g[2] for g in groups], 1.0, -1.0)
    return whole / (signs * size)[:, None], signs * size


class _Search:
    """Pool, master and the best feasible dual."""

    def __init__(
        self,
        x: Array,
        y: Array,
        pool: Array,
        master: Master,
        pricing: Circle | Sphere | Ascent,
        tol: float,
        most: int,
    ) -> None:
        self.x, self.y, self.pool, self.master, self.pricing = x, y, pool, master, pricing
        self.tol, self.most = tol, most
        self.best = np.zeros(len(y))
        self.lower = 0.0

    @property
    def gap(self) -> float:
        """Relative distance of the bounds."""
        return max(0.0, 1 - self.lower / float(abs(self.master.weights(self.y)).sum()))

    def run(self, most_rounds: int) -> int | None:
        """Rounds until the gap is below tol; None where it is not."""
        n = len(self.y)
        for rounds in range(1, most_rounds + 1):
            # A rough dual is enough while the bounds are far apart.
            if not self.master.solve(max(0.1 * self.tol, 0.01 * min(self.gap, 0.1)), self.most):
                return None
            p = self.master.dual
            if isinstance(self.pricing, Ascent):
                self.pricing.near = self.pool[self.master.basis]
            new = [self._look(0.5 * (p + self.best)), self._look(p)]
            if self.gap <= self.tol and self._sure():
                return rounds
            self._add(np.concatenate(new))
            if len(self.pool) > 16 * n + 64:
                self._shrink(8 * n)
        return None

    def _look(self, p: Array) -> Array:
        """Atoms that p violates, most violated first; a better bound is kept."""
        theta, eta = self.pricing.maxima(p, 1 + 0.1 * self.tol)
        self._bound(p, float(abs(eta[0])))
        return theta[abs(eta) > 1 + 0.1 * self.tol]

    def _bound(self, p: Array, highest: float) -> None:
        lower = float(p @ self.y) / highest if highest > 0 else 0.0
        if lower > self.lower:
            self.lower, self.best = lower, p / highest

    def _sure(self) -> bool:
        """A last look from many more starts, where the maximum is not exact."""
        if not isinstance(self.pricing, Ascent):
            return True
        theta, eta = self.pricing.maxima(self.best, 1 + self.tol, _CHECK)
        if abs(eta[0]) <= 1 + 1e-12:
            return True
        self.lower /= abs(eta[0])
        self.best = self.best / abs(eta[0])
        if self.gap <= self.tol:
            return True
        self._add(theta)
        return False

    def _add(self, theta: Array) -> None:
        n = len(self.y)
        kept: list[Array] = []
        for row in theta[: 4 * n]:
            others = np.concatenate(
                [self.pool[self.master.basis], np.array(kept).reshape(-1, row.size)]
            )
            if (np.square(others - row).sum(1) > _APART**2).all():
                kept.append(row)
        if kept:
            self.pool = np.concatenate([self.pool, kept])
            self.master.add(np.maximum(np.array(kept) @ self.x.T, 0))

    def _shrink(self, count: int) -> None:
        """Keep the columns nearest to entering."""
        eta = abs(self.master.columns @ self.master.dual)
        keep = np.union1d(np.argsort(-eta)[:count], self.master.basis)
        self.pool = self.pool[keep]
        self.master.forget(keep)


def _failed(d: int, n: int, status: Certificate, pivots: int = 0, rounds: int = 0) -> Interpolant:
    nan = float("nan")
    return Interpolant(
        np.zeros((0, d)), np.zeros(0), np.full(n, nan), nan, nan, status, pivots, rounds
    )


def _checked(inputs: Array, labels: Array, tol: float) -> tuple[Array, Array]:
    x, y = np.asarray(inputs, float), np.asarray(labels, float)
    if x.ndim != 2 or min(x.shape) < 2:
        raise ValueError(f"inputs have shape {x.shape}: give (n, d) with n >= 2 and d >= 2")
    off = abs(np.linalg.norm(x, axis=1) - 1)
    if not (off < 1e-9).all():
        raise ValueError(f"inputs: row {int(np.argmax(off))} is no unit vector; divide by its norm")
    if y.shape != x.shape[:1] or not np.isfinite(y).all():
        raise ValueError(f"labels have shape {y.shape}: give {len(x)} finite numbers")
    if not y.any():
        raise ValueError("labels are all 0: the measure is 0; give others")
    if not 1e-12 <= tol < 1:
        raise ValueError(f"tol = {tol:g}: give a number in [1e-12, 1)")
    order = np.lexsort(x.T)
    near = np.linalg.norm(np.diff(x[order], axis=0), axis=1) if len(x) > 1 else np.ones(1)
    if (near == 0).any():
        raise ValueError(
            "inputs: two rows are equal, and no network interpolates two labels there; drop one"
        )
    return x, y
