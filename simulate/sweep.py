"""A sweep as values: what is done with every instance, and the tasks that a grid expands to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from simulate.bmd import feature_mean_dimension
from simulate.device import Workspace
from simulate.draw import Streams, draw_instance
from simulate.grid import Grid
from simulate.measure import (
    measure_overlaps,
    measure_test_error,
    measure_training,
    overlap_test_error,
)
from simulate.train import Status, train
from simulate.variables import MEASURED
from theory.problem import Problem

__all__ = ["Protocol", "Task", "key_of", "perform", "places"]

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
    """
    problem, work, lam = protocol.problem, protocol.work, np.array(task.lam)
    with _threads(protocol.threads):
        streams = Streams.of(task.seed, task.D, task.N, task.P, work.device)
        instance = draw_instance(problem, task.D, task.N, task.P, streams.training, work)
        fit = train(problem.loss, instance.design, instance.y, lam, protocol.tolerance)
        W = fit.weights
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
