"""The one iteration driver: batched, damped Newton on the saddle-point equations.

Unknowns are u = (ln V, ln Q, ln a) with a = m / sqrt(rho Q - m^2), the cotangent of the angle between
student and teacher: every u is a physical point, and the test error is arctan(1/a) / pi. The residual
is the undamped mismatch of one sweep, u' - u, with u' = readout(channel(u)): a relative error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.axes import check_count, is_number
from twinpeaks.theory.equations.channel import Channel, Overlaps
from twinpeaks.theory.equations.readout import Points, readout
from twinpeaks.theory.errors import Status
from twinpeaks.theory.problem import Problem

__all__ = ["Equations", "Solution", "Tolerances", "cool", "follow", "newton", "relax"]

_LOOSEST = 1e-3  # tolerance: beyond, no digit is promised
_ATTEMPT = 100  # rounds after which another start is better
_SWEEPS = 80
_HOT = 10.0  # temperature at which a 0-1 loss is close to the prior


@dataclass(frozen=True)
class Tolerances:
    """When a point counts as solved.

    Attributes
    ----------
    residual : float
        Bound on the largest component of u' - u.
    step : float
        Bound on the Newton step at the solution: the estimated relative error of the order
        parameters, which near a threshold is much larger than the residual.
    max_steps : int
        Evaluations of the equations per point, all attempts together; no attempt begins after.
    quadrature : float
        Relative tolerance of each panel of the Gaussian integrals.

    Raises
    ------
    ValueError
        For a tolerance that is not in (0, 1e-3], or less than one step.
    """

    residual: float = 1e-11
    step: float = 2e-9
    max_steps: int = 2000
    quadrature: float = 2e-14

    def __post_init__(self) -> None:
        """Refuse values at which a point would count as solved that is not."""
        for name in ("residual", "step", "quadrature"):
            value = getattr(self, name)
            if not (is_number(value) and 0 < value <= _LOOSEST):
                raise ValueError(f"{name} = {value!r}: give a tolerance > 0 and <= {_LOOSEST:g}")
        check_count("max_steps", self.max_steps, 1)


class Evaluation(NamedTuple):
    """Residual (points, 3), Jacobian (points, 3, 3), quadrature success, and physicality.

    A sweep that is not finite is not called unphysical.
    """

    residual: Array
    jacobian: Array
    accurate: Bools
    physical: Bools


@dataclass(frozen=True)
class Equations:
    """The saddle-point equations of a problem at given points."""

    problem: Problem
    channel: Channel
    points: Points

    def take(self, index: Index) -> Equations:
        """The equations of some of the points."""
        return Equations(self.problem, self.channel, self.points.take(index))

    def at(self, lam: Array) -> Equations:
        """The same equations at other ridge penalties."""
        return Equations(self.problem, self.channel, self.points._replace(lam=lam))

    def warm(self, temperature: Array) -> Equations:
        """The same equations at other temperatures."""
        points = self.points._replace(temperature=temperature)
        return Equations(self.problem, self.channel, points)

    def overlaps(self, u: Array) -> Overlaps:
        """(V, Q, m) from u."""
        V, Q, a = np.exp(u).T
        return Overlaps(V, Q, np.sqrt(self.problem.teacher.rho * Q) * a / np.hypot(1.0, a))

    def coordinates(self, V: Array, Q: Array, m: Array) -> Array:
        """u from (V, Q, m); NaN where unphysical."""
        rest = self.problem.teacher.rho * Q - m * m
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([np.log(V), np.log(Q), np.log(m) - 0.5 * np.log(rest)], axis=-1)

    def evaluate(self, u: Array) -> Evaluation:
        """Residual u' - u and its Jacobian."""
        rho = self.problem.teacher.rho
        overlaps = self.overlaps(u)
        with np.errstate(all="ignore"):  # a wild trial point is rejected by its residual
            channel = self.channel.linearise(overlaps, self.points.temperature)
            new, outer = readout(self.problem, self.points, channel.hats)
            V, Q, m = new.T
            rest = rho * Q - m * m
            physical = ~(np.isfinite(rest + V) & ((V <= 0) | (Q <= 0) | (m <= 0) | (rest <= 0)))
            residual = self.coordinates(V, Q, m) - u
            # d(V, Q, m)/du before the sweep
            inner = np.zeros_like(outer)
            inner[:, 0, 0] = overlaps.V
            inner[:, 1, 1] = overlaps.Q
            inner[:, 2, 1] = 0.5 * overlaps.m
            inner[:, 2, 2] = overlaps.m / (1.0 + np.exp(2.0 * u[:, 2]))
            sweep = outer @ (channel.jacobian @ inner)
            jacobian = np.empty_like(sweep)
            jacobian[:, 0] = sweep[:, 0] / V[:, None]
            jacobian[:, 1] = sweep[:, 1] / Q[:, None]
            jacobian[:, 2] = (
                sweep[:, 2] * (rho * Q / (m * rest))[:, None]
                - 0.5 * rho * sweep[:, 1] / rest[:, None]
            )
        jacobian -= np.eye(3)
        return Evaluation(residual, jacobian, channel.accurate, physical)

    def weak_student(self) -> Array:
        """Start where lam dominates: one sweep from a student of vanishing norm."""
        size = np.ones_like(self.points.lam)
        m = 1e-9 * self.problem.teacher.rho**0.5
        tiny = self.coordinates(1e-8 * size, 1e-12 * size, m * size)
        residual = self.evaluate(tiny).residual
        return tiny + np.where(np.isfinite(residual).all(axis=1, keepdims=True), residual, 0.0)

    def strong_lam(self) -> Array:
        """A ridge penalty at which ``weak_student`` is close to the solution."""
        moments = self.problem.activation.moments
        if self.points.kernel:
            edge = moments.kappa_1**2 * self.points.alpha_T + moments.kappa_star**2
            return np.maximum(self.points.lam, 3.0 * edge)
        edge = moments.kappa_1**2 * (1 + np.sqrt(self.points.c)) ** 2 + moments.kappa_star**2
        return np.maximum(self.points.lam, 3.0 * np.maximum(self.points.alpha, 1.0) * edge)


@dataclass(frozen=True)
class Solution:
    """Iterates and verdicts of a batch of points.

    Attributes
    ----------
    u : ndarray of shape (points, 3)
        Last iterate in the coordinates of ``Equations``.
    residual, step : ndarray of shape (points,)
        Largest component of the undamped residual, and of the Newton step, there.
    status : ndarray of int8
        Members of ``Status``.
    evaluations : ndarray of int
        Evaluations of the equations spent on each point.
    """

    u: Array
    residual: Array
    step: Array
    status: NDArray[np.int8]
    evaluations: NDArray[np.int64]

    @property
    def converged(self) -> Bools:
        """Where ``status`` is CONVERGED."""
        return np.asarray(self.status == Status.CONVERGED)

    @staticmethod
    def blank(points: int) -> Solution:
        """Arrays to be filled by ``put``."""
        return Solution(
            np.full((points, 3), np.nan),
            np.full(points, np.nan),
            np.full(points, np.nan),
            np.full(points, Status.NONFINITE, np.int8),
            np.zeros(points, np.int64),
        )

    def put(self, index: Index, part: Solution) -> None:
        """Write the solution of some points; evaluations add up."""
        self.u[index], self.residual[index], self.step[index] = part.u, part.residual, part.step
        self.status[index] = part.status
        self.evaluations[index] += part.evaluations


def newton(equations: Equations, start: Array, tol: Tolerances) -> Solution:
    """Damped Newton from ``start`` for every point at once.

    Each round spends one evaluation per unfinished point: a trial that lowers the residual norm is
    accepted and a fresh step taken, otherwise the step is shortened. A point converges when
    residual and Newton step, both undamped, are below tolerance.

    Parameters
    ----------
    equations : Equations
    start : ndarray of shape (points, 3)
        Initial coordinates; rows that are not finite end as NONFINITE.
    tol : Tolerances

    Returns
    -------
    Solution
    """
    n = len(start)
    out = Solution.blank(n)
    active = np.flatnonzero(np.all(np.isfinite(start), axis=1))
    base, step = start[active].copy(), np.zeros((active.size, 3))
    norm, damping = np.full(active.size, np.inf), np.ones(active.size)
    for round_ in range(min(_ATTEMPT, tol.max_steps)):
        if not active.size:
            break
        trial = base + damping[:, None] * step
        value = equations.take(active).evaluate(trial)
        out.evaluations[active] += 1
        size = np.sqrt(np.sum(value.residual**2, axis=1))
        usable = np.isfinite(size) & np.all(np.isfinite(value.jacobian), axis=(1, 2))
        accept = usable & (size <= (1.0 - 1e-4 * damping) * norm)
        # At the rounding floor the norm cannot fall; the convergence test below decides there.
        accept |= usable & (size <= 1e-13)

        base[accept], norm[accept] = trial[accept], size[accept]
        fresh = _solve(value.jacobian[accept], -value.residual[accept])
        full = np.max(np.abs(fresh), axis=1)
        # No coordinate moves by more than a factor e^2 at once.
        step[accept] = fresh * np.minimum(1.0, 2.0 / np.maximum(full, 1e-300))[:, None]
        damping = np.where(accept, np.minimum(1.0, 4.0 * damping), 0.25 * damping)

        worst = np.max(np.abs(value.residual[accept]), axis=1)
        where = active[accept]
        good = (worst <= tol.residual) & (full <= tol.step)
        # The step that met the tolerance is taken too: what is left is quadratic in it, so that values
        # hardly depend on where the iteration started.
        out.u[where] = base[accept] + np.where(good[:, None], fresh, 0.0)
        out.residual[where], out.step[where] = worst, full
        accurate, physical = value.accurate[accept], value.physical[accept]
        out.status[where] = np.where(
            ~good,
            Status.MAX_STEPS,
            np.where(
                ~physical,
                Status.UNPHYSICAL,
                np.where(accurate, Status.CONVERGED, Status.QUADRATURE_INACCURATE),
            ),
        )
        ended = np.zeros(active.size, bool)
        ended[np.flatnonzero(accept)[good]] = True
        stuck = ~ended & (damping < 1e-5)
        stuck |= ~usable & (round_ == 0)  # nothing to fall back to from an unusable start
        broken = np.where(value.physical, Status.NONFINITE, Status.UNPHYSICAL)
        verdict = np.where(usable, Status.DIVERGED, broken)
        out.status[active[stuck]] = verdict[stuck]
        keep = ~(ended | stuck)
        active, base, step = active[keep], base[keep], step[keep]
        norm, damping = norm[keep], damping[keep]
    return out


def _solve(matrices: Array, vectors: Array) -> Array:
    """Batched 3 x 3 solve; a singular matrix gives the vector itself (a plain sweep)."""
    det = np.linalg.det(matrices)
    singular = ~(np.abs(det) > 0)
    safe = np.where(singular[:, None, None], -np.eye(3), matrices)
    return np.asarray(np.linalg.solve(safe, vectors[..., None])[..., 0])


def relax(equations: Equations, start: Array, tol: Tolerances, mixing: float = 0.4) -> Solution:
    """Newton after damped sweeps of the equations: slow, but not lost far from the solution.

    Rows that stop being finite stay where they were.
    """
    u, sweeps = start.copy(), min(_SWEEPS, tol.max_steps)
    for _ in range(sweeps):
        residual = equations.evaluate(u).residual
        good = np.all(np.isfinite(residual), axis=1)
        u[good] += mixing * residual[good]
    found = newton(equations, u, tol)
    found.evaluations[:] += sweeps
    return found


def follow(equations: Equations, tol: Tolerances) -> Solution:
    """Globally convergent fallback: follow each solution from strong regularisation.

    The energy is lam-strongly convex, so the solution exists, is unique and smooth in ln lam; the
    path from a large lam, where it is known, is followed with a secant predictor, Newton as
    corrector, and a step in ln lam that shrinks on failure.

    Returns
    -------
    Solution
        Points whose path could not be followed end as DIVERGED, or with the status of their last
        Newton attempt if they were within reach.
    """
    start = np.log(equations.strong_lam())
    strong = equations.at(np.exp(start))
    first = newton(strong, strong.weak_student(), tol)

    def at(index: Index, x: Array) -> Equations:
        return equations.take(index).at(np.exp(x))

    return _continue(at, start, np.log(equations.points.lam), first, tol)


def cool(equations: Equations, tol: Tolerances) -> Solution:
    """The branch that begins at high temperature, as ``follow`` but along ln T.

    For losses that are not convex, whose solution need be neither unique nor smooth in lam.
    """
    points = equations.points
    start = np.log(np.maximum(points.temperature, _HOT))
    hot = equations.warm(np.exp(start))
    first = relax(hot, hot.weak_student(), tol)

    def at(index: Index, x: Array) -> Equations:
        return equations.take(index).warm(np.exp(x))

    return _continue(at, start, np.log(points.temperature), first, tol)


def _continue(
    at: Callable[[Index, Array], Equations],
    here: Array,
    target: Array,
    first: Solution,
    tol: Tolerances,
) -> Solution:
    """Follow solutions down a coordinate, from ``here`` to ``target``, both of shape (points,)."""
    n = target.size
    out = Solution.blank(n)
    here = here.copy()
    out.put(np.arange(n), first)
    known, slope = first.u.copy(), np.zeros((n, 3))
    stride = np.full(n, 1.0)
    active = np.flatnonzero(first.converged & (here > target))
    while active.size:
        next_ = np.maximum(target[active], here[active] - stride[active])
        guess = known[active] + slope[active] * (next_ - here[active])[:, None]
        part = newton(at(active, next_), guess, tol)
        ok = part.converged
        moved = active[ok]
        slope[moved] = (part.u[ok] - known[moved]) / (next_[ok] - here[moved])[:, None]
        known[moved], here[moved] = part.u[ok], next_[ok]
        cheap = part.evaluations[ok] <= 6
        stride[moved] *= np.where(cheap, 2.0, 1.0)
        stride[active[~ok]] *= 0.25
        out.put(active, part)
        lost = active[~ok & (stride[active] < 1e-3)]
        out.status[lost] = np.where(
            out.status[lost] == Status.MAX_STEPS, Status.DIVERGED, out.status[lost]
        )
        going = (here[active] > target[active]) & (stride[active] >= 1e-3)
        spent = out.evaluations[active] >= tol.max_steps
        out.status[active[going & spent]] = Status.MAX_STEPS
        active = active[going & ~spent]
    return out
