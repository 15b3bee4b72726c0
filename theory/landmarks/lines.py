"""One variable along one axis, for many choices of the other axes at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import make_interp_spline

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.observables import OBSERVABLES, observables
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.saddle_point import Equations, Solution, Tolerances, follow, newton
from twinpeaks.theory.errors import SolveError, Status
from twinpeaks.theory.problem import Problem

__all__ = ["Lines"]

_STRIDE = 8  # of the points of a grid that are solved without a neighbour


@dataclass(frozen=True)
class Lines:
    """Solutions along ``along`` at fixed other axes; overparam is finite for all rows or for none.

    Parameters
    ----------
    problem : Problem
    along : str
        overparam, alpha_T, lam or beta.
    fixed : dict of ndarray of shape (rows,)
        The other three; lam > 0.
    throw : bool
        Raise where a point does not converge; with False its values are NaN.
    tolerances : Tolerances
    """

    problem: Problem
    along: str
    fixed: dict[str, Array]
    throw: bool = True
    tolerances: Tolerances = field(default_factory=Tolerances)

    def __call__(self, rows: Index, x: Array) -> dict[str, Array]:
        """Every variable at x, the logarithm of the axis.

        Parameters
        ----------
        rows : ndarray of shape (k,)
        x : ndarray of shape (k, n)
            Increasing along each row.

        Returns
        -------
        dict of ndarray of shape (k, n)

        Raises
        ------
        SolveError
            If a point did not converge and ``throw`` is True.
        """
        u = self._coarse_to_fine(rows, x)
        u = u.reshape(-1, 3)
        values = {name: np.full(len(u), np.nan) for name in OBSERVABLES}
        good = np.flatnonzero(np.isfinite(u).all(axis=1))
        if good.size:
            equations = self._equations(rows, x).take(good)
            seen, accurate = observables(equations, u[good])
            blank = Solution.blank(good.size)
            blank.status[:] = np.where(accurate, Status.CONVERGED, Status.QUADRATURE_INACCURATE)
            self._check(equations.points, blank)
            for name, value in seen.items():
                values[name][good[accurate]] = value[accurate]
        return {name: value.reshape(x.shape) for name, value in values.items()}

    def _equations(self, rows: Index, x: Array) -> Equations:
        axes = {name: np.repeat(a[rows], x.shape[1]) for name, a in self.fixed.items()}
        axes[self.along] = np.exp(x).ravel()
        points = Points(axes["overparam"], axes["alpha_T"], axes["lam"], 1.0 / axes["beta"])
        return Equations(
            self.problem, channel_for(self.problem, self.tolerances.quadrature), points
        )

    def _coarse_to_fine(self, rows: Index, x: Array) -> Array:
        """Every 8th point from nothing, the points between from a spline through those known."""
        n, stride = x.shape[1], _STRIDE
        u = np.full((*x.shape, 3), np.nan)
        done = np.zeros(n, bool)
        while stride:
            here = np.union1d(np.arange(0, n, stride), [n - 1])
            new = here[~done[here]]
            if stride < _STRIDE and new.size:
                guess = np.stack(
                    [_between(a[done], b[done], a[new]) for a, b in zip(x, u, strict=True)]
                )
                u[:, new] = self._solve(rows, x[:, new], guess)
            elif new.size:
                u[:, new] = self._solve(rows, x[:, new], None)
            done[new] = True
            stride //= 2
        return u

    def _solve(self, rows: Index, x: Array, guess: Array | None) -> Array:
        """Newton, from a cold start where the guess fails, then the path."""
        equations, tol = self._equations(rows, x), self.tolerances
        start = equations.weak_student() if guess is None else guess.reshape(-1, 3)
        with np.errstate(over="ignore"):  # a wild guess is rejected by its residual
            found = newton(equations, start, tol)
            left = np.flatnonzero(~found.converged)
            if left.size and guess is not None:
                part = equations.take(left)
                found.put(left, newton(part, part.weak_student(), tol))
                left = np.flatnonzero(~found.converged)
            if left.size and self.problem.loss.convex:
                found.put(left, follow(equations.take(left), tol))
        self._check(equations.points, found)
        u = np.where(found.converged[:, None], found.u, np.nan)
        return u.reshape(*x.shape, 3)

    def _check(self, points: Points, solution: Solution) -> None:
        """Raise on the first failure, if this is to raise."""
        if not self.throw or np.all(solution.converged):
            return
        first = int(np.flatnonzero(~solution.converged)[0])
        status = Status(int(solution.status[first]))
        overparam, alpha_T, lam, T = (float(a[first]) for a in points)
        beta = 1.0 / T if T > 0 else np.inf
        raise SolveError(
            f"no solution at overparam = {overparam:.6g}, alpha_T = {alpha_T:.6g}, lam = {lam:.6g}, "
            f"beta = {beta:.6g} ({status.label}). {status.sentence}",
            solution,
        )


def _between(x: Array, u: Array, new: Array) -> Array:
    """Spline through the solved points; NaN, which asks for a cold start, where there are too few."""
    good = np.isfinite(u).all(axis=1)
    if good.sum() < 2:
        return np.full((new.size, 3), np.nan)
    return np.asarray(make_interp_spline(x[good], u[good], k=min(3, good.sum() - 1))(new))
