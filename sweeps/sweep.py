"""A protocol under given conditions, and how its tasks are performed under them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from threading import Lock
from typing import Any

import numpy as np
import torch

from twinpeaks.sweeps.device import Workspace, explained
from twinpeaks.sweeps.grid import Values
from twinpeaks.sweeps.protocol import Protocol, Task

__all__ = ["Sweep", "digest", "encoded", "key_of", "perform"]

# The number of threads belongs to the process: where a worker has several of its own, they take turns.
_turn = Lock()


@dataclass(frozen=True)
class Sweep:
    """A protocol, and the conditions that decide its results to the last bit.

    Attributes
    ----------
    protocol : Protocol
        What is done with every task.
    work : Workspace
        Device and chunk size, which decide the order of summation.
    threads : int
        Threads of one task on a CPU, which decide it too.
    """

    protocol: Protocol
    work: Workspace
    threads: int

    def describe(self) -> dict[str, Any]:
        """Everything that a result depends on beside its task, in words that JSON can hold."""
        return {
            "kind": self.protocol.kind,
            **self.protocol.describe(),
            "device": self.work.device.type,
            "chunk": self.work.chunk,
            "threads": self.threads,
            "twinpeaks": version("twinpeaks"),
            "torch": str(torch.__version__),
        }


def key_of(about: Mapping[str, Any], task: Task) -> str:
    """Content hash of a task of a described sweep: equal for equal results."""
    content = json.dumps({**about, "task": asdict(task)}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def encoded(words: Any) -> str:
    """JSON of one line; floats come back to the last bit, NaN and inf included."""
    return json.dumps(words, separators=(",", ":"), default=str)


def digest(key: Any, text: Any) -> str:
    """What tells a result that is as it was written."""
    return hashlib.sha256(f"{key}{text}".encode(errors="replace")).hexdigest()


def perform(sweep: Sweep, tasks: Sequence[Task]) -> list[Values]:
    """Perform tasks that differ in their seed alone under the conditions of a sweep.

    Raises
    ------
    DeviceError
        If the device ran out of memory or was lost.
    TypeError
        If the protocol returns other variables, or other shapes, than it declares.
    """
    first, work = tasks[0], sweep.work
    for task in tasks:
        if task.alike != first.alike:
            raise ValueError(f"tasks = {first}, {task}: give tasks that differ in their seed alone")
    protocol = sweep.protocol.member(**dict(first.varied))
    with _turn, _threads(sweep.threads), explained(work.device, first.words, len(tasks)):
        results = protocol.perform(tasks, work)
    return [_declared(protocol, first, result) for result in results]


def _declared(protocol: Protocol, task: Task, result: Mapping[str, Any]) -> Values:
    """A result with the names and shapes that its protocol declares."""
    out = {}
    for variable in protocol.variables:
        shape = tuple(len(task[axis]) for axis in variable.dims)
        value = np.asarray(result.get(variable.name), dtype=float)
        if variable.name not in result or value.shape != shape:
            raise TypeError(
                f"protocol {protocol.kind!r}: a task returned {variable.name!r} of shape "
                f"{value.shape if variable.name in result else None}; it declares {shape}"
            )
        out[variable.name] = value
    extra = set(result) - set(out)
    if extra:
        raise TypeError(f"protocol {protocol.kind!r}: {min(extra)!r} is returned and not declared")
    return out


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """The number of threads is part of the result: it decides how sums are split."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
