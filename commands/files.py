"""Files that commands write and read: whatever is wrong with one is said in one sentence."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twinpeaks.commands.parameters import File, obstacle

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["make_folder", "output_option", "read", "replacing", "require", "separate", "write"]

output_option = click.option(
    "-o", "--output", type=File(".nc", ".csv"), help="File to write: NetCDF (.nc) or CSV (.csv)."
)

_AXES = ("overparam", "alpha_T", "lam")


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


def require(path: Path) -> Path:
    """A file that can be written, or refuse it."""
    if remedy := obstacle(path):
        raise click.UsageError(f"--output = {path}: {remedy}", click.get_current_context())
    return path


def make_folder(path: Path) -> Path:
    """Make a folder unless it is there, or say why not."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise click.UsageError(
            f"--output = {path}: no folder can be made there ({said}); give another name",
            click.get_current_context(),
        ) from error
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name of the same suffix to write to; the file appears only when it is complete."""
    part = path.with_name(f".{os.getpid()}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise click.ClickException(
            f"{path} could not be written: {error.strerror or error}"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write(data: xr.Dataset | str, path: Path) -> None:
    """Write a Dataset as NetCDF or CSV, by the suffix, or a text."""
    with replacing(path) as part:
        if isinstance(data, str):
            part.write_text(data, encoding="utf-8")
        elif path.suffix == ".nc":
            part.write_bytes(_netcdf(data))
        else:
            (data if data.dims else data.expand_dims("overparam")).to_dataframe().to_csv(part)


def _netcdf(data: xr.Dataset) -> bytes:
    """A Dataset as NetCDF, made in memory: on a disk that fills up HDF5 ends the process."""
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    held = io.BytesIO()
    with h5netcdf.File(held, "w") as file:
        data.dump_to_store(H5NetCDFStore(file))
    return held.getvalue()


def read(path: Path, *kinds: str) -> xr.Dataset:
    """Read a result of solve, simulate or sample, or say on one line what is wrong with it.

    Parameters
    ----------
    path : Path
        A NetCDF file.
    *kinds : str
        What it may be: ``theory``, ``simulation``.
    """
    import h5py
    import xarray as xr

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with h5py.File(path, "r") as file:
                dict(file.attrs)  # where this fails h5netcdf leaves noise on stderr
            data = xr.load_dataset(path, engine="h5netcdf")
    except Exception as error:  # damage may surface anywhere in the libraries that read
        said = str(error).split("\n")[0]
        raise click.UsageError(f"{path}: not a NetCDF file that can be read ({said})") from error
    if wrong := _damage(data, kinds):
        raise click.UsageError(f"FILE = {path}: {wrong}; write it again with solve or simulate -o")
    return data


def _damage(data: xr.Dataset, kinds: tuple[str, ...]) -> str | None:
    """What keeps a Dataset from being a result of one of some kinds."""
    kind, problem = data.attrs.get("kind"), data.attrs.get("problem")
    if not (isinstance(kind, str) and kind in kinds):
        return f"its kind is {kind!r}; give a {' or '.join(kinds)}"
    if not (isinstance(problem, str) and problem.startswith("Problem(")):
        return f"its problem, {problem!r}, is none of twinpeaks"
    if missing := [name for name in (*_AXES, "status") if name not in data.variables]:
        return f"it lacks {', '.join(missing)}"
    for name, variable in data.variables.items():
        if variable.dtype.kind not in "iufb":
            return f"{name} holds something else than numbers"
    if data["status"].isnull().any():
        return "a status is NaN"
    for name in map(str, data.dims):
        index = data.indexes.get(name)
        if index is not None and (index.hasnans or not index.is_unique):
            return f"the dimension {name} needs distinct numbers"
    return None
