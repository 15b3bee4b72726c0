"""``twinpeaks store``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twinpeaks.commands.files import separate, write
from twinpeaks.commands.parameters import File

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twinpeaks.sweeps.store import Store

__all__ = ["command"]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group("store")
def command() -> None:
    """Look into the files that simulate and sample write with --store.

    \b
    Examples:
      twinpeaks simulate --overparam 0.5,1,2 -D 100 --seeds 64 --store run.db
      twinpeaks store show run.db
      twinpeaks store export run.db -o run.nc
    """  # noqa: D301


@contextmanager
def _opened(path: Path) -> Iterator[Store]:
    from twinpeaks.sweeps.store import Store, StoreError

    try:
        with Store(path, create=False) as store:
            yield store
    except StoreError as error:
        raise click.ClickException(str(error)) from error


class _Folder(click.Path):
    """A folder; a file is one of the stores in it, which another command shows."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse a file."""
        path = Path(str(super().convert(value, param, ctx)))
        if path.is_file():
            self.fail(
                f"{path} is a file: give a folder, or twinpeaks store show {path}", param, ctx
            )
        return path


@command.command("ls")
@click.argument("folder", type=_Folder(path_type=Path, exists=True), default=".")
def ls(folder: Path) -> None:
    """List the stores in a folder: kind, finished instances, hours of work, problem."""
    from twinpeaks.sweeps.store import Store, StoreError

    for path in sorted(p for p in folder.iterdir() if p.suffix in (".db", ".sqlite")):
        try:
            with Store(path, create=False) as store:
                held = store.summary()
        except StoreError as error:
            click.echo(f"{path.name:<24}{error}")
            continue
        hours = held.seconds / 3600
        kind, problem = (held.protocol.get(name, "") for name in ("kind", "problem"))
        click.echo(
            f"{path.name:<24}{kind:<8}{held.results:>8} instances{hours:>9.2f} h  "
            f"{problem or 'nothing yet'}"
        )


@command.command("show")
@click.argument("file", type=_FILE)
def show(file: Path) -> None:
    """Show what a store was made for and how far each of its sweeps is."""
    with _opened(file) as store:
        held = store.summary()
        for name, value in held.protocol.items():
            click.echo(f"{name:<12}{value}")
        click.echo(f"{'finished':<12}{held.results} instances in {held.seconds:.1f} s of work")
        click.echo(f"{'running':<12}{held.claimed} instances")
        for number, grid in enumerate(held.grids, start=1):
            axes = ", ".join(f"{name} {_span(grid.frame[name].values)}" for name in grid.axes)
            done, total = store.progress(grid)
            click.echo(f"sweep {number:<6}{done} of {total} instances; {axes}")


def _span(given: NDArray[Any]) -> str:
    values = given.ravel().tolist()
    if len(values) <= 4 or isinstance(values[0], str):
        return ",".join(v if isinstance(v, str) else f"{v:g}" for v in values)
    return f"{min(values):g}..{max(values):g} ({len(values)} values)"


@command.command("export")
@click.argument("file", type=_FILE)
@click.option("-o", "--output", type=File(".nc", ".csv"), required=True, help="File to write.")
@click.option(
    "--sweep", type=click.IntRange(min=1), help="Its number in show; the last by default."
)
@click.option("--partial", is_flag=True, help="Write an unfinished sweep, NaN where it is missing.")
def export(file: Path, output: Path, sweep: int | None, partial: bool) -> None:
    """Write a sweep as the file that -o would have written."""
    separate(output, store=file)
    with _opened(file) as store:
        grids = store.summary().grids
        if not grids or (sweep or 1) > len(grids):
            raise click.BadParameter(f"--sweep = {sweep or 1}: the store has {len(grids)} sweeps")
        grid = grids[(sweep or len(grids)) - 1]
        done, total = store.progress(grid)
        if done < total and not partial:
            raise click.UsageError(
                f"{file}: {done} of {total} instances are finished; run the sweep again to complete "
                "it, or give --partial"
            )
        write(store.collect(grid), output)
    click.echo(f"instances   {done} of {total}\nwritten to  {output}")


@command.command("verify")
@click.argument("file", type=_FILE)
@click.option("--repair", is_flag=True, help="Remove damaged results, so that they are run again.")
def verify(file: Path, repair: bool) -> None:
    """Check the file and the digest of every result; exit code 1 if something is wrong."""
    with _opened(file) as store:
        wrong = store.verify(repair=repair)
        still = store.verify() if repair else wrong
        left = store.count()
    for sentence in wrong:
        click.echo(f"wrong: {sentence}", err=True)
    if len(still) < len(wrong):
        click.echo("damaged results were removed; run the sweep again")
    click.echo(f"{left} results{'' if wrong else ', all as written'}")
    if still:
        click.get_current_context().exit(1)
