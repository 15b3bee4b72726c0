"""Golden tables: solved points with more digits than any solver needs, to check an installation by.

A row is a point (the text of its problem and the four axes), the value of every variable as a decimal string
whose digits were all confirmed, and how: ``proven`` by interval arithmetic, or ``agreed`` by two evaluations
that share no integral. Tables are JSON, a row a line.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from twinpeaks import theory
from twinpeaks.theory.axes import check_number
from twinpeaks.theory.components import parse

__all__ = ["Comparison", "Row", "Table", "check", "compare", "read", "scale", "shipped", "write"]

_FORMAT = "twinpeaks golden table 1"
# Below this the float path may underflow on the way.
_TINY = 1e-290
# What may vanish, and the scale on which it is compared then; Gaussian integrals in doubles leave
# out a mass of 1e-23.
_SCALES = {
    **dict.fromkeys(("replicon", "entropy", "free_entropy"), 1.0),
    **dict.fromkeys(("train_loss", "train_error"), 1e-14),
}


@dataclass(frozen=True)
class Row:
    """One point of a golden table.

    Attributes
    ----------
    problem : str
        Text of the problem, as ``repr`` gives it and ``twinpeaks.theory.components.parse`` reads it.
    overparam, alpha_T, lam, beta : float
        The point; exact binary numbers.
    values : mapping of str to str
        Variables of ``tp.solve``'s Dataset.
    digits : int
        Digits confirmed in every variable.
    proven : tuple of str
        The variables whose digits are proven by interval arithmetic; the others are agreed.
    made : mapping of str to str
        Date, versions and working precision.
    """

    problem: str
    overparam: float
    alpha_T: float
    lam: float
    beta: float
    values: Mapping[str, str]
    digits: int
    proven: tuple[str, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict)

    @property
    def at(self) -> dict[str, float]:
        """The axes, as arguments of ``tp.solve``."""
        return {k: getattr(self, k) for k in ("overparam", "alpha_T", "lam", "beta")}

    @property
    def key(self) -> tuple[str, float, float, float, float]:
        """What makes the row this row."""
        return (self.problem, self.overparam, self.alpha_T, self.lam, self.beta)

    @property
    def place(self) -> str:
        """The point in words."""
        axes = ", ".join(f"{k} = {v:g}" for k, v in self.at.items())
        return f"{self.problem} at {axes}"


@dataclass(frozen=True)
class Table:
    """Rows with distinct keys.

    Attributes
    ----------
    command : str
        What regenerates the table.
    rows : tuple of Row
    """

    command: str
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        """Refuse two answers to one question."""
        seen: set[Any] = set()
        for row in self.rows:
            if row.key in seen:
                raise ValueError(f"{row.place} appears twice: keep one of the rows")
            seen.add(row.key)

    def add(self, *rows: Row) -> Table:
        """The table with more rows, each in the place of one of the same key."""
        merged = {row.key: row for row in (*self.rows, *rows)}
        return Table(self.command, tuple(merged.values()))


@dataclass(frozen=True)
class Comparison:
    """How this installation reproduces one row.

    Attributes
    ----------
    row : Row
    values : mapping of str to float
        What this installation gives for the variables of the row.
    errors : mapping of str to float
        Their relative differences; infinite where the solver failed.
    allowed : float
        The difference up to which a variable agrees: the tolerance, or what the digits of the row
        allow where that is more.
    """

    row: Row
    values: Mapping[str, float]
    errors: Mapping[str, float]
    allowed: float

    @property
    def variable(self) -> str:
        """The variable that differs most."""
        return max(self.errors, key=self.errors.__getitem__)

    @property
    def error(self) -> float:
        """Its relative difference."""
        return self.errors[self.variable]

    @property
    def agrees(self) -> bool:
        """Whether every variable agrees."""
        return self.error <= self.allowed


def read(path: str | Path) -> Table:
    """Read a table.

    Raises
    ------
    ValueError
        If the file is not a golden table, with its name.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise KeyError(content["format"])
        return Table(content["command"], tuple(_row(entry) for entry in content["rows"]))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a golden table ({error}): expected {_FORMAT!r}") from error


def shipped() -> tuple[Path, ...]:
    """The tables that come with the package.

    Returns
    -------
    tuple of Path
        In ``validate/precise/tables``, which in the source tree holds links into ``tests/golden``.
    """
    here = Path(__file__).parent
    for folder in (here / "tables", here.parent / "tests" / "golden"):
        if found := tuple(sorted(folder.glob("*.json"))):
            return found
    return ()


def _row(entry: Mapping[str, Any]) -> Row:
    changed = {name: float(entry[name]) for name in ("overparam", "alpha_T", "lam", "beta")}
    for text in entry["values"].values():
        float(text)
    for name, kind in (("problem", str), ("digits", int)):
        if not isinstance(entry[name], kind):
            raise TypeError(f"{name} = {entry[name]!r}")
    return Row(**{**entry, **changed, "proven": tuple(entry["proven"])})


def write(path: str | Path, table: Table) -> None:
    """Write a table, so that an interrupted write leaves the old one."""
    lines = []
    for row in table.rows:
        entry = asdict(row)
        entry |= {name: "inf" for name, value in row.at.items() if math.isinf(value)}
        lines.append(json.dumps(entry))
    head = f'{{"format": {json.dumps(_FORMAT)}, "command": {json.dumps(table.command)}, "rows": [\n'
    beside = Path(f"{path}.part")
    try:
        beside.write_text(head + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def check(
    table: Table | Iterable[Row],
    rtol: float = 1e-8,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Comparison, ...]:
    """Solve every row with this installation's ``tp.solve`` and compare.

    Rows that differ in overparam alone are solved as one curve.

    Parameters
    ----------
    table : Table or rows
    rtol : float
        Relative difference up to which a variable agrees, as in ``compare``.
    progress : callable, optional
        Called with (rows done, rows in all).

    Returns
    -------
    tuple of Comparison
        One for each row, worst first.

    Raises
    ------
    ValueError
        If rtol is not positive, or as ``InvalidProblem`` if a problem cannot be made from its text;
        before any row is solved.
    """
    check_number("rtol", rtol, "(0, inf)")
    rows = tuple(table.rows if isinstance(table, Table) else table)
    problems = {text: parse(text) for text in dict.fromkeys(row.problem for row in rows)}
    curves: dict[Any, list[Row]] = {}
    for row in rows:
        curves.setdefault((row.problem, row.alpha_T, row.lam, row.beta), []).append(row)
    found: list[Comparison] = []
    for (text, alpha_T, lam, beta), members in curves.items():
        widths = sorted({row.overparam for row in members})
        curve = theory.solve(
            problems[text], overparam=widths, alpha_T=alpha_T, lam=lam, beta=beta, throw=False
        )
        found += [compare(row, curve.sel(overparam=row.overparam), rtol) for row in members]
        if progress is not None:
            progress(len(found), len(rows))
    return tuple(sorted(found, key=lambda c: -c.error))


def compare(row: Row, point: xr.Dataset, rtol: float = 1e-8) -> Comparison:
    """Compare one row with a solved point.

    Parameters
    ----------
    row : Row
    point : xarray.Dataset
        Of ``tp.solve``, selected at the row's axes.
    rtol : float
        Relative difference up to which a variable agrees, > 0; one unit of the row's last digit
        where that is more. What may vanish is compared on its natural scale: replicon, entropy and
        free entropy on 1, training loss and training error on 1e-14, the free energy on the energy.

    Raises
    ------
    ValueError
        If rtol is not positive.
    """
    check_number("rtol", rtol, "(0, inf)")
    exact = {name: float(text) for name, text in row.values.items()}
    values = {name: float(point[name]) if name in point else math.nan for name in exact}
    errors = {name: _error(values[name], exact[name], scale(name, exact)) for name in exact}
    return Comparison(row, values, errors, max(rtol, 10.0 ** (1 - row.digits)))


def scale(name: str, values: Mapping[str, float]) -> float:
    """What a difference in a variable is relative to: its size, or its natural scale if it may vanish."""
    natural = values.get("energy", 0.0) if name == "free_energy" else _SCALES.get(name, 0.0)
    return max(abs(values[name]), abs(natural))


def _error(here: float, exact: float, scale: float) -> float:
    if here == exact:  # infinite overlaps at lam = 0 too
        return 0.0
    if not (math.isfinite(here) and math.isfinite(exact)):
        return math.inf
    if scale < _TINY:  # doubles end there
        return 0.0 if abs(here) < 10 * _TINY else math.inf
    return abs(here - exact) / scale
