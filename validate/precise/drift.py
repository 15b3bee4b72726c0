"""Golden comparisons in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import indent, wrap

from twinpeaks.validate.precise.golden import Comparison

__all__ = ["describe", "overview", "verdict"]

_WIDTH = 100


def describe(comparison: Comparison) -> str:
    """One row: its worst variable with both values, its problem and its axes, on five lines."""
    name, row = comparison.variable, comparison.row
    here = comparison.values[name]
    shown = "no value: this point did not converge" if here != here else repr(here)
    axes = ", ".join(f"{k} = {v!r}".removesuffix(".0") for k, v in row.at.items())
    lines = [
        f"{name} differs by {comparison.error:.1e}, allowed {comparison.allowed:.0e}",
        f"  table  {row.values[name]}",
        f"  here   {shown}",
        *wrap(row.problem, _WIDTH, initial_indent="  ", subsequent_indent="    "),
        f"  {axes}",
    ]
    return "\n".join(lines)


def overview(tables: Mapping[str, Sequence[Comparison]]) -> str:
    """One line for each table: rows, variables, those that drifted, the worst deviation and its variable."""
    width = max(map(len, ("table", *tables)))
    lines = [f"{'table':<{width}}  rows  drifted  variables  worst relative  in"]
    for name, comparisons in tables.items():
        if not comparisons:
            lines.append(f"{name:<{width}}  {0:>4}  {0:>7}  {0:>9}")
            continue
        worst = max(comparisons, key=lambda c: c.error)
        drifted = sum(not c.agrees for c in comparisons)
        variables = len(set().union(*(c.errors for c in comparisons)))
        lines.append(
            f"{name:<{width}}  {len(comparisons):>4}  {drifted:>7}  {variables:>9}  "
            f"{worst.error:>14.1e}  {worst.variable}"
        )
    return "\n".join(lines)


def verdict(comparisons: Sequence[Comparison], most: int = 3) -> str:
    """Which rows drifted, in which variables, and the worst of them.

    Parameters
    ----------
    comparisons : sequence of Comparison
    most : int
        Rows to describe.

    Returns
    -------
    str
        Starts with the sentence that says it all.
    """
    drifted = [c for c in comparisons if not c.agrees]
    worst = sorted(drifted, key=lambda c: -c.error)[:most]
    if not drifted:
        largest = max((c.error for c in comparisons), default=0.0)
        return (
            f"All {len(comparisons)} rows agree; the largest relative difference is {largest:.1e}."
        )
    variables = Counter(n for c in drifted for n, e in c.errors.items() if not e <= c.allowed)
    names = ", ".join(f"{name} ({count})" for name, count in variables.most_common())
    sentence = f"{len(drifted)} of {len(comparisons)} rows drifted, in {names}."
    shown = [f"\n{indent(describe(c), '  ')}" for c in worst]
    rest = len(drifted) - len(worst)
    more = [f"\n  ... and {rest} more"] if worst and rest else []
    return "\n".join(["\n".join(wrap(sentence, _WIDTH)), *shown, *more])
