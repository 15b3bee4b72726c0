"""Who does the tasks of a sweep: this process, or the workers of a Dask cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

import simulate.sweep as sweep

__all__ = ["Done", "Workers", "cluster", "here"]

#: A task's key, the task, its result and the seconds it took.
Done = tuple[str, sweep.Task, NDArray[Any], float]
Queue = Iterator[tuple[str, sweep.Task]]


class Workers(Protocol):
    """Something that performs tasks."""

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Evaluate a function where the tasks will run."""

    def perform(self, protocol: sweep.Protocol, queue: Queue) -> Iterator[Done]:
        """Results as they come; the queue is read only as fast as tasks are begun."""


def _timed(protocol: sweep.Protocol, task: sweep.Task) -> tuple[NDArray[Any], float]:
    start = time.perf_counter()
    value = sweep.perform(protocol, task)
    return value, time.perf_counter() - start


@dataclass(frozen=True)
class _Here:
    """One task after the other in this process."""

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    def perform(self, protocol: sweep.Protocol, queue: Queue) -> Iterator[Done]:
        for key, task in queue:
            yield key, task, *_timed(protocol, task)


here: Workers = _Here()


@dataclass(frozen=True)
class _Cluster:
    """Tasks are pure functions, so Dask may repeat one whose worker died."""

    client: Any

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return self.client.submit(function, *args, pure=False).result()

    def perform(self, protocol: sweep.Protocol, queue: Queue) -> Iterator[Done]:
        from distributed import as_completed

        threads = self.client.nthreads()
        room = 2 * max(1, sum(threads.values()))  # a worker never waits for the next task
        (shared,) = self.client.scatter([protocol], broadcast=True)
        flying: dict[Any, tuple[str, sweep.Task]] = {}
        finished = as_completed()

        def launch() -> None:
            for key, task in queue:
                future = self.client.submit(_timed, shared, task, pure=False)
                flying[future.key] = (key, task)
                finished.add(future)
                return

        try:
            for _ in range(room):
                launch()
            for future in finished:
                key, task = flying.pop(future.key)
                value, seconds = future.result()
                launch()
                yield key, task, value, seconds
        finally:
            self.client.cancel(list(finished.futures))


@contextmanager
def cluster(scheduler: str | int) -> Iterator[Workers]:
    """Workers of a Dask cluster.

    Parameters
    ----------
    scheduler : str or int
        The address of a scheduler, ``tcp://host:port``, or a number of worker processes to start on
        this machine; with GPUs, each of these sees one of them.

    Raises
    ------
    ValueError
        If Dask is not installed, if nobody answers at the address within 10 s, or if the scheduler
        has no worker.
    """
    try:
        from distributed import Client, Nanny, Scheduler, SpecCluster
    except ImportError as error:
        raise ValueError(
            f"scheduler = {scheduler!r} needs Dask: pip install 'twinpeaks[cluster]'"
        ) from error
    if isinstance(scheduler, str):
        try:
            client = Client(scheduler, timeout=10)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"scheduler = {scheduler!r}: nobody answers there ({error})"
            ) from error
        with client:
            if not client.nthreads():
                raise ValueError(f"scheduler = {scheduler!r} has no workers: start some first")
            yield _Cluster(client)
        return
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    workers = {
        i: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "env": {"CUDA_VISIBLE_DEVICES": str(i % gpus)} if gpus else {},
            },
        }
        for i in range(scheduler)
    }
    with (
        SpecCluster(
            workers=workers,
            scheduler={"cls": Scheduler, "options": {"dashboard": False, "port": 0}},
        ) as local,
        Client(local) as client,
    ):
        client.wait_for_workers(scheduler, timeout=60)
        yield _Cluster(client)
