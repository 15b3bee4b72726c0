"""The one driver of all sweeps: plan, perform or look up every task, and label the results."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
from tqdm import tqdm

from twinpeaks.simulate.draw import check_sizes
from twinpeaks.sweeps.device import Workspace, choose_device, plan_memory
from twinpeaks.sweeps.grid import Grid, check_count
from twinpeaks.sweeps.layout import Values, assemble
from twinpeaks.sweeps.store import Store
from twinpeaks.sweeps.sweep import Protocol, Sweep, Task, key_of, places
from twinpeaks.sweeps.workers import Workers, cluster, here

__all__ = ["Means", "Progress", "execute"]

Progress = Callable[[int, int], Any]

_PATIENCE = 0.5  # seconds between looks at what other processes have finished


@dataclass(frozen=True)
class Means:
    """With what a sweep is performed, and where its results are kept.

    Attributes
    ----------
    device, memory, threads, store, scheduler, progress
        As in ``simulate.run``.
    batch : int, optional
        As there; None lets the device decide.

    Raises
    ------
    ValueError
        Names the argument, its value and the remedy.
    """

    device: str
    memory: int | None
    threads: int
    store: str | Path | None
    scheduler: str | int | None
    progress: Progress | bool
    batch: int | None = 1

    def __post_init__(self) -> None:
        """Check what can be checked without the device."""
        for name, least in (("memory", 1), ("threads", 1), ("batch", 1), ("scheduler", 1)):
            given = getattr(self, name)
            if given is not None and not (name == "scheduler" and isinstance(given, str)):
                check_count(name, given, least)
        if self.store is not None:
            _check_store(self.store)
        if not (isinstance(self.progress, bool) or callable(self.progress)):
            raise ValueError(
                f"progress = {self.progress!r}: give True, False or a callable of (done, total)"
            )


def _check_store(given: Any) -> None:
    """Refuse what is no name of a file on disk."""
    if not isinstance(given, (str, os.PathLike)) or isinstance(os.fspath(given), bytes):
        raise ValueError(f"store = {given!r}: give the path of a file, or None")
    if os.fspath(given) in ("", ":memory:"):
        raise ValueError(
            f"store = {given!r} keeps nothing: give the path of a file, or None to keep no store"
        )


def execute(protocol: Protocol, grid: Grid, means: Means) -> xr.Dataset:
    """Perform a sweep.

    Parameters
    ----------
    protocol : Protocol
        What is done with every instance.
    grid : Grid
        Which instances.
    means : Means
        Device, memory, threads, workers, store and progress.

    Returns
    -------
    xarray.Dataset
        The axes of the grid as dimensions, and the variables of ``protocol.layout``. It does not
        depend on workers, store or interruptions.

    Raises
    ------
    ValueError
        For an absent device or package, or sizes that the feature law refuses or that do not fit
        in memory, before any work.
    sweeps.StoreError
        If the store cannot be written, is damaged, or belongs to another sweep or version.
    twinpeaks.sweeps.workers.ClusterError
        If the scheduler is lost, or one task kills several workers in a row; finished
        instances are in the store.
    twinpeaks.sweeps.device.DeviceError
        If the device ran out of memory or was lost; likewise.
    """
    check_sizes(protocol.problem, grid.sizes)
    workers = nullcontext(here) if means.scheduler is None else cluster(means.scheduler)
    with workers as crew:
        where = means.device, means.memory, means.batch
        work = crew.call(_plan, protocol, grid, *where, crew.neighbours)
        sweep = Sweep(protocol, grid, work, means.threads)
        with nullcontext() if means.store is None else Store(means.store) as kept:
            if kept is not None:
                kept.begin(sweep)
            results = _perform(sweep, crew, kept, means.progress)
    found = ((place, results[task]) for place, task in places(grid))
    return assemble(protocol.layout, grid, sweep.describe(), found)


def _plan(
    protocol: Protocol,
    grid: Grid,
    device: str,
    memory: int | None,
    batch: int | None,
    neighbours: int,
) -> Workspace:
    """Device, chunk and batches; evaluated where the tasks will run."""
    protocol.check_packages()
    return plan_memory(
        grid.sizes,
        protocol.problem.features,
        lambda D, N, P: protocol.numbers(D, N, P, grid),
        choose_device(device),
        memory,
        batch=batch,
        neighbours=neighbours,
    )


def _perform(
    sweep: Sweep, workers: Workers, store: Store | None, progress: Progress | bool
) -> dict[Task, Values]:
    """The result of every task: from the store where it is there, performed and stored otherwise."""
    about = sweep.describe()
    tasks = {key_of(about, task): task for _, task in places(sweep.grid)}
    results: dict[Task, Values] = {}
    finished = store.done(tasks) if store is not None else set()
    bar: AbstractContextManager[Any] = (
        tqdm(total=len(tasks), initial=len(finished), unit="instance")
        if progress is True
        else nullcontext()
    )
    with bar as shown:

        def report() -> None:
            if shown is not None:
                shown.update(len(finished) - shown.n)
            if callable(progress):
                progress(len(finished), len(tasks))

        while len(finished) < len(tasks):
            for key, task, value, seconds in workers.perform(sweep, _queue(tasks, finished, store)):
                if store is not None:
                    store.put(key, task, value, seconds)
                results[task] = value
                finished.add(key)
                report()
            if store is not None and len(finished) < len(tasks):
                time.sleep(_PATIENCE)  # the rest is with another process, or with one that died
                finished |= store.done(tasks)
                report()
    for key, task in tasks.items():
        if task not in results:
            assert store is not None
            held = store.get(key)
            assert held is not None
            results[task] = held
    return results


def _queue(
    tasks: dict[str, Task], finished: set[str], store: Store | None
) -> Iterator[tuple[str, Task]]:
    """Tasks to do, one by one; with a store only those that nobody else has taken."""
    for key, task in tasks.items():
        if key not in finished and (store is None or store.claim([(key, task)], 1)):
            yield key, task
