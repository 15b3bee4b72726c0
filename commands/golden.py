"""``twinpeaks golden``."""

from __future__ import annotations

import math
import warnings
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.parameters import File, Grid, merged
from twinpeaks.commands.problem import axis_options, make_problem, model_options
from twinpeaks.commands.report import progress_bar, refusals

if TYPE_CHECKING:
    from twinpeaks import theory
    from twinpeaks.validate.precise.golden import Row, Table
    from twinpeaks.validate.precise.golden_rows import Place

__all__ = ["command"]


@click.group("golden")
def command() -> None:
    """Check this installation against tables of solved points, and make such tables.

    \b
    Examples:
      twinpeaks golden check
      twinpeaks golden add --loss logistic --overparam 0.5,1,2 --lam 1e-4 -o mine.json
      twinpeaks golden check --table mine.json

    In Python the same rows are a pytest fixture: docs/regression-tests.md.
    """  # noqa: D301


@command.command("check")
@click.option(
    "--table",
    "tables",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Table to check, repeatable; those of the package by default.",
)
@click.option(
    "--rtol",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=1e-8,
    help="Relative difference up to which a variable agrees.",
)
@click.option(
    "--worst", type=click.IntRange(min=0), default=3, help="Rows to describe, the worst first."
)
def check(tables: tuple[Path, ...], rtol: float, worst: int) -> None:
    """Solve every row again and compare every variable.

    What may vanish is compared on its natural scale: replicon, entropy and free entropy on 1, the
    free energy on the energy. A row of fewer than nine digits is held to its digits. Exit code 1
    when a row drifted or did not converge, 2 for a table that cannot be read.
    """
    from twinpeaks import theory
    from twinpeaks.validate.precise.drift import describe, overview, verdict
    from twinpeaks.validate.precise.golden import check as compare, shipped

    paths = tables or shipped()
    if not paths:
        raise click.UsageError("this installation has no tables: give some with --table = FILE")
    with refusals(), progress_bar("golden check") as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore", theory.UnstableWarning)  # such rows are golden too
        held = {str(path) if tables else path.name: _readable(path) for path in paths}
        rows = [row for part in held.values() for row in part]
        if not rows:
            raise click.UsageError(
                f"{', '.join(held)}: no rows to check; write some with golden add"
            )
        found = compare(rows, rtol, progress)
    # one row may stand in several tables
    by_row = {id(c.row): c for c in found}
    click.echo(overview({name: [by_row[id(r)] for r in part] for name, part in held.items()}))
    if all(c.agrees for c in found):
        for comparison in found[:worst]:
            click.echo(f"\n{describe(comparison)}")
        click.echo(f"\n{verdict(found)}")
        return
    click.echo(f"\n{verdict(found, worst)}")
    click.get_current_context().exit(1)


def _readable(path: Path) -> tuple[Row, ...]:
    """The rows of a table, whose problems can all be made from their text."""
    from twinpeaks import theory
    from twinpeaks.theory.components import parse
    from twinpeaks.validate.precise.golden import read

    rows = read(path).rows
    for text in dict.fromkeys(row.problem for row in rows):
        try:
            parse(text)
        except theory.InvalidProblem as error:
            raise click.UsageError(
                f"{path}: {error}; rows of problems with callables are for the pytest fixture"
            ) from error
    return rows


@command.command("add")
@model_options()
@axis_options(limits=True)
@click.option(
    "--beta",
    type=Grid(infinite=True),
    default="inf",
    help="Inverse temperature of the weights; inf minimises the loss.",
)
@click.option("-o", "--output", type=File(".json"), required=True, help="Table to write or extend.")
@click.option(
    "--precise",
    type=click.IntRange(min=20),
    metavar="DPS",
    help="Digits of an mpmath solution, seconds to minutes a row; 36 gives about 30. Without it, "
    "rows are from solve and hold ten digits at most.",
)
@click.option("--replace", is_flag=True, help="Replace rows that the table already has.")
def add(
    output: Path,
    precise: int | None,
    replace: bool,
    overparam: Any,
    alpha_T: Any,
    lam: Any,
    beta: Any,
    **model: str,
) -> None:
    """Add the points of a grid to a table, with the digits that were confirmed.

    \b
    Examples:
      twinpeaks golden add --overparam 0.5,1,2 --lam 1e-4 -o mine.json
      twinpeaks golden add --loss hinge --overparam 1 --lam 0.1 --precise 36 -o mine.json

    Every row says how it was made. Exit code 1 when a point did not converge; it is then left out.
    """  # noqa: D301
    from twinpeaks.validate.precise.golden import Table, read

    problem = make_problem(**model)
    grids = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "beta": beta}
    axes = {name: merged(values) for name, values in grids.items()}
    with refusals():
        table = read(output) if output.exists() else Table("twinpeaks golden add", ())
        places = _places(axes)
        if precise and any(at.lam == 0 or at.overparam == math.inf for at in places):
            raise click.UsageError(
                "--precise takes no limits: give --lam > 0 and finite --overparam"
            )
        if not replace:
            _refuse_known(table, problem, places, output)
        if precise is None:
            rows, failed = _solved(problem, axes)
            if rows:
                _write(output, table.add(*rows))
        else:
            rows, failed = _precise(problem, places, precise, table, output)
    if rows:
        digits = [row.digits for row in rows]
        click.echo(f"rows added  {len(rows)}\ndigits      {min(digits)} to {max(digits)}")
        click.echo(f"written to  {output}")
    for sentence in failed[:5]:
        click.echo(f"failed: {sentence}", err=True)
    if failed:
        click.echo(f"failed: {len(failed)} of {len(places)} points, left out.", err=True)
        click.get_current_context().exit(1)


def _places(axes: dict[str, Any]) -> list[Place]:
    """The outer product of the axes."""
    from twinpeaks.validate.precise.golden_rows import Place

    lists = [v if isinstance(v, tuple) else (v,) for v in axes.values()]
    return [Place(*map(float, values)) for values in product(*lists)]


def _refuse_known(table: Table, problem: theory.Problem, places: list[Place], output: Path) -> None:
    known = {row.key: row for row in table.rows}
    again = [key for at in places if (key := (repr(problem), *at)) in known]
    if again:
        raise click.UsageError(
            f"{output} has {len(again)} of these rows already, the first is {known[again[0]].place}: "
            "give --replace to solve them again"
        )


def _solved(problem: theory.Problem, axes: dict[str, Any]) -> tuple[list[Row], list[str]]:
    """Rows of the points that converged, and a sentence for each of the others."""
    from twinpeaks import theory
    from twinpeaks.validate.precise.golden_rows import points, solved_row

    with progress_bar("golden add") as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore", theory.UnstableWarning)
        curve = theory.solve(problem, **axes, throw=False, progress=progress)
    rows, failed = [], []
    for point in points(curve):
        try:
            rows.append(solved_row(point))
        except ValueError as error:
            failed.append(str(error))
    return rows, failed


def _precise(
    problem: theory.Problem, places: list[Place], dps: int, table: Table, output: Path
) -> tuple[list[Row], list[str]]:
    """The same in mpmath; each row is written when it is there."""
    from twinpeaks.validate.precise.golden_rows import precise_row

    rows: list[Row] = []
    failed = []
    with progress_bar("golden add") as progress:
        for done, at in enumerate(places, start=1):
            try:
                rows.append(precise_row(problem, at, dps))
            except (ValueError, ArithmeticError) as error:
                failed.append(f"{at._asdict()}: {error}")
            else:
                _write(output, table.add(*rows))
            progress(done, len(places))
    return rows, failed


def _write(output: Path, table: Table) -> None:
    from twinpeaks.validate.precise.golden import write

    try:
        write(output, table)
    except OSError as error:
        raise click.ClickException(f"{output} could not be written: {error.strerror}") from error
