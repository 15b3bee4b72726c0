"""``twinpeaks solve``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click

from twinpeaks.commands.files import output_option
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


@click.command("solve")
@model_options()
@axis_options(limits=True)
@click.option(
    "--beta",
    type=Grid(infinite=True),
    default="inf",
    help="Inverse temperature of the weights; inf minimises the loss.",
)
@path_options
@output_option
def command(
    output: Path | None, loss: Any, teacher: Any, activation: Any, features: Any, **axes: Any
) -> None:
    """Solve the theory on a grid: the limit of infinite size.

    \b
    Examples:
      twinpeaks solve --overparam 0.5,1,2
      twinpeaks solve --overparam 0.05:20:200 --lam 1e-4,0.1 -o square.nc
      twinpeaks solve --loss logistic --overparam 0.05:20:200,0.5,1,2 -o logistic.nc
      twinpeaks solve --loss hinge --teacher flippedsign:flip=0.05 --overparam 0.5,1,2,inf
      twinpeaks solve --loss logistic --overparam 0.5,1,2 --beta 1,10,100,inf
      twinpeaks solve --features powerlaw:exponent=0.3 --overparam 0.5,2 --lam 0,1e-4
      twinpeaks solve --teacher flippedsign --overparam 0.5,1,2 --vary teacher.flip=0,0.05,0.1
      twinpeaks solve --overparam 0.5,1,2 --alpha-T 6,3,1.5 --path overparam,alpha_T

    The third grid adds the points of a simulation to a fine curve, the last line holds N/D fixed. A
    component is a name, with parameters after a colon or, as in Python, in parentheses. Exit
    code 1 when a point did not converge; its values are then NaN.
    """  # noqa: D301
    problem = make_problem(loss=loss, teacher=teacher, activation=activation, features=features)
    grids = make_axes(**axes)
    from twinpeaks import theory
    from twinpeaks.theory.equations.thresholds import with_threshold

    with refusals(), progress_bar("solve") as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore", theory.UnstableWarning)  # the report says it
        curve = theory.solve(problem, **grids, throw=False, progress=progress)
        curve = with_threshold(problem, curve)

    def sentence(status: int) -> str:
        return f"({theory.Status(status).label}). {theory.Status(status).sentence}"

    report(curve, "residual", output, sentence)
