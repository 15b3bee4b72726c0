"""The one driver of all sweeps: check, plan, perform or look up every task, and label the results."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import xarray as xr
from tqdm import tqdm

from twinpeaks.sweeps.device import Workspace, choose_device, plan_memory
from twinpeaks.sweeps.grid import Grid, Values
from twinpeaks.sweeps.protocol import Protocol, Task, check, check_packages
from twinpeaks.sweeps.resources import Progress, Resources
from twinpeaks.sweeps.store import Store
from twinpeaks.sweeps.sweep import Sweep, key_of
from twinpeaks.sweeps.workers import Workers, cluster, here

__all__ = ["run"]

_PATIENCE = 0.5  # seconds between looks at what other processes have finished


def run(
    protocol: Protocol, grid: Mapping[str, Any], resources: Resources | None = None
) -> xr.Dataset:
    """Perform a protocol at every point of a grid.

    Parameters
    ----------
    protocol : Protocol
        What is done at a point.
    grid : dict
        For every axis of the protocol a number, which becomes a scalar coordinate, a sequence, which
        becomes a dimension, or a DataArray on a dimension that it names; several of them on one
        dimension are taken point by point.
    resources : Resources, optional
        Device, memory, threads, workers, store and progress.

    Returns
    -------
    xarray.Dataset
        The variables that the protocol declares. It does not depend on store or interruptions, nor on
        workers of the same versions, kind of processor and linear algebra library.

    Raises
    ------
    ValueError
        For any argument out of range, an absent device or package, and sizes that cannot be or do not
        fit in memory, before any work.
    TypeError
        If what the protocol declares does not fit together, before any work.
    StoreError
        If the store cannot be written, is damaged, or belongs to another sweep or version.
    ClusterError
        If the scheduler is lost, or one task kills several workers in a row; finished tasks are in
        the store.
    DeviceError
        If the device ran out of memory or was lost; likewise.
    """
    resources = resources or Resources()
    check(protocol)
    read = Grid.read(protocol, grid)
    scheduler = resources.scheduler
    workers = nullcontext(here) if scheduler is None else cluster(scheduler)
    kinds = list(dict.fromkeys(task.alike for _, task in read.places()))
    for task in kinds:
        protocol.member(**dict(task.varied)).check(task)
    with workers as crew:
        where = resources.device, resources.memory, resources.batch
        work = crew.call(_plan, protocol, kinds, *where, crew.neighbours)
        sweep = Sweep(protocol, work, resources.threads)
        with nullcontext() if resources.store is None else Store(resources.store) as kept:
            if kept is not None:
                kept.begin(sweep, read)
            results = _perform(sweep, read, crew, kept, resources.progress)
    found = ((place, results[task]) for place, task in read.places())
    return read.filled(sweep.describe(), found)


def _plan(
    protocol: Protocol,
    kinds: list[Task],
    device: str,
    memory: int | None,
    batch: int | None,
    neighbours: int,
) -> Workspace:
    """Device, chunk and batches; evaluated where the tasks will run."""
    check_packages(protocol)
    if not protocol.together:
        if (batch or 1) > 1:
            raise ValueError(
                f"batch = {batch}: {protocol.kind} works on one task at a time; give 1"
            )
        batch = 1
    needs = [(t.words, protocol.member(**dict(t.varied)).need(t)) for t in kinds]
    return plan_memory(needs, choose_device(device), memory, batch=batch, neighbours=neighbours)


def _perform(
    sweep: Sweep, grid: Grid, workers: Workers, store: Store | None, progress: Progress | bool
) -> dict[Task, Values]:
    """The result of every task: from the store where it is there, performed and stored otherwise."""
    about = sweep.describe()
    tasks = {key_of(about, task): task for _, task in grid.places()}
    results: dict[Task, Values] = {}
    finished = store.done(tasks) if store is not None else set()
    bar: AbstractContextManager[Any] = (
        tqdm(total=len(tasks), initial=len(finished), unit="task")
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
