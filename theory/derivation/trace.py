"""A loss as a sympy expression, traced from its own code.

Losses are written in the Python array API. A traced value follows it, so that running ``value`` on
one spells out the formula that the solver integrates; nothing has to be typed a second time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import sympy as sp  # type: ignore[import-untyped]

__all__ = ["trace"]


def trace(function: Callable[[Any, Any], Any], y: Any, t: Any) -> Any:
    """``function(y, t)`` as an expression; the abstract ell(y, t) if it is not array-API code.

    Parameters
    ----------
    function : callable
        Of two arrays, elementwise.
    y, t : sympy.Expr
        Its arguments.
    """
    try:
        result = function(_Traced(y), _Traced(t))
    except (TypeError, AttributeError, ValueError, NotImplementedError):
        result = None
    if not isinstance(result, _Traced):
        return sp.Function("ell", real=True)(y, t)
    return sp.nsimplify(result.expr, rational=True)


def _plain(value: Any) -> Any:
    return value.expr if isinstance(value, _Traced) else sp.sympify(value)


class _Traced:
    """An expression that follows the array API."""

    __array_ufunc__ = None  # numpy scalars on the left defer to this class

    def __init__(self, expr: Any) -> None:
        self.expr = expr

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return _Namespace

    def __neg__(self) -> _Traced:
        return _Traced(-self.expr)

    def __abs__(self) -> _Traced:
        return _Traced(sp.Abs(self.expr))

    def __invert__(self) -> _Traced:
        return _Traced(sp.Not(self.expr))

    def __bool__(self) -> bool:
        raise TypeError("a traced value has no truth value")


def _operator(name: str, reflected: bool) -> Callable[[_Traced, Any], _Traced]:
    apply = getattr(operator, name)

    def method(self: _Traced, other: Any) -> _Traced:
        a, b = self.expr, _plain(other)
        return _Traced(apply(b, a) if reflected else apply(a, b))

    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(_Traced, f"__{_name}__", _operator(_name, reflected=False))
    setattr(_Traced, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("lt", "le", "gt", "ge", "and_", "or_"):
    setattr(_Traced, f"__{_name.rstrip('_')}__", _operator(_name, reflected=False))


def _elementwise(function: Callable[..., Any]) -> Any:
    return staticmethod(lambda *args: _Traced(function(*map(_plain, args))))


class _Namespace:
    """The part of the array API that formulas use."""

    where = _elementwise(lambda test, a, b: sp.Piecewise((a, test), (b, True)))
    zeros_like = _elementwise(lambda _: sp.S.Zero)
    ones_like = _elementwise(lambda _: sp.S.One)
    asarray = _elementwise(lambda a: a)
    abs = _elementwise(sp.Abs)
    sign = _elementwise(sp.sign)
    square = _elementwise(lambda a: a**2)
    sqrt = _elementwise(sp.sqrt)
    exp = _elementwise(sp.exp)
    expm1 = _elementwise(lambda a: sp.exp(a) - 1)
    log = _elementwise(sp.log)
    log1p = _elementwise(lambda a: sp.log(1 + a))
    logaddexp = _elementwise(lambda a, b: sp.log(sp.exp(a) + sp.exp(b)))
    sin, cos, tan = map(_elementwise, (sp.sin, sp.cos, sp.tan))
    sinh, cosh, tanh = map(_elementwise, (sp.sinh, sp.cosh, sp.tanh))
    atan = _elementwise(sp.atan)
    maximum = _elementwise(sp.Max)
    minimum = _elementwise(sp.Min)
    clip = _elementwise(lambda a, low, high: sp.Min(sp.Max(a, low), high))
