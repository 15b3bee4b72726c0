"""Trained finite networks: overlaps, errors and mean dimension, for every lam of an instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike

from twinpeaks.simulate.draw import Instance, Streams, draw_instance
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.estimators.trained import (
    measure_overlaps,
    measure_test_error,
    measure_training,
    overlap_test_error,
)
from twinpeaks.simulate.train import Fit, Status, check_loss, train_stack
from twinpeaks.sweeps.device import Workspace, training_numbers
from twinpeaks.sweeps.execute import Means, Progress, execute
from twinpeaks.sweeps.grid import Grid, check_count, check_number, make_grid, positive_axis
from twinpeaks.sweeps.layout import Layout, Values, variables
from twinpeaks.sweeps.sweep import Protocol, Task
from twinpeaks.sweeps.variables import MEASURED
from twinpeaks.theory.problem import Problem

__all__ = ["Training", "run"]


def run(
    problem: Problem,
    overparam: ArrayLike,
    alpha_T: ArrayLike = 3.0,
    lam: ArrayLike = 1e-4,
    D: ArrayLike = 200,
    seeds: int | Sequence[int] = 16,
    *,
    device: str = "auto",
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    tolerance: float = 1e-6,
    memory: int | None = None,
    threads: int = 1,
    batch: int | None = None,
    store: str | Path | None = None,
    scheduler: str | int | None = None,
    progress: Progress | bool = False,
) -> xr.Dataset:
    """Draw, train and measure random-feature models.

    Parameters
    ----------
    problem : Problem
        What to learn, and with what.
    overparam, alpha_T, lam, D : number or 1-d sequence
        N/P, P/D, the ridge penalty and the input size. Sequences become dimensions (outer product),
        numbers become scalar coordinates. P = round(alpha_T D) and N = round(overparam P): compare
        theory at the achieved ``overparam_actual`` and ``alpha_T_actual``.
    seeds : int or sequence of int
        A count n stands for seeds 0 .. n-1; a sequence names them. Each is one draw of features,
        teacher and training set, fixed by (seed, D, N, P) and shared by all lam.
    device : str
        "auto", "cpu", "cuda" or "cuda:<index>". Draws of a CPU and of a GPU differ.
    n_test : int
        Fresh patterns for the test error.
    n_flip, n_variance : int
        Hypercube points for the total influence (each flips all D coordinates) and for Var f.
    tolerance : float
        Largest ``optimality`` that counts as converged.
    memory : int, optional
        Bytes that one task may use; by default half of physical memory on a CPU, shared between the
        workers on a machine, and 0.8 of free memory on a GPU.
    threads : int
        CPU threads of one instance, part of the result to the last bit. One is best for matrices of
        a few hundred rows.
    batch : int, optional
        Most seeds of one size to train together. By default 1 on a CPU, where a seed then repeats
        bit for bit in any sweep, and on a GPU as many as fill it. Seeds in larger batches depend on
        their company by rounding.
    store : path, optional
        SQLite file that keeps every finished instance: the same call after an interruption does only
        what is missing, a call with more seeds or other ratios adds to it, and several processes on
        one machine share the work.
    scheduler : str or int, optional
        Address of a Dask scheduler, ``tcp://host:port``, or a number of worker processes to start
        here. Results equal those of a serial run on the same kind of device bit for bit.
    progress : bool or callable
        True draws a bar on stderr; a callable receives (done, total) after each instance.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, lam, D, seed), less those given as numbers. Where ``status``
        is not 0 every measurement is NaN, and ``optimality`` says by how much training missed.

    Raises
    ------
    ValueError
        For any argument out of range, an absent device, sizes that do not fit in memory or that
        the feature law cannot take, or a loss that cannot be trained exactly; it names the
        argument, its value and the remedy. All are raised before any work.
    sweeps.StoreError
        If the store cannot be written, is damaged, or belongs to another sweep or version.
    twinpeaks.sweeps.workers.ClusterError
        If the scheduler is lost, or one task kills several workers in a row; finished
        instances are in the store.
    twinpeaks.sweeps.device.DeviceError
        If the device ran out of memory or was lost; likewise.

    Examples
    --------
    >>> from twinpeaks import simulate, theory
    >>> data = simulate.run(theory.Problem(), overparam=[0.5, 2.0], D=50, seeds=2)
    >>> dict(data.test_error.sizes)
    {'overparam': 2, 'seed': 2}
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"problem = {problem!r}: give an instance of theory.Problem")
    check_loss(problem.loss)
    grid = make_grid(overparam, alpha_T, D, seeds, inner=(positive_axis("lam", lam),))
    protocol = Training(
        problem,
        n_test=check_count("n_test", n_test, 1),
        n_flip=check_count("n_flip", n_flip, 2),
        n_variance=check_count("n_variance", n_variance, 2),
        tolerance=check_number("tolerance", tolerance, 0.0, 1.0),
    )
    means = Means(device, memory, threads, store, scheduler, progress, batch)
    return execute(protocol, grid, means)


@dataclass(frozen=True)
class Training(Protocol):
    """Draw, train for every lam, measure.

    Attributes
    ----------
    n_test, n_flip, n_variance : int
        Fresh patterns for the test error, and hypercube points of the mean dimension.
    tolerance : float
        Largest optimality that counts as converged.
    """

    layout: ClassVar[Layout] = Layout("train", variables(MEASURED, ("lam",), Status))
    n_test: int
    n_flip: int
    n_variance: int
    tolerance: float

    def numbers(self, D: int, N: int, P: int, grid: Grid) -> int:
        """Those of training."""
        quadratic = self.problem.loss.quadratic is not None
        return training_numbers(D, N, P, grid.length("lam"), quadratic)

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """Train instances of one size as one stack on the device.

        Each has streams of its own, so that a seed draws the same instance in any company. What is
        computed from it depends on the company by rounding only.

        Raises
        ------
        ValueError
            If the tasks differ in more than the seed.
        """
        first = tasks[0]
        for task in tasks:
            if replace(task, seed=first.seed) != first:
                raise ValueError(
                    f"tasks = {first}, {task}: give tasks that differ in their seed alone"
                )
        (D, N, P), lam = first.size, np.array(first["lam"])
        streams = [Streams.of(task.seed, D, N, P, work.device) for task in tasks]
        instances = [draw_instance(self.problem, D, N, P, s.training, work) for s in streams]
        if len(tasks) == 1:
            X, y = instances[0].design[None], instances[0].y[None]
        else:
            X = torch.empty(len(tasks), P, N, dtype=torch.float64, device=work.device)
            y = torch.stack([instance.y for instance in instances])
            for index, instance in enumerate(instances):  # one by one: two of all might not fit
                X[index] = instance.design
                instances[index] = replace(instance, design=X[index])
        fits = train_stack(self.problem.loss, X, y, lam, self.tolerance)
        parts = zip(instances, streams, fits, strict=True)
        return [self._measure(lam, *part, work) for part in parts]

    def _measure(
        self, lam: Values, instance: Instance, streams: Streams, fit: Fit, work: Workspace
    ) -> Values:
        problem, W = self.problem, fit.weights
        out = measure_overlaps(instance, W, problem.activation.moments)
        out |= measure_training(problem, instance, W, lam)
        out |= measure_test_error(problem, instance, W, streams.test, self.n_test, work)
        out["test_error_overlap"] = overlap_test_error(problem.teacher, out["Q_d"], out["m"])
        inputs = streams.flips, streams.variance, self.n_flip, self.n_variance
        estimate = feature_mean_dimension(instance.layers, W, *inputs, work)
        out |= {"bmd": estimate.value, "bmd_se": estimate.standard_error}
        trusted = fit.status == Status.CONVERGED
        out = {name: np.where(trusted, value, np.nan) for name, value in out.items()}
        return self.layout.pack({**out, "optimality": fit.optimality, "status": fit.status})
