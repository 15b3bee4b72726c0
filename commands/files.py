"""Files that commands write and read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twinpeaks.commands.parameters import File

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["output_option", "read", "separate", "write"]

output_option = click.option(
    "-o", "--output", type=File(".nc", ".csv"), help="File to write: NetCDF (.nc) or CSV (.csv)."
)


def separate(output: Path | None, **others: Path | None) -> None:
    """Refuse, before any work, an output that would replace a file that the command uses.

    Parameters
    ----------
    output : Path or None
        The value of ``--output``.
    **others : Path or None
        Other files or folders, by the name of their option or argument: ``store``, ``theory``.
    """
    for name, path in others.items():
        if output is not None and path is not None and output.resolve() == path.resolve():
            raise click.UsageError(
                f"--output = {output}: this is the {name}, which would be replaced; give another name",
                click.get_current_context(),
            )


def write(data: xr.Dataset, path: Path) -> None:
    """Write NetCDF or CSV by the suffix; the file appears only when it is complete."""
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".nc":
            data.to_netcdf(part, engine="h5netcdf")
        else:
            (data if data.dims else data.expand_dims("overparam")).to_dataframe().to_csv(part)
        part.replace(path)
    except OSError as error:
        raise click.ClickException(
            f"{path} could not be written: {error.strerror or error}"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def read(path: Path) -> xr.Dataset:
    """Read NetCDF, or say on one line why not."""
    import xarray as xr

    try:
        return xr.load_dataset(path)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: not a NetCDF file that can be read ({error})") from error
