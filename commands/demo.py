"""``twinpeaks demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.agreement import judge, per_point
from twinpeaks.commands.figure import write_figure
from twinpeaks.commands.files import make_folder, write
from twinpeaks.commands.parameters import Device, Grid, Sizes, merged
from twinpeaks.commands.report import progress_bar, refusals

if TYPE_CHECKING:
    import xarray as xr

    from twinpeaks import theory

__all__ = ["command"]

# Dense at both peaks; whole N for every D that is a multiple of 20.
_RATIOS = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 4.0)
_AT: dict[str, Any] = {"alpha_T": 3.0, "lam": (1e-4, 0.1)}
_LEVEL = 1e-3


@click.command("demo")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default="demo",
    help="Folder for everything written.",
)
@click.option("-D", "--size", type=Sizes(), default="60,120", help="Input sizes, multiples of 20.")
@click.option("--seeds", type=click.IntRange(min=2), default=32, help="Instances per point.")
@click.option(
    "--points", type=click.IntRange(min=2), default=200, help="Points of each theory curve."
)
@click.option("--device", type=Device(), default="auto", help="auto, cpu, cuda or cuda:0.")
def command(output: Path, size: Any, seeds: int, points: int, device: str) -> None:
    """Both peaks, in theory and simulation: curves, data, z-scores and picture in minutes.

    Tanh features and a sign teacher at P/D = 3, square and logistic loss, a small and a nearly
    optimal ridge penalty. Exit code 1 when theory and simulation disagree.
    """
    if any(s % 20 for s in ((size,) if isinstance(size, int) else size)):
        raise click.BadParameter(f"--size = {size}: give multiples of 20, so that N is whole")
    make_folder(output)
    import torch

    from twinpeaks import figures

    # Matrices of a few hundred rows: a second thread costs more than it brings, and several times
    # more on a busy machine.
    torch.set_num_threads(1)

    rows, texts, agreed = {}, [], True
    for loss in ("square", "logistic"):
        curve = _solve(loss, points)
        data = _simulate(loss, D=size, seeds=seeds, device=device)
        rows[f"{loss} loss"] = (curve, data)
        text, agrees = _compare(loss, curve, data, output)
        texts.append(text)
        agreed &= agrees
    write("\n".join(texts), output / "z_scores.txt")
    write_figure(figures.twin_peaks(rows), figures.targets(output / "twin_peaks"))
    _say_where(output)
    if not agreed:
        click.get_current_context().exit(1)


def _problem(loss: str) -> theory.Problem:
    from twinpeaks import theory
    from twinpeaks.theory.components import parse

    return theory.Problem(loss=parse(loss, theory.Loss))


def _solve(loss: str, points: int) -> xr.Dataset:
    problem = _problem(loss)
    from twinpeaks import theory
    from twinpeaks.theory.equations.thresholds import with_threshold

    fine = merged(Grid().convert(f"0.05:20:{points}", None, None) + _RATIOS)
    with progress_bar(f"{loss} loss, theory") as progress:
        curve = theory.solve(problem, overparam=fine, progress=progress, **_AT)
    return with_threshold(problem, curve)


def _simulate(loss: str, **sweep: Any) -> xr.Dataset:
    problem = _problem(loss)
    from twinpeaks import simulate

    with refusals(), progress_bar(f"{loss} loss, simulation") as progress:
        return simulate.run(
            problem,
            overparam=_RATIOS,
            n_test=5000,
            n_flip=32,
            n_variance=4096,
            progress=progress,
            **_AT,
            **sweep,
        )


def _compare(loss: str, curve: xr.Dataset, data: xr.Dataset, folder: Path) -> tuple[str, bool]:
    """Print z-scores and write them with the data; the text, and whether the two agree."""
    from twinpeaks import validate

    result, text, agrees = judge(validate.compare(curve, data), _LEVEL)
    text = f"{loss.capitalize()} loss: {text}\n"
    click.echo(text)
    write(curve, folder / f"{loss}_theory.nc")
    write(data, folder / f"{loss}_simulation.nc")
    write(per_point(result), folder / f"{loss}_z_scores.csv")
    return text, agrees


def _say_where(folder: Path) -> None:
    click.echo(f"In {folder.resolve()}:")
    for name, what in (
        ("twin_peaks.png, .pdf", "the picture"),
        ("LOSS_theory.nc, LOSS_simulation.nc", "the data, for square and logistic loss"),
        ("LOSS_z_scores.csv, z_scores.txt", "theory beside simulation"),
    ):
        click.echo(f"  {name:<36}{what}")
