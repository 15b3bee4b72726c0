r"""Ridge regression at complex penalties: the effective ridge u of every penalty.

With G_u = (u + Omega)^{-1}, a penalty l and its effective ridge u = l / Vh are tied by

    l(u) = u (alpha - <Omega G_u>),

explicit in u. Where no eigenvalue of the design is in the way, 1/u = alpha int dnu(x) / (x + l), with
nu the law of the eigenvalues x of X X^T; so u lies in the upper half plane where l does, with a smaller
argument, and is unique there. On the real axis right of the spectrum l(u) is convex and increasing, and
Newton's method falls to u from any point above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.feature_laws.base import Traces
from twinpeaks.theory.feature_laws.pairs import Pairs, Ridge
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.training_time.contour import Complex

__all__ = ["Penalties", "Ridges"]

_FAR = 1e20  # <Omega> = u <Omega G_u> there, to rounding
_DEEP = 1e-60  # what is below is 0
_STEPS = 400
_SETTLED = 1e-14
_TURNS = 8
_RESOLVED = 1e-10  # of kappa_star^2, below which u(x) may be rounding
_ACCURATE = 1e-11  # of u


class Ridges(NamedTuple):
    """Effective ridges of penalties, with what one resolvent gives.

    Attributes
    ----------
    l, u, Vh : ndarray
        Penalty, effective ridge, and their ratio.
    inner : ndarray
        The coordinate of the law of features at u.
    traces : Traces
        With R = G_u.
    error : float
        Estimate of the largest relative error of u.
    """

    l: Any  # noqa: E741
    u: Any
    Vh: Any
    inner: Any
    traces: Traces
    error: float

    @property
    def ridge(self) -> Ridge:
        """What ``FeatureLaw.pairs`` takes, at the nodes."""
        return Ridge(self.u, self.inner)

    @property
    def both(self) -> Ridge:
        """The same at the nodes and at their conjugates."""
        return Ridge(*(np.concatenate([a, a.conj()], axis=-1) for a in self.ridge))


@dataclass(frozen=True)
class Penalties:
    """One point of the model, at any penalty.

    Parameters
    ----------
    problem : Problem
    alpha, c : float
        P/N and N/D.
    """

    problem: Problem
    alpha: float
    c: float

    def traces(self, u: Array) -> Traces:
        """One-resolvent traces at real effective ridges."""
        problem = self.problem
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            return problem.features.traces(
                np.full(u.shape, self.c),
                problem.activation.moments,
                problem.teacher.rho,
                u,
                np.ones(u.shape),
            )

    def pairs(self, one: Ridge, other: Ridge) -> Pairs:
        """Two-resolvent averages at every pair."""
        problem = self.problem
        moments, rho = problem.activation.moments, problem.teacher.rho
        return problem.features.pairs(self.c, moments, rho, one, other)

    def _inner(self, x: Any) -> tuple[Any, Any, Traces]:
        """u, du/dx and traces, explicit in the coordinate of the law."""
        problem = self.problem
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            c = np.full(np.shape(x), self.c)
            moments, rho = problem.activation.moments, problem.teacher.rho
            return problem.features.at_inner(c, moments, rho, x)

    def _parts(self, u: Any, t: Traces) -> tuple[Any, Any]:
        """Vh = l(u) / u and u <Omega G^2> = l'(u) - Vh."""
        # <Omega G> = 1 - u <G>: the smaller one loses less
        small = np.abs(t.OmegaR) <= np.abs(u * t.R)
        Vh = np.where(small, self.alpha - t.OmegaR, (self.alpha - 1.0) + u * t.R)
        return Vh, u * t.OmegaR2

    def edge(self) -> float:
        """Smallest eigenvalue of X X^T; 0 where there are more patterns than directions.

        At the root of l'(u) = alpha - <Omega^2 G_u^2> below the u of l = 0.
        """
        from scipy.optimize import brentq

        def slope(x: float) -> float:
            u = np.array([np.exp(x)])
            Vh, more = self._parts(u, self.traces(u))
            return float((Vh + more)[0])

        low, high = np.log(_DEEP), 0.0
        while slope(high) <= 0:
            high += 2.0
        if slope(low) >= 0:
            return 0.0
        root = float(np.exp(brentq(slope, low, high, xtol=1e-14, rtol=1e-14, maxiter=1000)))
        u = np.array([root])
        Vh, _ = self._parts(u, self.traces(u))
        return max(0.0, -root * float(Vh[0]))

    def at(self, base: float, s: Complex) -> Ridges:
        """Effective ridges of the penalties base + s.

        Parameters
        ----------
        base : float
            No eigenvalue of X X^T is below -base.
        s : ndarray
            Off the negative real axis.
        """
        size, angle = np.abs(s), np.angle(s)
        mean = _FAR * float(self.traces(np.array([_FAR])).OmegaR[0])
        above = (base + size + mean) / self.alpha
        x: Any = self.problem.features.inner(self.c, self.problem.activation.moments, above)
        x, u, _ = self._newton(x, None, base + size, _STEPS, _SETTLED)
        for turn in range(1, _TURNS):
            on = size * np.exp(1j * angle * turn / _TURNS)
            x, u, _ = self._newton(x, u, base + on, 20, 1e-3)
        x, u, error = self._newton(x, u, base + s, 40, _SETTLED)
        _, _, t = self._inner(x)
        if not np.all(u.imag * s.imag >= 0):  # another sheet
            error = np.inf
        penalty = base + s
        return Ridges(penalty, u, penalty / u, x, t, error)

    def accurate(self, ridges: Ridges) -> bool:
        """Whether the equations were solved."""
        return bool(ridges.error < _ACCURATE and np.all(np.isfinite(ridges.u)))

    def _newton(
        self, x: Any, u: Any, penalty: Any, steps: int, settled: float
    ) -> tuple[Any, Any, float]:
        """Newton's method for l(u(x)) = penalty in all entries; the last step, relative to u.

        A small u is rounding as the difference that u(x) is, and is followed beside x.
        """
        error = np.inf
        resolved = _RESOLVED * self.problem.activation.moments.kappa_star**2
        for _ in range(steps):
            found, slope, t = self._inner(x)
            u = found if u is None else np.where(np.abs(found - u) > resolved, found, u)
            Vh, more = self._parts(u, t)
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                step = (u * Vh - penalty) / (Vh + more)
                change = float(np.max(np.abs(step / u)))
                x = x + (u - step - found) / slope
            u = u - step
            # rounding: steps that are small and fall no more
            if not change > settled or (change < 1e-9 and change >= 0.5 * error):
                return x, u, change
            error = change
        return x, u, error
