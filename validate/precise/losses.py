"""Loss formulas for mpmath, by the name of the loss class.

A loss is a function l(x) of one argument, the margin x = y t or the residual x = y - t. What is piecewise
quadratic is stored as its coefficients, so that tilted averages have closed forms; the others are three
formulas.

To make a new loss known here, add its formulas to ``FORMULAS``; a ``CustomLoss`` works when its callables
accept and return mpmath numbers.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]
import numpy as np

from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.losses.custom import CustomLoss

__all__ = ["FORMULAS", "Formula", "Piece", "formula"]

Real = Any
Function = Callable[[Real], Real]


@dataclass(frozen=True)
class Piece:
    """l = a x^2 / 2 + b x + c from ``left`` to the next piece."""

    left: float
    a: int
    b: int
    c: Real

    def value(self, x: Real) -> Real:
        """The loss there."""
        return (self.a * x / 2 + self.b) * x + self.c


@dataclass(frozen=True)
class Formula:
    """A loss in mpmath.

    Attributes
    ----------
    of : {"margin", "difference"}
        x = y t or x = y - t.
    value : callable
        l.
    derivatives : callable
        (l', l'') between the kinks.
    kinks : tuple of float
        Where l or l' jumps.
    knots : tuple of float
        Other places around which l varies on one scale.
    pieces : tuple of Piece, optional
        The whole of a piecewise quadratic loss.
    quick : tuple of two callables, optional
        l and l' for Python floats, to place meshes.
    rough : callable, optional
        l for complex numpy arrays, of a loss that is analytic in a strip.
    strip : float
        Half width of that strip.
    """

    of: str
    value: Function
    derivatives: Callable[[Real], tuple[Real, Real]]
    kinks: tuple[float, ...] = ()
    knots: tuple[float, ...] = ()
    pieces: tuple[Piece, ...] | None = None
    quick: tuple[Callable[[float], float], Callable[[float], float]] | None = None
    rough: Callable[[Any], Any] | None = None
    strip: float = 0.0

    def slope(self, x: Real) -> Real:
        """First derivative."""
        return self.derivatives(x)[0]

    def curvature(self, x: Real) -> Real:
        """Second derivative."""
        return self.derivatives(x)[1]

    @property
    def jumps(self) -> bool:
        """Whether the value itself jumps."""
        return self.pieces is not None and any(
            self.pieces[i].value(mp.mpf(k)) != self.pieces[i + 1].value(mp.mpf(k))
            for i, k in enumerate(self.kinks)
        )


def _piecewise(of: str, *pieces: Piece) -> Formula:
    kinks = tuple(p.left for p in pieces[1:])

    def at(x: Real) -> Piece:
        return pieces[bisect_right(kinks, x)]

    def derivatives(x: Real) -> tuple[Real, Real]:
        piece = at(x)
        return piece.a * x + piece.b, mp.mpf(piece.a)

    return Formula(
        of,
        lambda x: at(x).value(x),
        derivatives,
        kinks,
        pieces=pieces,
        quick=(lambda x: float(at(x).value(x)), lambda x: float(at(x).a * x + at(x).b)),
    )


def _softplus(x: Real) -> Real:
    """ln(1 + exp(-x)); mpmath's log1p is slow where plain log does."""
    e = mp.exp(-abs(x))
    small = mp.log(1 + e) if e > 1e-6 else mp.log1p(e)
    return small if x > 0 else small - x


def _sigmoid(x: Real) -> tuple[Real, Real]:
    e = mp.exp(-abs(x))
    share = (e if x > 0 else 1) / (1 + e)
    return -share, e / (1 + e) ** 2


def _exponential(x: Real) -> tuple[Real, Real]:
    e = mp.exp(-x)
    return -e, e


def _rough_softplus(x: Any) -> Any:
    left = np.real(x) < 0
    small = np.log1p(np.exp(np.where(left, x, -x)))
    return np.where(left, small - x, small)


def _quick_exp(x: float) -> float:
    return math.exp(min(x, 700.0))


_INF = float("inf")

#: By the name of the loss class.
FORMULAS: dict[str, Formula] = {
    "Square": _piecewise("difference", Piece(-_INF, 1, 0, 0)),
    "Hinge": _piecewise("margin", Piece(-_INF, 0, -1, 1), Piece(1.0, 0, 0, 0)),
    "SquaredHinge": _piecewise("margin", Piece(-_INF, 1, -1, 0.5), Piece(1.0, 0, 0, 0)),
    "ZeroOne": _piecewise("margin", Piece(-_INF, 0, 0, 1), Piece(0.0, 0, 0, 0)),
    "Logistic": Formula(
        "margin",
        _softplus,
        _sigmoid,
        knots=(-30.0, -12.0, -4.0, 0.0, 4.0, 12.0, 30.0),
        quick=(
            lambda x: math.log1p(math.exp(-abs(x))) - min(x, 0.0),
            lambda x: -1.0 / (1.0 + _quick_exp(x)),
        ),
        rough=_rough_softplus,
        strip=float(np.pi),
    ),
    "Exponential": Formula(
        "margin",
        lambda x: mp.exp(-x),
        _exponential,
        knots=(-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 8.0, 16.0),
        quick=(lambda x: _quick_exp(-x), lambda x: -_quick_exp(-x)),
        rough=lambda x: np.exp(-x),
        strip=float(np.pi / 2),
    ),
}


def formula(loss: Loss) -> Formula:
    """The mpmath formulas of a loss.

    Raises
    ------
    ValueError
        For a loss class that ``FORMULAS`` does not name.
    """
    if isinstance(loss, CustomLoss):
        return _custom(loss)
    name = type(loss).__name__
    if name not in FORMULAS:
        raise ValueError(
            f"loss = {loss!r} has no mpmath formulas: add FORMULAS[{name!r}] = Formula(of, value, "
            "derivatives, kinks) in validate/precise/losses.py, or give a CustomLoss whose "
            "callables accept mpmath numbers"
        )
    return FORMULAS[name]


def _custom(loss: CustomLoss) -> Formula:
    """A CustomLoss as it is; derivatives not given are taken by mpmath."""

    def call(function: Function, x: Real) -> Real:
        try:
            return mp.mpf(function(x))
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(
                f"loss = {loss!r}: its callable does not accept mpmath numbers ({error}); write it "
                "with mpmath functions, or with + - * / and ** alone"
            ) from error

    def derivative(order: int, given: Function | None) -> Function:
        if given is not None:
            return lambda x: call(given, x)
        return lambda x: mp.diff(lambda s: call(loss.function, s), x, order)

    first, second = derivative(1, loss.derivative), derivative(2, loss.second)
    return Formula(
        loss.of,
        lambda x: call(loss.function, x),
        lambda x: (first(x), second(x)),
        tuple(sorted(loss.kink_points)),
        tuple(sorted(loss.knot_points)),
    )
