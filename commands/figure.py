"""``twinpeaks figure``."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.files import make_folder, read, replacing, require
from twinpeaks.commands.parameters import Data
from twinpeaks.commands.report import progress_bar, refusals

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["command", "labels", "write_figure"]

_FOLDER = Path("gallery")


class _Command(click.Command):
    """Its help lists the figures; they are loaded only then."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names."""
        formatter.write_paragraph()
        formatter.write_text(f"NAME is one of {_names()}.")


def _names() -> str:
    from twinpeaks import figures

    return ", ".join(name.replace("_", "-") for name in sorted(figures.REGISTRY))


@click.command("figure", cls=_Command)
@click.argument("name", required=False)
@click.argument("files", type=Data(), nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every figure, with the data it computes.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Picture to write: NAME.png, NAME.pdf or NAME.svg; without suffix, NAME.png and NAME.pdf; with "
    "--all, a folder."
    "  [default: NAME in the folder gallery]",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="File of images for figures of data, such as MNIST's t10k-images-idx3-ubyte.gz, beside its labels."
    "  [default: the digits of scikit-learn]",
)
@click.option("--full", is_flag=True, help="The large version of a figure that trains networks.")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Where networks are kept as they are trained, to go on from there; names of files begin with it.",
)
@click.option("--scheduler", help="Workers on this machine, or the address of a Dask scheduler.")
def command(
    name: str | None,
    files: tuple[Path, ...],
    everything: bool,
    output: Path | None,
    images: Path | None,
    full: bool,
    store: Path | None,
    scheduler: str | None,
) -> None:
    """Draw a figure from the data that it computes, or from files of solve and simulate.

    \b
    Examples:
      twinpeaks figure maps
      twinpeaks figure --all
      twinpeaks figure twin-peaks square.nc -o twin_peaks
      twinpeaks figure twin-peaks square.nc square-simulation.nc logistic.nc -o both.pdf
      twinpeaks figure real-features --images t10k-images-idx3-ubyte.gz
      twinpeaks figure network-peaks --full --store peaks --scheduler 2

    Files belong to twin-peaks. Those of one problem share a row: at most one theory and one
    simulation each.
    """  # noqa: D301
    from twinpeaks import figures

    shown = _names()
    options = {"images": images, "full": full or None, "store": store, "scheduler": scheduler}
    given = {name: value for name, value in options.items() if value is not None}
    if everything:
        if name is not None:
            raise click.UsageError(f"NAME = {name} beside --all: give one of the two")
        for option, value in given.items():
            raise click.UsageError(f"--{option} = {value} beside --all: give it with one figure")
        folder = make_folder(output or _FOLDER)
        for each in figures.REGISTRY:
            _draw(each, (), figures.targets(folder / each))
        return
    if name is None:
        raise click.UsageError(f"NAME is missing: give --all or one of {shown}")
    found = name.replace("-", "_")
    if found not in figures.REGISTRY:
        raise click.BadParameter(f"NAME = {name}: give one of {shown}")
    taken = inspect.signature(figures.DEFAULTS[found]).parameters
    for option, value in given.items():
        if option not in taken:
            others = [
                n
                for n, made in figures.DEFAULTS.items()
                if option in inspect.signature(made).parameters
            ]
            raise click.UsageError(
                f"--{option} = {value}: {name} takes none; leave it out, or draw one of "
                f"{', '.join(other.replace('_', '-') for other in sorted(others))}"
            )
    if files and found != "twin_peaks":
        raise click.UsageError(f"FILES: {name} computes what it draws; leave them out")
    try:
        targets = figures.targets(output or make_folder(_FOLDER) / found)
    except ValueError as error:
        said = str(error).replace(f"path = {str(output)!r}", f"--output = {output}")
        raise click.UsageError(said) from error
    _draw(found, files, tuple(map(require, targets)), given)


def _draw(
    name: str,
    files: tuple[Path, ...],
    targets: tuple[Path, ...],
    options: dict[str, Any] | None = None,
) -> None:
    from twinpeaks import figures

    if files:
        rows = _rows(files)
        pairs = [(row["theory"], row.get("simulation")) for row in rows.values()]
        data = (dict(zip(labels(list(rows)), pairs, strict=True)),)
    else:
        with refusals(), progress_bar(name) as progress:
            data = figures.DEFAULTS[name](progress, **(options or {}))
    with refusals():
        picture = figures.REGISTRY[name](*data)
    for written in write_figure(picture, targets):
        click.echo(f"written to  {written}")


def write_figure(picture: Figure, targets: tuple[Path, ...]) -> tuple[Path, ...]:
    """Write a figure to the files that ``figures.targets`` names."""
    from twinpeaks import figures

    for target in targets:
        with replacing(target) as part:
            figures.save(picture, part)
    return targets


def _rows(files: tuple[Path, ...]) -> dict[str, dict[str, xr.Dataset]]:
    """Datasets by problem, in the order given, then by kind."""
    rows: dict[str, dict[str, xr.Dataset]] = {}
    for file in files:
        data = read(file, "theory", "simulation")
        kind, problem = data.attrs["kind"], data.attrs["problem"]
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
    made = [", ".join(_label(k, kind, kinds) for k in differ if k in kind) for kind in kinds]
    return made if all(made) and len(set(made)) == len(made) else problems


def _label(
    part: str, kind: dict[str, tuple[str, str]], kinds: list[dict[str, tuple[str, str]]]
) -> str:
    """One component, with its arguments where they are what differs."""
    name, arguments = kind[part]
    others = {other[part][1] for other in kinds if part in other and other[part][0] == name}
    return f"{name.lower()} {part}" + (f" ({arguments})" if len(others) > 1 else "")
