"""Types of option values; every refusal reads ``--option = value: remedy``."""

from __future__ import annotations

import math
import os
import re
import stat
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

import click

__all__ = [
    "SAME",
    "Data",
    "Device",
    "File",
    "Grid",
    "Parameter",
    "Sizes",
    "Vary",
    "Workers",
    "flag",
    "merged",
    "obstacle",
]

SAME = 1e-9  # values closer than this, relatively, are one point
MOST = 1_000_000  # points of one range


def flag(param: click.Parameter | None) -> str:
    """The name under which a user knows a parameter: ``--overparam``, ``THEORY``."""
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return param.human_readable_name if param else "value"


class Parameter(click.ParamType):  # type: ignore[type-arg]
    """Base of the types here."""

    def refuse(self, value: Any, remedy: str, param: click.Parameter | None) -> NoReturn:
        """Raise the usage error that names option, value and remedy."""
        raise click.BadParameter(f"{flag(param)} = {value}: {remedy}", param=param)


class Grid(Parameter):
    """A number, or a tuple of numbers, as given, from a comma list of numbers and log-spaced ranges.

    Parameters
    ----------
    zero, infinite, negative : bool
        Whether the limits ``0`` and ``inf`` are values, and whether numbers below 0 are.
    """

    name = "grid"

    def __init__(
        self, *, zero: bool = False, infinite: bool = False, negative: bool = False
    ) -> None:
        self.zero, self.infinite, self.negative = zero, infinite, negative

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Any:
        """Read ``0.5``, ``0.5,1``, ``0.05:20:200`` or a list of these."""
        if not isinstance(value, str):
            return value
        points: list[float] = []
        for piece in value.split(","):
            ends = piece.split(":")
            try:
                if len(ends) == 1:
                    points.append(float(piece))
                    continue
                start, stop, count = float(ends[0]), float(ends[1]), int(ends[2])
            except (ValueError, IndexError):
                self.refuse(
                    value, "give a number, a list 0.5,1,2 or a range first:last:count", param
                )
            if len(ends) > 3 or count < 2 or not (0 < start < stop < math.inf):
                self.refuse(
                    value, "a range is first:last:count with 0 < first < last, count >= 2", param
                )
            if count > MOST:
                self.refuse(value, f"{count} points in one range; give at most {MOST}", param)
            step = math.log(stop / start) / (count - 1)
            points += [start, *(start * math.exp(step * i) for i in range(1, count - 1)), stop]
        bad = [p for p in points if not self._admits(p)]
        if bad:
            self.refuse(value, f"{bad[0]:g} is out of range, give {self._admitted}", param)
        if "," not in value and ":" not in value:
            return points[0]
        return tuple(points)

    def _admits(self, point: float) -> bool:
        limit = (self.zero and point == 0) or (self.infinite and point == math.inf)
        return limit or (-math.inf if self.negative else 0) < point < math.inf

    @property
    def _admitted(self) -> str:
        values = "values" if self.negative else "values >= 0" if self.zero else "values > 0"
        return f"{values} or inf" if self.infinite else f"finite {values}"


class Vary(Parameter):
    """A number of a component as an axis."""

    name = "part.parameter=grid"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> tuple[str, Any]:
        """Read ``teacher.flip=0,0.1``."""
        name, _, grid = str(value).partition("=")
        if not re.fullmatch(r"[a-z]+\.\w+", name):
            self.refuse(value, "give PART.PARAMETER=GRID, such as teacher.flip=0,0.1", param)
        try:
            return name, Grid(negative=True).convert(grid, param, ctx)
        except click.BadParameter as error:
            self.refuse(value, error.message.partition(f" = {grid}: ")[2] or error.message, param)


def merged(values: Any) -> Any:
    """The points of a grid in order, those that are the same but for rounding once."""
    if not isinstance(values, tuple):
        return values
    points = sorted(values)
    return (*points[:1], *(b for a, b in pairwise(points) if b - a > SAME * abs(a)))


class Sizes(Parameter):
    """A whole number, or a tuple of them from a comma list."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Any:
        """Read ``200`` or ``100,200``."""
        if not isinstance(value, str):
            return value
        try:
            sizes = sorted({int(piece) for piece in value.split(",")})
        except ValueError:
            sizes = [0]
        if sizes[0] < 2:
            self.refuse(value, "give whole numbers >= 2, such as 200 or 100,200", param)
        return tuple(sizes) if "," in value else sizes[0]


class Device(Parameter):
    """Where to compute; whether it is there is known only once torch is loaded."""

    name = "device"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> str:
        """Read ``auto``, ``cpu``, ``cuda`` or ``cuda:1``."""
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value):
            self.refuse(value, "give auto, cpu, cuda or cuda:0", param)
        return str(value)


class Workers(Parameter):
    """The address of a Dask scheduler, or a number of processes."""

    name = "address or number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> str | int:
        """Tell the two apart."""
        text = str(value)
        if text.isdigit() and int(text) > 0:
            return int(text)
        if "://" not in text:
            self.refuse(value, "give tcp://HOST:PORT or a number of processes", param)
        return text


class File(Parameter):
    """A file to write, of a known kind, in a folder that exists."""

    name = "file"

    def __init__(self, *suffixes: str) -> None:
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Path:
        """Check suffix and folder before any work is done."""
        path = Path(value)
        if path.suffix not in self.suffixes:
            self.refuse(value, f"end the name in {' or '.join(filter(None, self.suffixes))}", param)
        if remedy := obstacle(path):
            self.refuse(value, remedy, param)
        return path


def obstacle(path: Path) -> str | None:
    """What keeps a file from being written, with the remedy; None if nothing does."""
    try:
        if not os.path.isdir(path.parent):
            return f"there is no folder {path.parent}; create it first"
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG | stat.S_IWUSR
    except (OSError, ValueError) as error:
        return f"{getattr(error, 'strerror', None) or error}; give another name"
    if stat.S_ISDIR(mode):
        return "this is a folder; give the name of a file"
    if not stat.S_ISREG(mode):
        return "this is no ordinary file; give another name"
    if not mode & 0o222 or (path.exists() and not os.access(path, os.W_OK)):
        return "this file is read-only; give another name"
    try:
        with TemporaryFile(dir=path.parent):  # permissions alone do not tell
            pass
    except OSError as error:
        return f"the folder {path.parent} cannot be written to ({error.strerror}); give another"
    return None


class Data(Parameter):
    """A NetCDF file to read."""

    name = "file.nc"

    def convert(self, value: Any, param: click.Parameter | None, ctx: Any) -> Path:
        """Check that the file is there."""
        path = Path(value)
        if not os.path.isfile(path):  # false for names that no file can have, too
            self.refuse(value, "there is no such file; write it with solve or simulate -o", param)
        if path.suffix != ".nc":
            self.refuse(value, "give a NetCDF file, as solve and simulate write to NAME.nc", param)
        return path
