"""Who does the tasks of a sweep: this process, or the workers of a Dask cluster."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import twinpeaks.sweeps.sweep
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.grid import Values
from twinpeaks.sweeps.protocol import Task
from twinpeaks.sweeps.sweep import Sweep

__all__ = ["ClusterError", "Done", "Workers", "cluster", "grouped", "here"]

#: A task's key, the task, its result and the seconds it took.
Done = tuple[str, Task, Values, float]
Queue = Iterator[tuple[str, Task]]


_LOCAL = {"host": "127.0.0.1"}  # nobody else is to send work to this machine


class ClusterError(RuntimeError):
    """A cluster cannot go on; the message says what happened and what to do."""


class Workers(Protocol):
    """Something that performs tasks."""

    @property
    def neighbours(self) -> int:
        """Most tasks at a time on one machine, which share its memory."""

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Evaluate a function where the tasks will run."""

    def perform(self, sweep: Sweep, queue: Queue) -> Iterator[Done]:
        """Results as they come; the queue is read only as fast as tasks are begun."""


def _timed(sweep: Sweep, tasks: list[Task]) -> tuple[list[Values], float]:
    """Results, and the seconds that one of them took on average."""
    start = time.perf_counter()
    values = twinpeaks.sweeps.sweep.perform(sweep, tasks)
    return values, (time.perf_counter() - start) / len(tasks)


def grouped(work: Workspace, queue: Queue) -> Iterator[list[tuple[str, Task]]]:
    """Batches of consecutive tasks that differ in their seed alone, as large as the workspace says.

    Where that is 1 no task is read before the one ahead of it was handed out.
    """
    group: list[tuple[str, Task]] = []
    for key, task in queue:
        if group and task.alike != group[0][1].alike:
            yield group
            group = []
        group.append((key, task))
        if len(group) >= work.batch(task.words):
            yield group
            group = []
    if group:
        yield group


@dataclass(frozen=True)
class _Here:
    """One batch after the other in this process."""

    neighbours: ClassVar[int] = 1

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    def perform(self, sweep: Sweep, queue: Queue) -> Iterator[Done]:
        for group in grouped(sweep.work, queue):
            values, seconds = _timed(sweep, [task for _, task in group])
            for (key, task), value in zip(group, values, strict=True):
                yield key, task, value, seconds


here: Workers = _Here()


@dataclass(frozen=True)
class _Cluster:
    """Tasks are pure functions, so Dask may repeat one whose worker died."""

    client: Any

    @property
    def neighbours(self) -> int:
        hosts = Counter(address.rpartition(":")[0] for address in self.client.nthreads())
        return max(hosts.values(), default=1)  # none while a worker that died starts anew

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        with _lost():
            return self.client.submit(function, *args, pure=False).result()

    def perform(self, sweep: Sweep, queue: Queue) -> Iterator[Done]:
        from distributed import as_completed

        threads = self.client.nthreads()
        room = 2 * max(1, sum(threads.values()))  # a worker never waits for the next task
        # sent with every task: what was scattered is gone with the last worker that held it
        flying: dict[Any, list[tuple[str, Task]]] = {}
        groups = grouped(sweep.work, queue)
        finished = as_completed(loop=self.client.loop)

        def launch() -> None:
            for group in groups:
                tasks = [task for _, task in group]
                future = self.client.submit(_timed, sweep, tasks, pure=False)
                flying[future.key] = group
                finished.add(future)
                return

        try:
            for _ in range(room):
                launch()
            for future in finished:
                group = flying.pop(future.key)
                with _lost():
                    values, seconds = future.result()
                    launch()
                for (key, task), value in zip(group, values, strict=True):
                    yield key, task, value, seconds
        finally:
            self.client.cancel(list(finished.futures))


@contextmanager
def _lost() -> Iterator[None]:
    """Say on one line what happened to the cluster, and what to do."""
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    again = "with a store, the same call then goes on where this one stopped"
    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            f"{error.allowed_failures + 1} workers in a row died of one task, the last at "
            f"{error.last_worker.address}, perhaps for want of memory: give fewer workers, smaller "
            f"sizes or workers with more memory; {again}"
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise ClusterError(
            f"the scheduler was lost ({getattr(error, 'reason', error)}): start it again; {again}"
        ) from error


@contextmanager
def _hidden_script() -> Iterator[None]:
    """Let processes start without importing the main module, as they would to find its functions.

    Those are sent by value. A script that has no ``if __name__ == "__main__":`` would begin the sweep
    anew in each of them.
    """
    script = sys.modules["__main__"]
    names = ("__spec__", "__file__")
    kept = {name: getattr(script, name) for name in names if hasattr(script, name)}
    try:
        script.__spec__ = None
        with suppress(AttributeError):
            del script.__file__
        yield
    finally:
        for name, value in kept.items():
            setattr(script, name, value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave what a client would log, with a traceback, to the error that says the same."""
    log = logging.getLogger("distributed.client")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


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
        If Dask is not installed, if nobody answers at the address within 10 s, if the scheduler has no
        worker, or if workers do not start here within a minute.
    ClusterError
        From the workers, if the scheduler is lost or if one task kills several workers in a row.
    """
    try:
        import distributed
        from distributed import Client, Scheduler, SpecCluster
        from distributed.comm.addressing import resolve_address
    except ImportError as error:
        raise ValueError(
            f"scheduler = {scheduler!r} needs Dask: pip install 'twinpeaks[cluster]'"
        ) from error
    if isinstance(scheduler, str):
        try:
            resolve_address(scheduler)  # before there is a client, half of which would stay behind
            # as a default, even one that failed, xarray would write files with it
            client = Client(scheduler, timeout=10, set_as_default=False)
        except Exception as error:  # of many types, by protocol and by how far it came
            raise ValueError(
                f"scheduler = {scheduler!r}: nobody answers there ({str(error) or repr(error)}); give "
                "the address of a running scheduler, tcp://host:port"
            ) from error
        with _quiet(), client:
            if not client.nthreads():
                raise ValueError(f"scheduler = {scheduler!r} has no workers: start some first")
            yield _Cluster(client)
        return
    import torch

    class Nanny(distributed.Nanny):
        """Starts workers that do not run the user's script, which may begin the sweep without a guard."""

        async def instantiate(self) -> Any:
            with _hidden_script():
                return await super().instantiate()

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    workers = {
        i: {
            "cls": Nanny,
            "options": {
                **_LOCAL,
                "nthreads": 1,
                "silence_logs": logging.ERROR,
                "env": {"CUDA_VISIBLE_DEVICES": str(i % gpus)} if gpus else {},
            },
        }
        for i in range(scheduler)
    }
    # any free ports: another cluster may have the usual ones
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0", "port": 0}
    with (
        SpecCluster(
            workers=workers,
            scheduler={"cls": Scheduler, "options": {**_LOCAL, **quiet}},
            silence_logs=logging.ERROR,
        ) as local,
        _quiet(),
        Client(local, set_as_default=False) as client,
    ):
        try:
            client.wait_for_workers(scheduler, timeout=60)
        except TimeoutError as error:
            raise ValueError(
                f"scheduler = {scheduler}: so many workers did not start within 60 s; give fewer"
            ) from error
        yield _Cluster(client)
