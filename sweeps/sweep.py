"""A sweep as values: what is done with every instance, where, and the tasks it expands to."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.metadata import version
from threading import Lock
from typing import Any, ClassVar

import numpy as np
import torch

from twinpeaks.sweeps.device import Workspace, explained
from twinpeaks.sweeps.grid import OUTER, Grid
from twinpeaks.sweeps.layout import Layout, Values
from twinpeaks.theory.problem import Problem

__all__ = ["Protocol", "Sweep", "Task", "key_of", "perform", "places"]

# The number of threads belongs to the process: where a worker has several of its own, they take turns.
_turn = Lock()


@dataclass(frozen=True)
class Task:
    """One instance, and the points that share it.

    Attributes
    ----------
    D, N, P, seed : int
        What the random streams depend on.
    axes : tuple of (str, tuple)
        Names and values of the inner axes.
    """

    D: int
    N: int
    P: int
    seed: int
    axes: tuple[tuple[str, tuple[Any, ...]], ...]

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """The values on an inner axis."""
        return dict(self.axes)[name]

    @property
    def size(self) -> tuple[int, int, int]:
        """(D, N, P)."""
        return self.D, self.N, self.P


@dataclass(frozen=True)
class Protocol(ABC):
    """What is done with every instance: one frozen subclass for each kind of sweep.

    Attributes
    ----------
    problem : Problem
        What to learn, and with what.
    layout : Layout
        Of its results.
    """

    layout: ClassVar[Layout]
    problem: Problem

    def describe(self) -> dict[str, Any]:
        """Every field beside the problem, in words that JSON can hold."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "problem"}

    @abstractmethod
    def numbers(self, D: int, N: int, P: int, grid: Grid) -> int:
        """Count the float64 numbers of an instance that cannot be chunked, beside the features."""

    @abstractmethod
    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """Results of tasks of one size, packed by the layout; a pure function of its arguments."""

    def check_packages(self) -> None:  # noqa: B027
        """Refuse to start where a package is absent; called where the tasks will run.

        Raises
        ------
        ValueError
            Names the package, and how to install it.
        """


@dataclass(frozen=True)
class Sweep:
    """A protocol on a grid, and the conditions that decide its results to the last bit.

    Attributes
    ----------
    protocol : Protocol
        What is done with every instance.
    grid : Grid
        Which instances.
    work : Workspace
        Device and chunk size, which decide the order of summation.
    threads : int
        Threads of one task on a CPU, which decide it too.
    """

    protocol: Protocol
    grid: Grid
    work: Workspace
    threads: int

    def describe(self) -> dict[str, Any]:
        """Everything that a result depends on beside its task, in words that JSON can hold."""
        return {
            "kind": self.protocol.layout.kind,
            "problem": repr(self.protocol.problem),
            **self.protocol.describe(),
            "device": self.work.device.type,
            "chunk": self.work.chunk,
            "threads": self.threads,
            "twinpeaks": version("twinpeaks"),
            "torch": str(torch.__version__),
        }


def key_of(about: dict[str, Any], task: Task) -> str:
    """Content hash of a task of a described sweep: equal for equal results."""
    content = json.dumps({**about, **task.__dict__}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def places(grid: Grid) -> Iterator[tuple[tuple[int, ...], Task]]:
    """Every instance of a grid: its place, one index for each axis of ``OUTER``, and its task."""
    axes = tuple((axis.name, tuple(axis.values.tolist())) for axis in grid.inner)
    seeds = grid["seed"].values.tolist()
    for i, j, d, s in np.ndindex(*(grid.length(name) for name in OUTER)):
        yield (i, j, d, s), Task(*grid.size(i, j, d), seeds[s], axes)


def perform(sweep: Sweep, tasks: Sequence[Task]) -> list[Values]:
    """Perform tasks of one size under the conditions of a sweep.

    Raises
    ------
    twinpeaks.sweeps.device.DeviceError
        If the device ran out of memory or was lost.
    """
    work = sweep.work
    with _turn, _threads(sweep.threads), explained(work.device, tasks[0].size, len(tasks)):
        return sweep.protocol.perform(tasks, work)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """The number of threads is part of the result: it decides how sums are split."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
