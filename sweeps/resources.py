"""With what a sweep is performed, and where its results are kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypedDict

from twinpeaks.theory.axes import check_count

__all__ = ["Options", "Progress", "Resources", "read_resources"]

Progress = Callable[[int, int], Any]


class Options(TypedDict, total=False):
    """The attributes of ``Resources`` as keyword arguments of ``run`` and its siblings."""

    device: str
    memory: int | None
    threads: int
    batch: int | None
    store: str | Path | None
    scheduler: str | int | None
    progress: Progress | bool


@dataclass(frozen=True)
class Resources:
    """With what a sweep is performed, and where its results are kept.

    Attributes
    ----------
    device : str
        "auto", "cpu", "cuda" or "cuda:<index>". Draws of a CPU and of a GPU differ.
    memory : int, optional
        Bytes that one task may use; by default half of physical memory on a CPU, shared between the
        workers on a machine, and 0.8 of free memory on a GPU.
    threads : int
        CPU threads of one task, part of the result to the last bit. One is best for matrices of a
        few hundred rows.
    batch : int, optional
        Most seeds of one size to work on together, for protocols that do. By default 1 on a CPU, where
        a seed then gives the same bits in any sweep (of the same versions, kind of processor, linear
        algebra library and threads), and on a GPU as many as fill it. Seeds in larger batches depend
        on their company by rounding.
    store : path, optional
        SQLite file that keeps every finished task: the same call after an interruption does only what
        is missing, a call with more seeds or other ratios adds to it, and several processes on one
        machine share the work.
    scheduler : str or int, optional
        Address of a Dask scheduler, ``tcp://host:port``, or a number of worker processes to start
        here. Results equal those of a serial run bit for bit where the workers' versions, kind of
        processor and linear algebra library are those of this process.
    progress : bool or callable
        True draws a bar on stderr; a callable receives (done, total) after each task.

    Raises
    ------
    ValueError
        Names the argument, its value and the remedy.
    """

    device: str = "auto"
    memory: int | None = None
    threads: int = 1
    batch: int | None = None
    store: str | Path | None = None
    scheduler: str | int | None = None
    progress: Progress | bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without the device."""
        check_count("threads", self.threads, 1)
        for name in ("memory", "batch", "scheduler"):
            given = getattr(self, name)
            if given is not None and not (name == "scheduler" and isinstance(given, str)):
                check_count(name, given, 1)
        if self.store is not None:
            _check_store(self.store)
        if not (isinstance(self.progress, bool) or callable(self.progress)):
            raise ValueError(
                f"progress = {self.progress!r}: give True, False or a callable of (done, total)"
            )


def read_resources(given: Options) -> Resources:
    """The resources that the keyword arguments of a function describe.

    Raises
    ------
    TypeError
        For a keyword that is none of them.
    ValueError
        As ``Resources``.
    """
    known = [f.name for f in fields(Resources)]
    for name in given:
        if name not in known:
            hint = "; samples at a finite beta are drawn by tp.sample" if name == "beta" else ""
            raise TypeError(f"{name}: no argument here; options are {', '.join(known)}{hint}")
    return Resources(**given)


def _check_store(given: Any) -> None:
    """Refuse what is no name of a file on disk."""
    if not isinstance(given, (str, os.PathLike)) or isinstance(os.fspath(given), bytes):
        raise ValueError(f"store = {given!r}: give the path of a file, or None")
    if os.fspath(given) in ("", ":memory:"):
        raise ValueError(
            f"store = {given!r} keeps nothing: give the path of a file, or None to keep no store"
        )
