"""What a loss is: its contract, and the two families that most losses belong to.

Derive from ``MarginLoss`` (a function of y t, labels -1 and +1) or ``DifferenceLoss`` (an even function
of y - t). ``value``, ``slope`` and ``curvature`` are l and its first two derivatives in t, written for
any array that follows the Python array API, so that the theory (numpy) and the simulation (torch) share
one definition. The contract tests check them against each other.

The solver never needs the proximal operator itself: with omega = t + V l'(y, t) as the change of
variable, its graph is explicit (graph.py). ``prox`` is there for users, for mesh edges and for tests.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.losses._rest import resting_place

__all__ = ["DifferenceLoss", "Loss", "MarginLoss", "Wing"]


class Wing(NamedTuple):
    """What a loss is beyond an edge, outwards: a parabola, or a straight line.

    Attributes
    ----------
    edge : float
        Where it begins.
    slope, curvature : float
        First derivative at the edge, and the constant second derivative. An infinite slope is a
        wall: at temperatures below 1e-3 of the loss at the edge nothing lies beyond.
    error : float
        Largest departure of the loss from it, absolute; 0 where the form is exact.
    """

    edge: float
    slope: float
    curvature: float = 0.0
    error: float = 0.0


class Loss:
    """A loss convex in the student output.

    Attributes
    ----------
    quadratic : float or None
        a when l(y, t) = (y - t)^2 / (2 a), for which every Gaussian integral is closed form; the
        limit a = 0 is the constraint t = y.
    convex : bool
        False admits the loss at finite temperature only.
    strip : float
        Distance of the complex singularities of l from the real axis; 0 for losses that are not
        analytic. An analytic loss has its tilted averages by the trapezoidal rule.
    of : {"margin", "difference"} or None
        The one argument that l depends on: y t, or y - t.
    laborious : bool
        Whether a slope costs many values, so that integrals over t at finite beta take seconds.
    piecewise_quadratic : bool
        Whether l is quadratic, or linear, in t between neighbouring kinks and knots: beta = inf is
        then closed form with most teachers.
    """

    quadratic: float | None = None
    convex: bool = True
    strip: float = 0.0
    of: str | None = None
    piecewise_quadratic: bool = False
    laborious: bool = False

    @cached_property
    def least(self) -> tuple[float, float] | None:
        """Where l is smallest in its one argument, from one end to the other.

        (1, inf) for the hinge loss, (0, 0) for the square loss, (inf, inf) where l falls for ever, None
        for a loss of more than one argument. It decides what the limit lam -> 0 asks of data that can
        be fitted.
        """
        if self.of is None:
            return None
        sign, y = (1.0, 1.0) if self.of == "margin" else (-1.0, 0.0)  # of e, at y = 0: t = -e
        cuts = tuple(sign * k for k in self._cuts(y))
        return resting_place(
            lambda s: self.value(y, sign * s), lambda s: sign * self.slope(y, sign * s), cuts
        )

    @cached_property
    def hinge(self) -> tuple[float, float] | None:
        """(a, T) where l = a max(T - y t, 0) up to a constant, with a, T > 0; None elsewhere."""
        if self.of != "margin" or self.least is None or self.least[1] != np.inf:
            return None
        edge = self.least[0]
        if tuple(self.kinks(1.0)) != (edge,) or not edge > 0:
            return None
        gap = 2.0 ** np.arange(-4.0, 6.0)
        steep = (self.value(1.0, edge - gap) - self.value(1.0, np.full(gap.size, edge))) / gap
        return (float(steep[-1]), edge) if np.ptp(steep) < 1e-12 * steep[-1] else None

    def _cuts(self, y: float) -> tuple[float, ...]:
        """Values of t where l may change its form."""
        return (*self.kinks(y), *self.knots(y))

    def value(self, y: Any, t: Any) -> Any:
        """l(y, t), elementwise."""
        raise NotImplementedError

    def slope(self, y: Any, t: Any) -> Any:
        """dl/dt, elementwise."""
        raise NotImplementedError

    def curvature(self, y: Any, t: Any) -> Any:
        """d^2 l/dt^2, elementwise and >= 0."""
        raise NotImplementedError

    def kinks(self, y: float) -> tuple[float, ...]:
        """Values of t, sorted, where the slope jumps."""
        return ()

    def knots(self, y: float) -> tuple[float, ...]:
        """Values of t between which l varies on one scale; they become mesh edges."""
        return (0.0,)

    @property
    def smooth(self) -> bool:
        """Whether it is convex with a continuous slope: it has a force everywhere."""
        constraint = self.quadratic is not None and not self.quadratic > 0
        return self.convex and not constraint and not len(self.kinks(1.0))

    @property
    def trainable(self) -> bool:
        """Whether its minimum at finite size is found to a guaranteed accuracy.

        If smooth, it is; and the dual problem of one hinge, a quadratic one in a box, bounds the distance.
        """
        return self.smooth or self.hinge is not None

    def centred(self, y: float) -> tuple[float, float]:
        """A label y' and a shift with l(y, t) = l(y', t - shift).

        Where V is large, t lies so close to the shift that only t - shift keeps its digits.
        """
        return y, 0.0

    def symbolic(self, y: Any, t: Any) -> Any:
        """l(y, t) in sympy, traced from ``value``; override where that has a shorter form."""
        from twinpeaks.theory.derivation.trace import trace

        return trace(self.value, y, t)

    def wings(self, y: float) -> tuple[Wing, Wing] | None:
        """What l is for t below the first edge and above the second, if it is quadratic there.

        Declaring it makes finite temperature cheap. Between different edges the loss must be
        analytic, with ``strip`` > 0.
        """
        return None

    def increment(self, y: Any, t: Any, d: Any) -> Any:
        """l(y, t + d) - l(y, t); override where the difference cancels."""
        return self.value(y, t + d) - self.value(y, t)

    def prox(self, y: ArrayLike, omega: ArrayLike, V: ArrayLike, max_steps: int = 200) -> Array:
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
        t = np.where(low * high < 0, 0.0, 0.5 * (low + high))  # the bracket may span decades
        for _ in range(max_steps):
            excess = t + V * self.slope(y, t) - omega
            high, low = np.where(excess >= 0, t, high), np.where(excess <= 0, t, low)
            newton = t - excess / (1.0 + V * self.curvature(y, t))
            inside = (newton > low) & (newton < high)
            new = np.where(inside, newton, 0.5 * (low + high))
            # Near t = 0 rounding of omega, not of t, sets the resolution.
            resolution = 4e-16 * np.maximum(np.abs(t), 1e-3 * np.minimum(np.abs(omega), 1.0))
            done = (np.abs(new - t) <= resolution) | (excess == 0.0) | (high - low <= resolution)
            t = np.where(excess == 0.0, t, new)
            if np.all(done):
                break
        return np.asarray(t)


class MarginLoss(Loss):
    """A loss of the margin s = y t alone, for labels y = -1, +1.

    Subclasses give ``margin_value`` and its two derivatives, with ``margin_kinks``,
    ``margin_knots`` and ``margin_wings`` where there are any.
    """

    of = "margin"
    margin_kinks: tuple[float, ...] = ()
    margin_knots: tuple[float, ...] = (0.0,)
    margin_wings: tuple[Wing, Wing] | None = None

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

    def kinks(self, y: float) -> tuple[float, ...]:
        """The margin kinks, seen from label y."""
        return tuple(sorted(y * s for s in self.margin_kinks))

    def knots(self, y: float) -> tuple[float, ...]:
        """The margin knots, seen from label y."""
        return tuple(sorted(y * s for s in self.margin_knots))

    def wings(self, y: float) -> tuple[Wing, Wing] | None:
        """The wings in the margin, seen from label y."""
        if self.margin_wings is None or y > 0:
            return self.margin_wings
        left, right = (w._replace(edge=-w.edge, slope=-w.slope) for w in self.margin_wings)
        return right, left


class DifferenceLoss(Loss):
    """A loss of the residual e = y - t alone, even in it.

    Subclasses give ``residual_value`` and its two derivatives in e, with ``residual_kinks`` (jumps
    of the slope) and ``residual_knots``.
    """

    of = "difference"
    residual_kinks: tuple[float, ...] = ()
    residual_knots: tuple[float, ...] = (0.0,)

    def residual_value(self, e: Any) -> Any:
        """The loss as a function of the residual."""
        raise NotImplementedError

    def residual_slope(self, e: Any) -> Any:
        """Its first derivative."""
        raise NotImplementedError

    def residual_curvature(self, e: Any) -> Any:
        """Its second derivative."""
        raise NotImplementedError

    def value(self, y: Any, t: Any) -> Any:
        """phi(y - t)."""
        return self.residual_value(y - t)

    def slope(self, y: Any, t: Any) -> Any:
        """-phi'(y - t)."""
        return -self.residual_slope(y - t)

    def curvature(self, y: Any, t: Any) -> Any:
        """phi''(y - t)."""
        return self.residual_curvature(y - t)

    def centred(self, y: float) -> tuple[float, float]:
        """Residuals of label y are those of label 0, seen from y."""
        return 0.0, y

    def kinks(self, y: float) -> tuple[float, ...]:
        """The residual kinks, seen from label y."""
        return tuple(sorted(y - e for e in self.residual_kinks))

    def knots(self, y: float) -> tuple[float, ...]:
        """The residual knots, seen from label y."""
        return tuple(sorted(y - e for e in self.residual_knots))
