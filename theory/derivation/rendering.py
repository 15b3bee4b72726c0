"""The derived equations as text and as LaTeX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp  # type: ignore[import-untyped]
from sympy.printing.latex import LatexPrinter  # type: ignore[import-untyped]
from sympy.printing.pretty.pretty import PrettyPrinter  # type: ignore[import-untyped]
from sympy.printing.pretty.stringpict import prettyForm  # type: ignore[import-untyped]

from twinpeaks.theory.derivation import notation as n
from twinpeaks.theory.derivation.definitions import Pair, definitions
from twinpeaks.theory.derivation.equations import FreeEntropy

__all__ = ["Section", "latex", "sections", "text"]

_COLUMNS = 96
_LATEX_COLUMNS = 150  # characters of source for about one line of a page


@dataclass(frozen=True)
class Section:
    """Equations under one heading."""

    heading: str
    pairs: tuple[Pair, ...]


def sections(free: FreeEntropy) -> tuple[Section, ...]:
    """The free entropy, the saddle point, the observables, and what the symbols mean."""
    if free.zero_temperature:
        first = "Energy per weight, e = -lim phi/beta"
        units = "in units of zero temperature: V times beta, the conjugates over beta, beta^2, beta"
    else:
        first, units = (
            "Free entropy per weight, phi = lim ln Z(beta)/N",
            "at inverse temperature beta",
        )
    name = n.energy if free.zero_temperature else n.phi
    seen = [free.expression, *free.saddle_point.values(), *free.observables.values()]
    return (
        Section(f"{first}, stationary in all six parameters", ((name, free.expression),)),
        Section(f"Saddle point, {units}", tuple(free.saddle_point.items())),
        Section("Observables", tuple(free.observables.items())),
        Section(
            "Definitions, with S = F^T F/D and T = E[z nu] E[z nu]^T",
            tuple(definitions(free, seen)),
        ),
    )


class _Ordered:
    """Printers of sums that start with a term of positive sign where there is one."""

    def _as_ordered_terms(self, expr: Any, order: str | None = None) -> list[Any]:
        return _ordered(expr)


def _ordered(expr: Any) -> list[Any]:
    terms = expr.as_ordered_terms()
    return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))


class _Latex(_Ordered, LatexPrinter):  # type: ignore[misc]
    """LaTeX in the project's names."""

    def __init__(self) -> None:
        super().__init__({"symbol_names": n.LATEX_NAMES})


class _Text(_Ordered, PrettyPrinter):  # type: ignore[misc]
    """Two-dimensional text in the project's names."""

    def __init__(self) -> None:
        super().__init__({"use_unicode": True, "wrap_line": False})

    def _print_Symbol(self, e: Any, bold_name: bool = False) -> Any:
        name = n.TEXT_NAMES.get(e)
        return super()._print_Symbol(e, bold_name) if name is None else prettyForm(name)

    def _print_Max(self, e: Any) -> Any:
        arguments = sorted(e.args, key=lambda a: len(a.free_symbols))
        return prettyForm(*self._print_seq(arguments, "(", ")", ", ").left("max"))

    def _print_Function(self, e: Any, **options: Any) -> Any:
        name = {"ell": "ℓ", "mu": "μ"}.get(e.func.__name__, e.func.__name__)
        return super()._print_Function(e, func_name=name, **options)


def text(free: FreeEntropy) -> str:
    """Plain text with two-dimensional formulas, at most about 100 columns wide."""
    blocks = []
    for section in sections(free):
        blocks.append(f"{section.heading}\n{'-' * len(section.heading)}")
        blocks += [_text_line(left, right) for left, right in section.pairs]
    return "\n\n".join(blocks)


def _text_line(left: Any, right: Any) -> str:
    draw = _Text()._print
    lines: list[str] = []
    start = prettyForm(*draw(left).right(" = "))
    for piece in _pieces(right, lambda a: draw(a).width(), _COLUMNS):
        body = draw(piece)
        if lines and "-" not in body.picture[body.baseline][:2]:
            body = prettyForm(*body.left("+ "))
        whole = prettyForm(*start.right(body))
        lines.append("\n".join(line.rstrip() for line in str(whole).splitlines()))
        start = prettyForm("    ")
    return "\n".join(lines)


def latex(free: FreeEntropy) -> str:
    """One ``align`` environment per section; the document needs the package amsmath."""
    blocks = []
    for section in sections(free):
        lines = [_latex_line(left, right) for left, right in section.pairs]
        body = " \\\\\n".join(lines)
        heading = _prose(section.heading)
        blocks.append(f"{heading}:\n\\begin{{align}}\n{body}\n\\end{{align}}")
    return "\n\n".join(blocks)


def _latex_line(left: Any, right: Any) -> str:
    pieces = [_tex(a) for a in _pieces(right, lambda a: len(_tex(a)), _LATEX_COLUMNS)]
    signed = [a if a.startswith("-") else f"+ {a}" for a in pieces[1:]]
    return f"{_tex(left)} &= " + " \\notag \\\\\n&\\quad ".join([pieces[0], *signed])


def _tex(expr: Any) -> str:
    return str(_Latex().doprint(expr))


def _prose(heading: str) -> str:
    """Math in a heading."""
    for plain, math in (
        ("e = -lim phi/beta", r"$e = -\lim\phi/\beta$"),
        ("phi = lim ln Z(beta)/N", r"$\phi = \lim \ln Z(\beta)/N$"),
        ("over beta, beta^2, beta", r"over $\beta$, $\beta^2$, $\beta$"),
        ("S = F^T F/D", "$S = F^T F/D$"),
        ("T = E[z nu] E[z nu]^T", r"$T = \mathrm{E}[z\nu]\,\mathrm{E}[z\nu]^T$"),
        ("times beta", r"times $\beta$"),
        ("temperature beta", r"temperature $\beta$"),
        (" V ", " $V$ "),
    ):
        heading = heading.replace(plain, math)
    return heading


def _pieces(expr: Any, width: Any, limit: int) -> list[Any]:
    """A sum cut into sums that fit on a line."""
    found: list[list[Any]] = []
    for term in _ordered(expr) if isinstance(expr, sp.Add) else [expr]:
        if found and width(sp.Add(*found[-1], term)) <= limit:
            found[-1].append(term)
        else:
            found.append([term])
    return [sp.Add(*terms) for terms in found]
