"""``twinpeaks sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from twinpeaks.commands.files import output_option, separate
from twinpeaks.commands.networks import network_options
from twinpeaks.commands.parameters import Grid
from twinpeaks.commands.problem import (
    axis_options,
    make_axes,
    make_problem,
    model_options,
    path_options,
)
from twinpeaks.commands.report import progress_bar, refusals, report

__all__ = ["command"]


@click.command("sample")
@model_options(able="smooth")
@axis_options(limits=False)
@network_options(size="100", seeds=8)
@click.option("--beta", type=Grid(), default="10", help="Inverse temperature of the weights.")
@click.option(
    "--chains", type=click.IntRange(min=4), default=8, help="Markov chains per instance and point."
)
@click.option(
    "--warmup",
    type=click.IntRange(min=0),
    default=500,
    help="Transitions of each chain that adapt it and are thrown away.",
)
@click.option("--draws", type=click.IntRange(min=4), default=1000, help="Draws of each chain.")
@click.option(
    "--trajectory",
    type=click.FloatRange(min=0, min_open=True),
    default=2.0,
    help="Mean length of a trajectory in quarter periods.",
)
@path_options
@output_option
def command(
    output: Path | None, loss: str, teacher: str, activation: str, features: str, **sweep: Any
) -> None:
    """Draw weights of finite networks at finite temperature, and measure them.

    \b
    Examples:
      twinpeaks sample --overparam 0.5,1,2 --beta 1,10 -D 60
      twinpeaks sample --loss logistic --overparam 0.5,1,2 --lam 0.01 -D 60,120 -o logistic-beta.nc
      twinpeaks sample --loss logistic --overparam 0.5,1,2 --store draws.db --scheduler 4

    The counterpart is solve --beta. Square loss is drawn exactly, other smooth losses by Hamiltonian
    Monte Carlo. Exit code 1 when chains did not mix; their values are then NaN.
    """  # noqa: D301
    separate(output, store=sweep["store"])
    problem = make_problem(loss=loss, teacher=teacher, activation=activation, features=features)
    names = ("vary", "path", "overparam", "alpha_T", "lam", "beta")
    axes = make_axes(**{name: sweep.pop(name) for name in names})
    from twinpeaks import simulate
    from twinpeaks.simulate.chains.mixing import Status

    with refusals(), progress_bar("sample") as progress:
        data = simulate.sample(problem, **axes, **sweep, progress=progress)
    report(
        data, "test_error_se", output, lambda s: f"({Status(s).name.lower()}). {Status(s).sentence}"
    )
