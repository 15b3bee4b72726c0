"""A sweep as values: what is done with every instance, and the tasks that a grid expands to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simulate.bmd import feature_mean_dimension
from simulate.device import Workspace, explained
from simulate.draw import Instance, Streams, draw_instance
from simulate.grid import Grid
from simulate.measure import (
    measure_overlaps,
    measure_test_error,
    measure_training,
    overlap_test_error,
)
from simulate.train import Fit, Status, train_stack
from simulate.variables import MEASURED
from theory.problem import Problem

__all__ = ["Protocol", "Task", "key_of", "perform", "perform_batch", "places"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One instance: draw, train for every lam, measure.

    Attributes
    ----------
    D, N, P, seed : int
        What the random streams depend on.
    lam : tuple of float
        Ridge penalties, which share the instance.
    """

    D: int
    N: int
    P: int
    seed: int
    lam: tuple[float, ...]


@dataclass(frozen=True)
class Protocol:
    """What is done with every instance. Two tasks of one protocol are equal if their Task is.

    Attributes
    ----------
    problem : Problem
        What to learn, and with what.
    n_test, n_flip, n_variance : int
        Fresh patterns for the test error, and hypercube points of the mean dimension.
    tolerance : float
        Largest optimality that counts as converged.
    work : Workspace
        Device and chunk size, which decide the order of summation.
    threads : int
        Threads of one task on a CPU, which decide it too.
    """

    problem: Problem
    n_test: int
    n_flip: int
    n_variance: int
    tolerance: float
    work: Workspace
    threads: int

    def describe(self) -> dict[str, Any]:
        """Everything that a result depends on beside its task, in words that JSON can hold."""
        return {
            "problem": repr(self.problem),
            "n_test": self.n_test,
            "n_flip": self.n_flip,
            "n_variance": self.n_variance,
            "tolerance": self.tolerance,
            "device": self.work.device.type,
            "chunk": self.work.chunk,
            "threads": self.threads,
            "twinpeaks": version("twinpeaks"),
            "torch": str(torch.__version__),
        }


def key_of(about: dict[str, Any], task: Task) -> str:
    """Content hash of a task under a described protocol: equal for equal results."""
    content = json.dumps({**about, **task.__dict__}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def places(grid: Grid) -> Iterator[tuple[tuple[int, int, int, int], Task]]:
    """Every instance of a grid: its position (overparam, alpha_T, D, seed) and its task."""
    lam = tuple(map(float, grid.lam.values))
    shape = tuple(len(a.values) for a in (grid.overparam, grid.alpha_T, grid.D, grid.seed))
    for i, j, d, s in np.ndindex(*shape):
        yield (i, j, d, s), Task(*grid.size(i, j, d), int(grid.seed.values[s]), lam)


def perform(protocol: Protocol, task: Task) -> Values:
    """Draw, train and measure one instance; a pure function of its arguments.

    Returns
    -------
    ndarray of shape (len(MEASURED), n_lam)
        The variables in the order of ``MEASURED``; NaN where training did not converge.

    Raises
    ------
    simulate.device.DeviceError
        If the device ran out of memory or was lost.
    """
    return perform_batch(protocol, [task])[0]


def perform_batch(protocol: Protocol, tasks: Sequence[Task]) -> list[Values]:
    """Perform several tasks of one size, trained as one stack on the device.

    Parameters
    ----------
    protocol : Protocol
        What is done with every instance.
    tasks : sequence of Task
        With the same D, N, P and lam; each has streams of its own, so that a seed draws the same
        instance in any company. What is computed from it depends on the company by rounding only.

    Returns
    -------
    list of ndarray
        What ``perform`` returns, for each task.

    Raises
    ------
    ValueError
        If the tasks differ in more than the seed.
    simulate.device.DeviceError
        If the device ran out of memory or was lost.
    """
    first = tasks[0]
    for task in tasks:
        if (task.D, task.N, task.P, task.lam) != (first.D, first.N, first.P, first.lam):
            raise ValueError(f"tasks = {first}, {task}: give tasks that differ in their seed alone")
    problem, work = protocol.problem, protocol.work
    D, N, P, lam = first.D, first.N, first.P, np.array(first.lam)
    with _threads(protocol.threads), explained(work.device, (D, N, P), len(tasks)):
        streams = [Streams.of(task.seed, D, N, P, work.device) for task in tasks]
        instances = [draw_instance(problem, D, N, P, s.training, work) for s in streams]
        if len(tasks) == 1:
            X, y = instances[0].design[None], instances[0].y[None]
        else:
            X = torch.empty(len(tasks), P, N, dtype=torch.float64, device=work.device)
            y = torch.stack([instance.y for instance in instances])
            for index, instance in enumerate(instances):  # one by one: two of all might not fit
                X[index] = instance.design
                instances[index] = replace(instance, design=X[index])
        fits = train_stack(problem.loss, X, y, lam, protocol.tolerance)
        parts = zip(instances, streams, fits, strict=True)
        return [_measure(protocol, lam, *part) for part in parts]


def _measure(
    protocol: Protocol, lam: Values, instance: Instance, streams: Streams, fit: Fit
) -> Values:
    problem, work, W = protocol.problem, protocol.work, fit.weights
    out = measure_overlaps(instance, W, problem.activation.moments)
    out |= measure_training(problem, instance, W, lam)
    out |= measure_test_error(problem, instance, W, streams.test, protocol.n_test, work)
    out["test_error_overlap"] = overlap_test_error(problem.teacher, out["Q_d"], out["m"])
    estimate = feature_mean_dimension(
        instance.layers,
        W,
        streams.flips,
        streams.variance,
        protocol.n_flip,
        protocol.n_variance,
        work,
    )
    out |= {"bmd": estimate.value, "bmd_se": estimate.standard_error}
    trusted = fit.status == Status.CONVERGED
    out = {name: np.where(trusted, value, np.nan) for name, value in out.items()}
    out |= {"optimality": fit.optimality, "status": fit.status.astype(float)}
    return np.stack([out[name] for name in MEASURED])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """The number of threads is part of the result: it decides how sums are split."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
