"""``twinpeaks figure``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.files import read
from commands.parameters import Data, File
from commands.report import refusals

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["command", "labels"]


@click.command("figure")
@click.argument("name")
@click.argument("files", type=Data(), nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=File(".png", ".pdf", ""),
    required=True,
    help="Picture to write; without suffix, both NAME.png and NAME.pdf.",
)
def command(name: str, files: tuple[Path, ...], output: Path) -> None:
    """Draw a figure from files of solve and simulate.

    \b
    Examples:
      twinpeaks figure twin-peaks square.nc -o twin_peaks
      twinpeaks figure twin-peaks square.nc square-simulation.nc logistic.nc -o both.pdf

    Files of one problem share a row: at most one theory and one simulation each.
    """  # noqa: D301
    import figures

    draw = figures.REGISTRY.get(name.replace("-", "_"))
    if draw is None:
        names = ", ".join(n.replace("_", "-") for n in sorted(figures.REGISTRY))
        raise click.BadParameter(f"NAME = {name}: give one of {names}")
    rows = _rows(files)
    pairs = [(row["theory"], row.get("simulation")) for row in rows.values()]
    with refusals():
        picture = draw(dict(zip(labels(list(rows)), pairs, strict=True)))
    formats = [output.suffix[1:]] if output.suffix else ["png", "pdf"]
    for written in figures.save(picture, output.with_suffix(""), formats):
        click.echo(f"written to  {written}")


def _rows(files: tuple[Path, ...]) -> dict[str, dict[str, xr.Dataset]]:
    """Datasets by problem, in the order given, then by kind."""
    rows: dict[str, dict[str, xr.Dataset]] = {}
    for file in files:
        data = read(file)
        kind, problem = (str(data.attrs.get(a, "")) for a in ("kind", "problem"))
        if kind not in ("theory", "simulation"):
            raise click.UsageError(f"FILES = {file}: not a result of solve or simulate")
        if kind in rows.setdefault(problem, {}):
            raise click.UsageError(f"FILES = {file}: a second {kind} of one problem; give one")
        rows[problem][kind] = data
    for problem, row in rows.items():
        if "theory" not in row:
            raise click.UsageError(f"FILES = {files[0]} ...: no theory of {problem}; add its file")
    return rows


def labels(problems: list[str]) -> list[str]:
    """Name problems by the components in which they differ: ``logistic loss``, ``sign teacher``."""
    parts = [re.findall(r"(\w+)=(\w+)\(([^()]*)\)", problem) for problem in problems]
    kinds = [{kind: (name, arguments) for kind, name, arguments in part} for part in parts]
    differ = [k for k in kinds[0] if len({kind.get(k) for kind in kinds}) > 1] or ["loss"]
    return [", ".join(_label(k, kind, kinds) for k in differ if k in kind) for kind in kinds]


def _label(
    part: str, kind: dict[str, tuple[str, str]], kinds: list[dict[str, tuple[str, str]]]
) -> str:
    """One component, with its arguments where they are what differs."""
    name, arguments = kind[part]
    others = {other[part][1] for other in kinds if part in other and other[part][0] == name}
    return f"{name.lower()} {part}" + (f" ({arguments})" if len(others) > 1 else "")
