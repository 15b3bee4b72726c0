"""``twinpeaks solve``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commands.files import output_option
from commands.problem import axis_options, make_problem, model_options
from commands.report import progress_bar, refusals, report
from commands.threshold import with_threshold

__all__ = ["command"]


@click.command("solve")
@model_options
@axis_options
@output_option
def command(output: Path | None, overparam: Any, alpha_T: Any, lam: Any, **model: str) -> None:
    """Solve the theory on a grid: the limit of infinite size.

    \b
    Examples:
      twinpeaks solve --overparam 0.5,1,2
      twinpeaks solve --overparam 0.05:20:200 --lam 1e-4,0.1 -o square.nc
      twinpeaks solve --loss logistic --overparam 0.05:20:200,0.5,1,2 -o logistic.nc

    The last grid adds the points of a simulation to a fine curve. Exit code 1 when a point did
    not converge; its values are then NaN.
    """  # noqa: D301
    problem = make_problem(**model)
    import theory

    with refusals(), progress_bar("solve") as progress:
        curve = theory.solve(
            problem, overparam=overparam, alpha_T=alpha_T, lam=lam, throw=False, progress=progress
        )
        curve = with_threshold(problem, curve)

    def sentence(status: int) -> str:
        return f"({theory.Status(status).label}). {theory.Status(status).sentence}"

    report(curve, "residual", output, sentence)
