"""Losses l(y, t) of a label y and a student output t.

A new loss is one frozen dataclass here. ``value``, ``slope`` and ``curvature`` are l and its first two
derivatives in t, written for any array that follows the Python array API, so that the theory (numpy)
and the simulation (torch) share one definition. The contract tests check them against each other.

The solver never needs the proximal operator itself: with omega = t + V l'(y, t) as the change of
variable, its graph is explicit. ``prox`` is there for users, for mesh edges and for the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike, NDArray

__all__ = ["Logistic", "Loss", "MarginLoss", "Square"]


class Loss:
    """A loss convex and differentiable in the student output.

    Attributes
    ----------
    quadratic : bool
        True when l(y, t) = (y - t)^2 / 2, for which every Gaussian integral is closed form.
    """

    quadratic: bool = False

    def value(self, y: Any, t: Any) -> Any:
        """l(y, t), elementwise."""
        raise NotImplementedError

    def slope(self, y: Any, t: Any) -> Any:
        """dl/dt, elementwise."""
        raise NotImplementedError

    def curvature(self, y: Any, t: Any) -> Any:
        """d^2 l/dt^2, elementwise and >= 0."""
        raise NotImplementedError

    def knots(self, y: float) -> tuple[float, ...]:  # noqa: ARG002
        """Values of t between which l varies on one scale; they become mesh edges."""
        return (0.0,)

    def prox(
        self, y: ArrayLike, omega: ArrayLike, V: ArrayLike, max_steps: int = 200
    ) -> NDArray[np.float64]:
        """Proximal operator argmin_t (t - omega)^2 / (2 V) + l(y, t).

        Parameters
        ----------
        y, omega, V : array_like
            Label, centre and width (V > 0); they broadcast.
        max_steps : int
            Limit on safeguarded Newton steps.

        Returns
        -------
        ndarray
            The minimiser, to rounding of t.

        Notes
        -----
        Newton on the increasing function t + V l'(y, t) - omega inside a bracket that every
        evaluation shrinks; a step that leaves the bracket is replaced by bisection.
        """
        y, omega, V = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (y, omega, V)))
        # t lies between omega and omega - V l'(omega), because l' is non-decreasing.
        far = omega - V * self.slope(y, omega)
        low, high = np.minimum(omega, far), np.maximum(omega, far)
        t = 0.5 * (low + high)
        for _ in range(max_steps):
            excess = t + V * self.slope(y, t) - omega
            high, low = np.where(excess >= 0, t, high), np.where(excess <= 0, t, low)
            newton = t - excess / (1.0 + V * self.curvature(y, t))
            inside = (newton > low) & (newton < high)
            new = np.where(inside, newton, 0.5 * (low + high))
            # Near t = 0 rounding of omega, not of t, sets the resolution.
            resolution = 4e-16 * np.maximum(np.abs(t), 1e-3 * np.minimum(np.abs(omega), 1.0))
            done = (np.abs(new - t) <= resolution) | (excess == 0.0)
            t = np.where(excess == 0.0, t, new)
            if np.all(done):
                break
        return np.asarray(t)


@dataclass(frozen=True)
class Square(Loss):
    """l = (y - t)^2 / 2."""

    quadratic = True

    def value(self, y: Any, t: Any) -> Any:
        """(y - t)^2 / 2."""
        return 0.5 * (y - t) ** 2

    def slope(self, y: Any, t: Any) -> Any:
        """T - y."""
        return t - y

    def curvature(self, y: Any, t: Any) -> Any:
        """1."""
        xp = array_namespace(t)
        return xp.ones_like(t) + 0.0 * y

    def prox(
        self,
        y: ArrayLike,
        omega: ArrayLike,
        V: ArrayLike,
        max_steps: int = 200,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """(omega + V y) / (1 + V)."""
        y, omega, V = (np.asarray(a, dtype=float) for a in (y, omega, V))
        return np.asarray((omega + V * y) / (1.0 + V))


class MarginLoss(Loss):
    """A loss of the margin s = y t alone, for labels y = -1, +1.

    Subclasses give ``margin_value`` and its two derivatives, and ``margin_knots``.
    """

    margin_knots: tuple[float, ...] = (0.0,)

    def margin_value(self, s: Any) -> Any:
        """The loss as a function of the margin."""
        raise NotImplementedError

    def margin_slope(self, s: Any) -> Any:
        """Its first derivative."""
        raise NotImplementedError

    def margin_curvature(self, s: Any) -> Any:
        """Its second derivative."""
        raise NotImplementedError

    def value(self, y: Any, t: Any) -> Any:
        """phi(y t)."""
        return self.margin_value(y * t)

    def slope(self, y: Any, t: Any) -> Any:
        """Return y phi'(y t)."""
        return y * self.margin_slope(y * t)

    def curvature(self, y: Any, t: Any) -> Any:
        """Return y^2 phi''(y t), with y^2 = 1."""
        return self.margin_curvature(y * t)

    def knots(self, y: float) -> tuple[float, ...]:
        """The margin knots, seen from label y."""
        return tuple(sorted(y * s for s in self.margin_knots))


@dataclass(frozen=True)
class Logistic(MarginLoss):
    """l = log(1 + exp(-y t))."""

    # Poles of the sigmoid at +-i pi: panels double away from the origin, and 36 is where
    # exp(-s) falls below rounding.
    margin_knots = (-36.0, -16.0, -8.0, -4.0, -1.5, 1.5, 4.0, 8.0, 16.0, 36.0)

    def margin_value(self, s: Any) -> Any:
        """log(1 + exp(-s)), without overflow or cancellation."""
        xp = array_namespace(s)
        return xp.log1p(xp.exp(-xp.abs(s))) + xp.where(s < 0, -s, xp.zeros_like(s))

    def margin_slope(self, s: Any) -> Any:
        """-1 / (1 + exp(s)), relative accuracy in both tails."""
        xp = array_namespace(s)
        e = xp.exp(-xp.abs(s))
        return -xp.where(s < 0, xp.ones_like(s), e) / (1.0 + e)

    def margin_curvature(self, s: Any) -> Any:
        """sigmoid(s) sigmoid(-s)."""
        xp = array_namespace(s)
        e = xp.exp(-xp.abs(s))
        return e / (1.0 + e) ** 2
