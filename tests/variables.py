"""The page of the guide that lists all variables: ``python -m tests.variables`` writes it."""

from pathlib import Path

from twinpeaks.theory.names import NAMES

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "variables.md"

_HEAD = """# Variables

What every variable and axis of a Dataset is called, and what it is. The table is `theory/names/`, which
also gives the `long_name`, `units` and `definition` that a Dataset carries; `python -m tests.variables`
writes this page from it. Every unit is 1, unless one is given. A name followed by `_se` is the standard
error of what it names.
"""
_KINDS = {
    "axis": "Axes",
    "both": "Of theory and simulation",
    "theory": "Of theory alone",
    "simulation": "Of simulation alone",
    "question": "Asked of a solved model",
}


def _plain(text: str) -> str:
    """Text for a cell of a table, in which Markdown sees no sign of its own."""
    for sign in "\\|<*":
        text = text.replace(sign, "\\" + sign)
    return text


def render() -> str:
    """The page: a table for each kind of producer, in the order of the rows of ``NAMES``."""
    parts = [_HEAD]
    for by, title in _KINDS.items():
        lines = [f"## {title}", "", "| name | what it is | definition |", "|---|---|---|"]
        for name, row in NAMES.items():
            if row.by == by:
                what = _plain(row.long_name) + (f" ${row.symbol}$" if row.symbol else "")
                what += f" ({_plain(row.units)})" if row.units != "1" else ""
                means = _plain(row.definition)
                means += f"<br>simulation: {_plain(row.estimator)}" if row.estimator else ""
                lines.append(f"| `{name}` | {what} | {means} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
