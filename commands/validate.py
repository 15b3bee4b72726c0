"""``twinpeaks validate``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from twinpeaks.commands.agreement import judge, per_point
from twinpeaks.commands.files import read, separate, write
from twinpeaks.commands.parameters import Data, Device, File, Workers
from twinpeaks.commands.report import refusals
from twinpeaks.commands.suite import SUITE_NAMES, run, write_report

__all__ = ["command"]


@click.command("validate")
@click.argument("theory", type=Data(), required=False)
@click.argument("simulation", type=Data(), required=False)
@click.option(
    "--suite",
    type=click.Choice(SUITE_NAMES),
    help="Solve and simulate a fixed suite of problems instead of reading files.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=1e-3,
    help="Chance of a disagreement when the theory is right.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that keeps every finished instance of a suite: run again to resume.",
)
@click.option("--device", type=Device(), default="auto", help="For a suite, as in simulate.")
@click.option("--scheduler", type=Workers(), help="For a suite, as in simulate.")
@click.option(
    "-o",
    "--output",
    type=File(".nc", ".csv", ".html"),
    help="File to write: NetCDF (.nc), CSV (.csv) or a report (.html); of a suite, a report.",
)
def command(
    theory: Path | None,
    simulation: Path | None,
    suite: str | None,
    level: float,
    output: Path | None,
    **how: Any,
) -> None:
    """Set a simulation beside the theory and print z-scores.

    \b
    Examples:
      twinpeaks validate square.nc square-simulation.nc -o z-scores.csv
      twinpeaks validate --suite standard --store kept -o report.html

    With two or more sizes D the simulation is extrapolated to D = infinity first. The verdict
    corrects for the number of comparisons, over a whole suite. Exit code 1 when the two disagree at
    --level, or when a failed point left something untested.
    """  # noqa: D301
    separate(output, theory=theory, simulation=simulation, store=how["store"])
    if suite is not None:
        if theory is not None:
            raise click.UsageError(f"THEORY = {theory} beside --suite: give one of the two")
        if output is not None and output.suffix != ".html":
            raise click.BadParameter(f"--output = {output}: end the name in .html for a suite")
        agrees = _suite(suite, level, output, how)
    else:
        if theory is None or simulation is None:
            raise click.UsageError("THEORY and SIMULATION are missing: give two files, or --suite")
        if how["store"] is not None:
            raise click.UsageError(f"--store = {how['store']}: it belongs to --suite")
        agrees = _files(theory, simulation, level, output)
    if not agrees:
        click.get_current_context().exit(1)


def _files(theory: Path, simulation: Path, level: float, output: Path | None) -> bool:
    from twinpeaks import validate

    with refusals():
        comparison = validate.compare(read(theory, "theory"), read(simulation, "simulation"))
        judgement = judge(comparison, level)
    click.echo(judgement.text)
    if output is not None:
        result = judgement.result
        if output.suffix == ".html":
            from twinpeaks import figures

            made = shlex.join(["twinpeaks", "validate", str(theory), str(simulation)])
            with refusals():
                drawn = {"Scores": figures.qq(result)}
                page = validate.report(result, level=level, command=made, figures=drawn)
            write(page, output)
        else:
            write(per_point(result) if output.suffix == ".csv" else result, output)
        click.echo(f"Written to {output}.")
    return judgement.agrees


def _suite(name: str, level: float, output: Path | None, how: dict[str, Any]) -> bool:
    import numpy as np

    from twinpeaks import validate

    result = run(name, level, **how)
    verdict = result.verdict
    click.echo(verdict.sentence)
    for place in verdict.rejected[:10]:
        click.echo(f"  {place}")
    for variable in ("test_error", "bmd"):
        seen = [
            float(validate.detectable(s, level, verdict.tests).sel(variable=variable))
            for s in result.summaries.values()
            if variable in s["variable"]
        ]
        click.echo(
            f"A theory off in {variable} by {np.nanmin(seen):.1%} to {np.nanmax(seen):.1%}, at all points "
            "of one case alike, would be rejected with probability 0.9."
        )
    if output is not None:
        options = [f"--level={level:g}", f"--device={how['device']}"]
        options += [f"--{key}={how[key]}" for key in ("store", "scheduler") if how[key] is not None]
        made = shlex.join(["twinpeaks", "validate", f"--suite={name}", *options])
        write_report(result, made, output)
        click.echo(f"Written to {output}.")
    return bool(verdict)
