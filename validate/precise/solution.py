"""``solve``: one point of the saddle-point equations at many digits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.axes import check_count, check_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.custom import CustomLink
from twinpeaks.validate.precise.channel import Channel
from twinpeaks.validate.precise.deep import influence
from twinpeaks.validate.precise.first_way import Graph, SecondMoments
from twinpeaks.validate.precise.losses import Formula, formula
from twinpeaks.validate.precise.moments import moments
from twinpeaks.validate.precise.rules import LOW, legendre, tanh_sinh
from twinpeaks.validate.precise.saddle_point import Equations, Sweep, find, polish
from twinpeaks.validate.precise.second_way import Field
from twinpeaks.validate.precise.spectrum import DENSITY, RESOLVENT, law_for
from twinpeaks.validate.precise.teachers import labels

__all__ = ["Precise", "check_point", "solve"]

Real = Any
# Traces cancel at small and large z, tilted moments at large beta.
_GUARD = 15
# Digits that an ill-conditioned saddle point may take from its integrals.
_MARGIN = 6


@dataclass(frozen=True)
class Precise:
    """A solved point; ``point["bmd"]`` is one variable of it.

    Attributes
    ----------
    values : mapping of str to mpf
        V q_0 q_d p_0 p_d Q_0 Q_d m r train_loss train_error test_error test_error_mean bmd
        bmd_mean energy free_energy replicon, and at finite beta free_entropy and entropy, defined
        as in the Dataset of ``tp.solve``.
    errors : mapping of str to mpf
        Of each, the relative difference of the two evaluations.
    """

    values: Mapping[str, Any]
    errors: Mapping[str, Any]

    @property
    def error(self) -> Real:
        """The largest relative difference of the two evaluations."""
        return max(self.errors.values())

    @property
    def digits(self) -> int:
        """Digits on which they agree in every variable."""
        return int(-mp.log10(max(self.error, mp.mpf(10) ** -99)))

    def __getitem__(self, name: str) -> Real:
        return self.values[name]


def solve(
    problem: Problem,
    *,
    overparam: float,
    alpha_T: float,
    lam: float,
    beta: float = math.inf,
    dps: int = 50,
    start: Mapping[str, Any] | None = None,
) -> Precise:
    """Solve one point in mpmath, twice.

    Parameters
    ----------
    problem : Problem
        Its callables, if any, must accept mpmath numbers.
    overparam, alpha_T, lam, beta : float
        As in ``tp.solve``, taken as the exact binary numbers that they are; overparam finite
        and lam positive.
    dps : int
        Digits of the integrals, at least 20; about ``dps - 6`` of the result are right, fewer
        within rounding of a phase transition.
    start : mapping, optional
        ``V``, ``Q_0`` and ``m`` near the solution, such as the Dataset of ``tp.solve`` at this
        point. It saves time and decides nothing.

    Returns
    -------
    Precise

    Raises
    ------
    ValueError
        For a limit (overparam = inf, lam = 0), random labels, a component without mpmath formulas, or a point
        that was not reached; the message says what to do.

    Notes
    -----
    The first evaluation integrates along the graph of the prox by Gauss-Legendre, tilted measures by
    closed forms or the trapezoidal rule, and takes the spectrum from its resolvent. The second
    integrates over omega by tanh-sinh with the prox by root finding, tilted measures by
    Gauss-Legendre panels with other formulas, and takes the spectrum from its density. They share
    the problem, the iteration and the definitions of the observables, but no integral. With square
    loss the first is algebraic; with ``CustomLink`` both are.

    Examples
    --------
    >>> import twinpeaks as tp
    >>> point = tp.precise.solve(tp.Problem(), overparam=1.0, alpha_T=3.0, lam=1e-4, dps=30)
    >>> print(f"{float(point['test_error']):.12f}", point.digits >= 20)
    0.380570806796 True
    """
    if not isinstance(problem, Problem):
        raise InvalidProblem(f"problem = {problem!r}: give an instance of tp.Problem")
    point = _Point(problem, **check_point(overparam=overparam, alpha_T=alpha_T, lam=lam, beta=beta))
    if not problem.loss.convex and math.isinf(point.beta):
        raise ValueError(f"beta = inf with loss = {problem.loss!r}: give a finite beta")
    if problem.teacher.silent:
        raise ValueError(
            f"teacher = {problem.teacher!r}: its labels are random and m = 0, while the digits are those "
            "of ln m; solve them by tp.solve, or nearly random ones such as tp.FlippedSign(flip=0.499999)"
        )
    check_count("dps", dps, 20)
    with mp.workdps(LOW + _GUARD):
        u, inverse = find(point.equations(LOW, first=True), start)
    with mp.workdps(dps + _GUARD):
        first = point.equations(dps, first=True)
        u, sweep, inverse = polish(first, u, inverse, dps - _MARGIN)
        values = point.observables(first, u, sweep)
        second = point.equations(dps, first=False)
        v, sweep, _ = polish(second, u, inverse, dps - _MARGIN)
        others = point.observables(second, v, sweep)
        errors = {k: _difference(x, others[k]) for k, x in values.items()}
    return Precise(values, errors)


def check_point(**axes: float) -> dict[str, float]:
    """The axes of one point away from the limits, or a ValueError that names the one that is not."""
    return {
        name: check_number(name, value, "(0, inf]" if name == "beta" else "(0, inf)")
        for name, value in axes.items()
    }


def _difference(a: Real, b: Real) -> Real:
    return abs(a - b) / max(abs(a), abs(b)) if a != b else mp.mpf(0)


@dataclass(frozen=True)
class _Point:
    problem: Problem
    overparam: float
    alpha_T: float
    lam: float
    beta: float

    def equations(self, digits: float, *, first: bool) -> Equations:
        """One of the two evaluations."""
        problem = self.problem
        law = labels(problem.teacher, digits + 3)
        kind = self._channel(formula(problem.loss), first)
        T = 1 / mp.mpf(self.beta)
        rule = legendre if first else tanh_sinh
        return Equations(
            kind(formula(problem.loss), law, T, digits),
            law_for(problem.features, RESOLVENT if first else DENSITY),
            problem.features,
            moments(problem.activation, digits + 5, rule),
            1 / mp.mpf(self.overparam),
            mp.mpf(self.alpha_T) * mp.mpf(self.overparam),
            mp.mpf(self.lam),
        )

    def _channel(self, loss: Formula, first: bool) -> type[Channel]:
        square = loss.of == "difference" and loss.pieces is not None
        if square and (first or isinstance(self.problem.teacher, CustomLink)):
            return SecondMoments
        return Graph if first else Field

    def observables(self, equations: Equations, u: list[Real], sweep: Sweep) -> dict[str, Real]:
        """Every variable, at the solution u."""
        V, Q, m = equations.overlaps(u)
        a, t, k = sweep.averages, sweep.traces, equations.moments
        channel, T, alpha = equations.channel, equations.channel.T, equations.alpha
        Vh, Qh, mh = alpha * a.Vh, alpha * a.Qh, alpha * a.mh
        k2 = k.kappa_1**2
        q_0 = Qh * t.OmegaR2 + mh * mh * t.TR2
        p_0 = Qh * t.SOmegaR2 + mh * mh * t.TSR2
        q_d, p_d = q_0 + T * t.R, p_0 + T * t.SR
        Q_0, Q_d = k2 * p_0 + k.star2 * q_0, k2 * p_d + k.star2 * q_d
        rho = mp.mpf(self.problem.teacher.rho)
        bent, noise, signal = influence(
            equations.law, equations.features, equations.c, k, rho, equations.lam, Vh, t
        )
        bent_0 = Qh * noise + mh * mh * signal
        energy = alpha * a.loss + equations.lam * q_d / 2
        free = m * mh - (Q_d * Vh - V * Qh) / 2 - (mh * mh * t.TR + Qh * t.OmegaR) / 2
        free -= alpha * a.potential
        if T:
            free += T * (t.log_det - mp.log(2 * mp.pi * T)) / 2
        error = channel.test_error(m, Q_d)
        values = {
            "V": V,
            "q_0": q_0,
            "q_d": q_d,
            "p_0": p_0,
            "p_d": p_d,
            "Q_0": Q_0,
            "Q_d": Q_d,
            "m": m,
            "r": m / k.kappa_1,
            "train_loss": a.loss,
            "train_error": channel.train_error(V, Q, m),
            "test_error": error,
            "test_error_mean": channel.test_error(m, Q_0) if T else error,
            "bmd": (bent_0 + T * bent) / Q_d,
            "bmd_mean": bent_0 / Q_0,
            "energy": energy,
            "free_energy": free,
            "replicon": 1 - alpha * a.stiffness * t.Omega2R2,
        }
        if T:
            values |= {"free_entropy": -free / T, "entropy": (energy - free) / T}
        return values
