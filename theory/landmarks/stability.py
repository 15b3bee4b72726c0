"""Where replica symmetry breaks: the temperature at which the replicon eigenvalue vanishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.axes import Given, read_axes, read_axis, read_range
from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.observables import observables
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.saddle_point import Equations, Tolerances, newton, relax
from twinpeaks.theory.family import read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.problem import Problem

__all__ = ["instability"]

_STEP = 0.1  # first step in ln beta
_SMALLEST = 1e-5  # a branch that cannot be followed by smaller steps has ended
_ACCURACY = 1e-10  # of ln beta
_CORRECTOR = 20  # evaluations that a step is worth
_MOST = 2000  # steps; a branch that needs more counts as ended where it is


def instability(
    problem: Problem,
    *,
    overparam: Given,
    alpha_T: Given,
    lam: Given = 1.0,
    vary: Mapping[str, Given] | None = None,
    between: tuple[float, float] = (0.1, 1e3),
) -> xr.Dataset:
    """Cool the model until replica symmetry becomes unstable.

    The solution is followed from the lower to the higher beta; the first zero of the replicon
    eigenvalue is bracketed and refined.

    Parameters
    ----------
    problem : Problem
        Activation, teacher, loss and feature law.
    overparam, alpha_T, lam, vary
        As in ``solve``, but positive and finite. For ``ZeroOne``, which does
        not know the scale of the weights, the answer does not depend on lam.
    between : (float, float)
        Inverse temperatures at which to begin and to end.

    Returns
    -------
    xarray.Dataset
        ``beta`` of the instability: inf where replica symmetry is stable over the whole range, NaN
        where the solution ends before it turns unstable; ``reached``, the largest beta to which it
        was followed; ``test_error`` and ``bmd`` at the instability.

    Raises
    ------
    ValueError
        For axes that are not positive, finite and at most 1-d, and for a range that is empty.

    Notes
    -----
    The replicon is 1 - alpha E[(df/domega)^2] <Omega^2 R^2> (de Almeida & Thouless, J. Phys. A 11, 983,
    1978; in this model Loureiro et al., arXiv 2102.08127). With a convex loss it is positive at every
    temperature (docs/derivations/stability.md), and the answer is inf.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> line = theory.instability(theory.Problem(loss=theory.ZeroOne()), overparam=0.3, alpha_T=3.0)
    >>> round(float(line.beta), 6)
    8.856892
    """
    low, high = read_range("between", between)
    family = read_family(problem, vary)
    given = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam}
    read = [read_axis(name, value, "(0, inf)") for name, value in given.items()]
    axes = read_axes(*family.axes, *read, reserved=("beta",))
    found = {name: np.full(axes.size, np.nan) for name in ("beta", "reached", "test_error", "bmd")}
    for member, parts in family.blocks(axes):
        index = axes.index(parts)
        widths, ratios, penalties = (axes.flat(name)[index] for name in given)
        branch = _Branch(member, widths, ratios, penalties, float(np.log(high)))
        beta, reached, seen = branch.cool(float(np.log(low)))
        for name, value in {**seen, "beta": beta, "reached": reached}.items():
            if name in found:
                found[name][index] = value
    return labelled("instability", family.text, axes, found)


@dataclass(frozen=True)
class _Branch:
    """The solution that starts at high temperature, for flat arrays of the other axes."""

    problem: Problem
    overparam: Array
    alpha_T: Array
    lam: Array
    end: float

    def _equations(self, rows: Index, x: Array) -> Equations:
        points = Points(self.overparam[rows], self.alpha_T[rows], self.lam[rows], np.exp(-x))
        return Equations(self.problem, channel_for(self.problem, Tolerances.quadrature), points)

    def _solve(
        self, rows: Index, x: Array, guess: Array | None
    ) -> tuple[Bools, Array, dict[str, Array]]:
        """Success, coordinates and observables at ln beta = x."""
        equations = self._equations(rows, x)
        if guess is None:
            found = relax(equations, equations.weak_student(), Tolerances())
        else:
            found = newton(equations, guess, Tolerances(max_steps=_CORRECTOR))
        seen = {name: np.full(x.size, np.nan) for name in ("replicon", "test_error", "bmd")}
        good = np.flatnonzero(found.converged)
        if good.size:
            values, _ = observables(equations.take(good), found.u[good])
            for name, array in seen.items():
                array[good] = values[name]
        return found.converged & np.isfinite(seen["replicon"]), found.u, seen

    def cool(self, start: float) -> tuple[Array, Array, dict[str, Array]]:
        """Steps in ln beta that shrink where Newton fails, until the replicon changes sign."""
        n = self.overparam.size
        everything = np.arange(n)
        x, step = np.full(n, start), np.full(n, _STEP)
        ok, u, seen = self._solve(everything, x, None)
        slope = np.zeros_like(u)
        beta, width = np.full(n, np.nan), seen["replicon"].copy()
        beta[ok & (width <= 0)] = np.exp(start)
        alive = ok & (width > 0)
        for _ in range(_MOST):
            if not np.any(alive):
                break
            rows = np.flatnonzero(alive)
            ahead = np.minimum(x[rows] + step[rows], self.end)
            h = (ahead - x[rows])[:, None]
            good, v, new = self._solve(rows, ahead, u[rows] + slope[rows] * h)
            # a jump to another solution is not a step along this one
            good &= np.max(np.abs(v - u[rows]), axis=1) < 1.0
            crossed = good & (new["replicon"] <= 0)
            bracket = rows[crossed]
            if bracket.size:
                inside = self._refine(bracket, x[bracket], ahead[crossed], u[bracket], v[crossed])
                beta[bracket], values = inside
                for name, array in seen.items():
                    array[bracket] = values[name]
            moved = rows[good]
            slope[moved] = (v[good] - u[moved]) / h[good]
            x[moved], u[moved] = ahead[good], v[good]
            step[moved] = np.minimum(1.5 * step[moved], 2 * _STEP)
            step[rows[~good]] /= 2
            alive[bracket] = False
            alive &= (step > _SMALLEST) & (x < self.end)
        stable = (x >= self.end) & np.isnan(beta)
        beta[stable] = np.inf
        for name in ("test_error", "bmd"):
            seen[name][~np.isfinite(beta)] = np.nan
        return beta, np.exp(x), seen

    def _refine(
        self, rows: Index, a: Array, b: Array, ua: Array, ub: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Bisection between a stable and an unstable point, Newton from their interpolation."""
        alive = np.ones(rows.size, bool)
        while True:
            middle = 0.5 * (a + b)
            ok, u, seen = self._solve(rows, middle, 0.5 * (ua + ub))
            alive &= ok
            if not np.any(alive & (b - a >= _ACCURACY)):
                return np.where(alive, np.exp(middle), np.nan), seen
            stable = (seen["replicon"] > 0)[:, None]
            a, b = np.where(stable[:, 0], middle, a), np.where(stable[:, 0], b, middle)
            ua, ub = np.where(stable, u, ua), np.where(stable, ub, u)
