"""A loss given as a callable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import are_numbers
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.numerics.callables import elementwise, on_host
from twinpeaks.theory.numerics.fingerprint import named
from twinpeaks.theory.numerics.piecewise import approximate

__all__ = ["CustomLoss"]

_WINDOW = 0.25
# A callable may vary on the scale of its distance from the origin.
_GRADED = tuple(sign * 2.0**k for sign in (-1, 1) for k in range(13))
_NODES = chebyshev.chebpts1(12)
_TO_CHEBYSHEV = np.linalg.inv(chebyshev.chebvander(_NODES, _NODES.size - 1)).T


class _Parabolas(NamedTuple):
    """A function that is quadratic between its cuts: slope and curvature at the middle of each piece."""

    cuts: Array
    middle: Array
    slope: Array
    bend: Array

    def derivative(self, x: Array, order: int) -> Array:
        """First or second derivative; at a cut, that of the piece above."""
        piece = np.searchsorted(self.cuts, x, side="right")
        bend = self.bend[piece]
        return self.slope[piece] + bend * (x - self.middle[piece]) if order == 1 else bend


@dataclass(frozen=True)
class CustomLoss(Loss):
    """A convex loss given as a callable.

    Parameters
    ----------
    function : callable
        ``function(s)`` of the margin s = y t, or of the residual e = y - t, elementwise on arrays.
    of : {"margin", "difference"}
        What the callable is a function of.
    derivative, second : callable, optional
        Its first two derivatives. Without them the callable is differentiated by interpolation on
        12 Chebyshev nodes around each point, to about 1e-12 and 1e-10 for a loss that is smooth
        between its declared kinks and knots.
    kink_points : tuple of float
        Where the slope jumps.
    knot_points : tuple of float
        Where the loss changes its form without a jump of the slope.
    name : str, optional
        How the loss is written in results; the callable's own name with a fingerprint of its values
        by default.

    Notes
    -----
    Small lam lets the data be fitted to within about lam, and the loss at its minimum is then asked
    for to relative accuracy: write sqrt(1 + e^2) - 1, which cancels there, as
    e^2 / (1 + sqrt(1 + e^2)). Otherwise such points end as QUADRATURE_INACCURATE.

    Raises
    ------
    InvalidProblem
        If the callable is not finite and convex on [-20, 20], has a kink there that is not
        declared, or ``of`` is neither word.
    """

    function: Callable[[Any], Any]
    of: str = "margin"
    derivative: Callable[[Any], Any] | None = None
    second: Callable[[Any], Any] | None = None
    kink_points: tuple[float, ...] = ()
    knot_points: tuple[float, ...] = ()
    name: str = field(default="")

    _parabolas: ClassVar[_Parabolas | None] = None

    def __post_init__(self) -> None:
        """Check the callable on a grid."""
        if self.of not in ("margin", "difference"):
            raise InvalidProblem(f"of = {self.of!r}: give 'margin' or 'difference'")
        elementwise("function", self.function)
        for name in ("derivative", "second"):
            if getattr(self, name) is not None:
                elementwise(name, getattr(self, name))
        for name in ("kink_points", "knot_points"):
            if not are_numbers(getattr(self, name)):
                raise InvalidProblem(f"{name} = {getattr(self, name)!r}: give finite numbers")
        if not self.name:
            object.__setattr__(
                self, "name", named(self.function, 3.0, self.kink_points, self.knot_points)
            )
        x = np.linspace(-20, 20, 401)
        values = np.asarray(self.function(x), dtype=float)
        if values.shape != x.shape or not np.all(np.isfinite(values)):
            raise InvalidProblem(f"loss = {self!r}: not finite and elementwise on [-20, 20]")
        bend = values[2:] - 2 * values[1:-1] + values[:-2]
        if np.min(bend) < -1e-9 * np.max(np.abs(values)):
            at = x[1 + int(np.argmin(bend))]
            raise InvalidProblem(f"loss = {self!r}: not convex near {at:g}; the theory needs it")
        odd = np.max(np.abs(values - values[::-1]))
        if self.of == "difference" and odd > 1e-12 * np.max(np.abs(values)):
            raise InvalidProblem(
                f"loss = {self!r}: it is not even in the residual, and would train a bias that the "
                "theory leaves out; give an even function of y - t"
            )
        self._refuse_hidden_kinks()
        self._recognise_parabolas()
        interpolated = self.derivative is None and self._parabolas is None
        object.__setattr__(self, "laborious", interpolated)

    def _refuse_hidden_kinks(self) -> None:
        """A kink that nobody declared would be smoothed over without a word."""
        known = tuple(sorted({*self.kink_points, *self.knot_points}))
        try:
            pieces = approximate(
                lambda x: np.asarray(self.function(x), float), -20, 20, known, 1e-13, gaussian=False
            )
        except ValueError as error:
            raise InvalidProblem(f"loss = {self!r}: {error}") from error
        width = pieces.weights.sum(axis=1)
        if np.min(width) < 1e-3:
            at = pieces.nodes[np.argmin(width), 0]
            raise InvalidProblem(
                f"loss = {self!r}: it seems to have a kink near {at:.4g}; "
                "declare it in kink_points (the slope jumps) or knot_points (a higher derivative)"
            )

    def _recognise_parabolas(self) -> None:
        """What is quadratic between its cuts is closed form, and its derivatives are exact."""
        cuts = sorted({*self.kink_points, *self.knot_points})
        ends = np.array([min([*cuts, 0.0]) - 8.0, *cuts, max([*cuts, 0.0]) + 8.0])
        middle, half = 0.5 * (ends[1:] + ends[:-1]), 0.5 * np.diff(ends)
        at = middle[:, None] + half[:, None] * np.array([-0.5, 0.0, 0.5, -0.9, -0.3, 0.2, 0.7])
        value = np.asarray(self.function(at), dtype=float)
        slope = (value[:, 2] - value[:, 0]) / half
        bend = (value[:, 2] - 2.0 * value[:, 1] + value[:, 0]) / (0.5 * half) ** 2
        bend[np.abs(bend) * half**2 <= 1e-13 * np.max(np.abs(value), axis=1)] = 0.0
        u = at - middle[:, None]
        fit = value[:, 1:2] + u * (slope[:, None] + 0.5 * bend[:, None] * u)
        if np.all(np.abs(fit - value) <= 1e-14 * np.max(np.abs(value))):
            parabolas = _Parabolas(np.array(cuts), middle, slope, bend)
            object.__setattr__(self, "_parabolas", parabolas)
            object.__setattr__(self, "piecewise_quadratic", True)
            if self.of == "difference" and not cuts and bend[0] > 0 and value[0, 1] == 0:
                object.__setattr__(self, "quadratic", float(1.0 / bend[0]))

    def _argument(self, y: Any, t: Any) -> tuple[Any, Any]:
        """The callable's argument and its derivative in t."""
        return (y * t, y) if self.of == "margin" else (y - t, -1.0)

    def centred(self, y: float) -> tuple[float, float]:
        """A function of y - t sees label y as label 0, shifted."""
        return (y, 0.0) if self.of == "margin" else (0.0, y)

    def value(self, y: Any, t: Any) -> Any:
        """The callable at y t or y - t."""
        return on_host(self.function, self._argument(y, t)[0])

    def slope(self, y: Any, t: Any) -> Any:
        """First derivative in t."""
        x, sign = self._argument(y, t)
        if self.derivative is not None:
            return sign * on_host(self.derivative, x)
        return sign * on_host(lambda a: self._local(a, 1), x)

    def curvature(self, y: Any, t: Any) -> Any:
        """Second derivative in t."""
        x, _ = self._argument(y, t)
        second = self.second if self.second is not None else lambda a: self._local(a, 2)
        return on_host(second, x)

    def _local(self, x: Any, order: int) -> Any:
        """Derivative of the interpolant on Chebyshev nodes of a window that crosses no kink."""
        if self._parabolas is not None:
            return self._parabolas.derivative(np.asarray(x), order)
        with np.errstate(all="ignore"):  # far out a callable may overflow: no number, and noticed
            flat = np.ravel(x)
            breaks = np.array([-np.inf, *sorted({*self.kink_points, *self.knot_points}), np.inf])
            segment = np.searchsorted(breaks, flat, side="right")
            low, high = breaks[segment - 1], breaks[np.minimum(segment, breaks.size - 1)]
            half = np.minimum(_WINDOW, 0.5 * (high - low))
            centre = np.clip(flat, low + half, high - half)
            nodes = centre[:, None] + half[:, None] * _NODES
            coefficients = np.asarray(self.function(nodes), dtype=float) @ _TO_CHEBYSHEV
            basis = chebyshev.chebvander((flat - centre) / half, _NODES.size - 1 - order)
            rule = chebyshev.chebder(np.eye(_NODES.size), order).T
            return (np.sum((coefficients @ rule) * basis, axis=-1) / half**order).reshape(
                np.shape(x)
            )

    def _seen(self, y: float, points: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(y * s if self.of == "margin" else y - s for s in points))

    def kinks(self, y: float) -> tuple[float, ...]:
        """Declared kinks, seen from label y."""
        return self._seen(y, self.kink_points)

    def knots(self, y: float) -> tuple[float, ...]:
        """Declared knots, seen from label y."""
        if self.piecewise_quadratic:
            return self._seen(y, self.knot_points)
        return self._seen(y, (*self.knot_points, *_GRADED))

    def _cuts(self, y: float) -> tuple[float, ...]:
        return self._seen(y, (*self.kink_points, *self.knot_points))

    def __repr__(self) -> str:
        """Name only: the address of a callable would make equal problems differ."""
        return f"CustomLoss({self.name}, {self.of})"
