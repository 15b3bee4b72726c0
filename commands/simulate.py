"""``twinpeaks simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.files import output_option, separate
from twinpeaks.commands.networks import network_options
from twinpeaks.commands.parameters import SAME
from twinpeaks.commands.problem import (
    axis_options,
    make_axes,
    make_problem,
    model_options,
    path_options,
)
from twinpeaks.commands.report import progress_bar, refusals, report

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command"]


@click.command("simulate")
@model_options(able="trainable")
@axis_options(limits=False)
@network_options(size="200", seeds=16)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    help="Most seeds of one size to train together; by default 1 on a CPU, as many as fill a GPU.",
)
@path_options
@output_option
def command(
    output: Path | None, loss: str, teacher: str, activation: str, features: str, **sweep: Any
) -> None:
    """Draw, train and measure finite networks.

    \b
    Examples:
      twinpeaks simulate --overparam 0.5,1,2 -D 100 --seeds 4
      twinpeaks simulate --overparam 0.5,1,2 -D 100,200 --seeds 16 -o square-simulation.nc
      twinpeaks simulate --overparam 0.5,1,2 -D 400 --seeds 99 --store run.db --scheduler 4

    P = alpha_T D and N = overparam P must be whole numbers for validate to accept the result.
    Two sizes let validate tell finite-size bias from noise.
    """  # noqa: D301
    separate(output, store=sweep["store"])
    problem = make_problem(loss=loss, teacher=teacher, activation=activation, features=features)
    axes = make_axes(
        **{name: sweep.pop(name) for name in ("vary", "path", "overparam", "alpha_T", "lam")}
    )
    from twinpeaks import simulate

    with refusals(), progress_bar("simulate") as progress:
        data = simulate.run(problem, **axes, **sweep, progress=progress)
    _note_rounding(data)
    report(
        data,
        "optimality",
        output,
        lambda s: f"({simulate.Status(s).name.lower()}). Training stopped short; raise --lam.",
    )


def _note_rounding(data: xr.Dataset) -> None:
    off = max(float(abs(data[f"{a}_actual"] / data[a] - 1).max()) for a in ("overparam", "alpha_T"))
    if off > SAME:
        click.echo(f"note: N and P were rounded; ratios are off by up to {off:.1e}.", err=True)
