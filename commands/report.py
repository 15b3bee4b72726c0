"""What a command says while it works and when it is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twinpeaks.commands.files import write

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["progress_bar", "refusals", "report"]

_SHORT = 12  # points that are printed when no file is written
_EVERY = 10.0  # seconds between lines of progress


@contextmanager
def refusals() -> Iterator[None]:
    """Put on one line what the library refuses or loses; a ValueError, of an argument, is a usage error."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error
    except RuntimeError as error:
        # named, so that --help need not load torch
        if type(error).__name__ not in ("ClusterError", "DeviceError", "StoreError"):
            raise
        raise click.ClickException(str(error)) from error


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress as the callback that both engines take: a bar, or lines where there is no terminal."""
    if not sys.stderr.isatty():
        yield _lines(title)
        return
    from tqdm import tqdm

    with tqdm(desc=title, leave=False) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance


def _lines(title: str) -> Callable[[int, int], None]:
    """A line on stderr every ten seconds, for logs."""
    start = spoken = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal spoken
        now = time.monotonic()
        if now - spoken >= _EVERY:
            spoken = now
            click.echo(f"{title}: {done} of {total} after {now - start:.0f} s", err=True)

    return advance


def report(
    data: xr.Dataset,
    quality: str,
    output: Path | None,
    sentence: Callable[[int], str],
    good: Sequence[int] = (0,),
) -> None:
    """Write and describe a Dataset; leave with exit code 1 where points failed.

    Parameters
    ----------
    data : xarray.Dataset
        Of ``solve`` or ``run``.
    quality : str
        The variable that says how well the worst point was solved.
    output : Path or None
        File to write.
    sentence : callable
        From a status to its name and what to do about it.
    good : sequence of int
        Statuses of points that did not fail.
    """
    shown = data[[name for name in ("test_error", "bmd", "status") if name in data]]
    shown = shown if shown.dims else shown.expand_dims("n" if "n" in data.coords else "overparam")
    points = shown.stack(point=shown["status"].dims)
    bad = points.isel(point=~points["status"].isin(good).values)
    failed, total = bad.sizes["point"], points.sizes["point"]
    if output is None and total <= _SHORT:
        click.echo(points.reset_index("point").to_dataframe().to_string(index=False) + "\n")
    click.echo(f"points      {total}\nconverged   {total - failed}")
    click.echo(f"worst {quality}  {float(data[quality].max()):.1e}")
    if "stable" in data:
        broken = int(((data["status"] == 0) & ~data["stable"]).sum())
        if broken:
            click.echo(
                f"unstable: {broken} points, where replica symmetry is broken (replicon < 0) and the "
                "numbers are not those of the model.",
                err=True,
            )
    if output is not None:
        write(data, output)
        click.echo(f"written to  {output}")
    if failed:
        from twinpeaks.validate.labels import axes_of, describe

        axes = axes_of(data)
        for i in range(min(5, failed)):
            point = bad.isel(point=i)
            click.echo(
                f"failed: {describe(point, axes)} {sentence(int(point['status']))}", err=True
            )
        click.echo(f"failed: {failed} of {total} points, left as NaN.", err=True)
        click.get_current_context().exit(1)
