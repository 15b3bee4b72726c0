r"""Averages as sympy expressions: linear, differentiated under the integral sign.

``SpectralMean(h)`` is <h(S)>, ``PatternMean(h, labels)`` is int Dxi sum_y h(xi, y), the sum an
integral for real labels. Constants and sums are taken out when one is made, so that equal averages
cancel by themselves.
"""

from __future__ import annotations

from typing import Any

from sympy import (  # type: ignore[import-untyped]
    Add,
    Expr,
    Integral,
    Mul,
    S,
    exp,
    expand_log,
    expand_mul,
    oo,
    pi,
    sqrt,
    sympify,
)
from sympy.printing.pretty.stringpict import prettyForm  # type: ignore[import-untyped]

from twinpeaks.theory.derivation import notation
from twinpeaks.theory.derivation.notation import xi, y

__all__ = ["PatternMean", "SpectralMean", "stein"]


class _Mean(Expr):  # type: ignore[misc]
    """A linear functional of its first argument."""

    is_commutative = True
    is_real = True
    _bound: tuple[Any, ...] = ()
    _normalised = False

    def __new__(cls, integrand: Any, *rest: Any) -> Any:
        """Take out what does not depend on the variables of integration."""
        total = []
        for term in Add.make_args(expand_mul(expand_log(sympify(integrand)))):
            outside, inside = term.as_independent(*cls._bound, as_Add=False)
            inside = Mul(*Mul.make_args(inside))  # in canonical order, so that equals compare equal
            if term == 0 or (inside == 1 and cls._normalised):
                total.append(outside)
            else:
                total.append(outside * Expr.__new__(cls, inside, *map(sympify, rest)))
        return Add(*total)

    @property
    def integrand(self) -> Any:
        """What is averaged."""
        return self.args[0]

    @property
    def free_symbols(self) -> set[Any]:
        """All but the variables of integration."""
        return set(self.integrand.free_symbols) - set(self._bound)

    def _eval_derivative(self, symbol: Any) -> Any:
        return type(self)(self.integrand.diff(symbol), *self.args[1:])


class SpectralMean(_Mean):
    """<h> = (1/N) tr h, over the spectrum of S."""

    _bound = (notation.S,)
    _normalised = True

    def _sympystr(self, printer: Any) -> str:
        return f"<{printer._print(self.integrand)}>"

    def _pretty(self, printer: Any) -> Any:
        form = prettyForm(*printer._print(self.integrand).left("⟨"))
        return prettyForm(*form.right("⟩"), binding=prettyForm.ATOM)

    def _latex(self, printer: Any) -> str:
        return rf"\left\langle {printer._print(self.integrand)} \right\rangle"


class PatternMean(_Mean):
    """int Dxi sum_y h(xi, y), or int dy for real labels: arguments (h, labels)."""

    _bound = (xi, y)

    @property
    def integral(self) -> Any:
        """The integral over xi, and over y or the sum over its values, written out."""
        h, labels = self.args
        if labels.is_FiniteSet:
            inside = Add(*(h.subs(y, value) for value in labels))
        else:
            inside = Integral(h, (y, -oo, oo))
        return Integral(exp(-(xi**2) / 2) / sqrt(2 * pi) * inside, (xi, -oo, oo))

    @property
    def _sums(self) -> tuple[str, str]:
        """The integrals in text and in LaTeX."""
        if self.args[1].is_FiniteSet:
            return "∫Dξ Σ_y ", r"\int\! D\xi \sum_y "
        return "∫Dξ ∫dy ", r"\int\! D\xi \int\! dy\; "

    def _sympystr(self, printer: Any) -> str:
        return f"{self._sums[0]}[{printer._print(self.integrand)}]"

    def _pretty(self, printer: Any) -> Any:
        form = prettyForm(*printer._print(self.integrand).parens("[", "]"))
        return prettyForm(*form.left(self._sums[0]), binding=prettyForm.FUNC)

    def _latex(self, printer: Any) -> str:
        return rf"{self._sums[1]}\left[{printer._print(self.integrand)}\right]"


def stein(expr: Any) -> Any:
    """Remove explicit factors of xi from every PatternMean: E[xi G(xi)] = E[G'(xi)].

    This is integration by parts against the Gaussian weight; G has to grow slower than exp(xi^2/2)
    and to be absolutely continuous, which f is at every temperature.
    """
    return expr.replace(PatternMean, lambda h, labels: PatternMean(_by_parts(h), labels))


def _by_parts(integrand: Any) -> Any:
    done, todo = S.Zero, [integrand]
    while todo:
        for term in Add.make_args(expand_mul(todo.pop())):
            power = term.as_powers_dict().get(xi, 0)
            if power >= 1:
                todo.append((term / xi).diff(xi))
            else:
                done += term
    return done
