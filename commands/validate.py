"""``twinpeaks validate``."""

from __future__ import annotations

from pathlib import Path

import click

from commands.agreement import judge, per_point
from commands.files import output_option, read, write
from commands.parameters import Data
from commands.report import refusals

__all__ = ["command"]


@click.command("validate")
@click.argument("theory", type=Data())
@click.argument("simulation", type=Data())
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=1e-3,
    show_default=True,
    help="Chance of a disagreement when the theory is right.",
)
@output_option
def command(theory: Path, simulation: Path, level: float, output: Path | None) -> None:
    """Set a simulation beside the theory and print z-scores.

    \b
    Example:
      twinpeaks validate square.nc square-simulation.nc -o z-scores.csv

    With two or more sizes D the simulation is extrapolated to D = infinity first. The verdict
    corrects for the number of comparisons. Exit code 1 when the two disagree at --level, or when
    a failed point left something untested.
    """  # noqa: D301
    import validate

    with refusals():
        comparison = validate.compare(read(theory), read(simulation))
        judgement = judge(comparison, level)
    click.echo(judgement.text)
    if output is not None:
        result = judgement.result
        write(per_point(result) if output.suffix == ".csv" else result, output)
        click.echo(f"Written to {output}.")
    if not judgement.agrees:
        click.get_current_context().exit(1)
