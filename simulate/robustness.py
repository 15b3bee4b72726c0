"""Attacked finite networks: how often a small perturbation flips the class, in two norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike
from torch import Tensor

from twinpeaks.measure.moments import binomial_error
from twinpeaks.simulate.draw import Streams, draw_instance
from twinpeaks.simulate.estimators.flips import Norm, flip_distances
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.train import Status, check_loss, train
from twinpeaks.sweeps.device import Workspace, training_numbers
from twinpeaks.sweeps.execute import Means, Progress, execute
from twinpeaks.sweeps.grid import Axis, Grid, check_count, check_number, make_grid, positive_axis
from twinpeaks.sweeps.layout import Layout, Values, variables
from twinpeaks.sweeps.sweep import Protocol, Task
from twinpeaks.sweeps.variables import MEASURED
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import BinaryTeacher

__all__ = ["Attack", "attack"]

_NORMS: tuple[Norm, ...] = ("l2", "linf")
_RATES = {
    "flip_rate": (
        "adversarial flip rate",
        "1",
        "share of fresh Gaussian inputs with a flip found within eps; a lower bound",
    ),
    "flip_rate_se": ("standard error of flip_rate", "1", "binomial, over the attacked inputs"),
    "robust_error": (
        "robust test error",
        "1",
        "share of inputs that are misclassified or have a flip found within eps; a lower bound",
    ),
    "robust_error_se": ("standard error of robust_error", "1", "binomial"),
}


def attack(
    problem: Problem,
    overparam: ArrayLike,
    alpha_T: ArrayLike = 3.0,
    lam: ArrayLike = 1e-4,
    D: ArrayLike = 200,
    seeds: int | Sequence[int] = 8,
    *,
    eps: ArrayLike = (0.1, 0.3, 0.5, 1.0, 1.5),
    n_attack: int = 256,
    n_flip: int = 64,
    n_variance: int = 8192,
    restarts: int = 0,
    refinements: int = 1,
    device: str = "auto",
    tolerance: float = 1e-6,
    memory: int | None = None,
    threads: int = 1,
    store: str | Path | None = None,
    scheduler: str | int | None = None,
    progress: Progress | bool = False,
) -> xr.Dataset:
    """Draw, train and attack random-feature classifiers.

    Parameters
    ----------
    problem : Problem
        With a teacher of labels -1 and +1.
    overparam, alpha_T, lam, D, seeds, device, tolerance, memory
        As for :func:`simulate.run`; an instance is the same as there at the same (seed, D, N, P).
    eps : number or 1-d sequence
        Radii >= 0: |delta|_2 <= eps, and max_k |delta_k| <= eps / sqrt(D) for the other norm. One search
        for the shortest flip of every input serves them all.
    n_attack : int
        Fresh Gaussian inputs, >= 2, attacked in both norms.
    n_flip, n_variance : int
        Hypercube points for the mean dimension, as for :func:`simulate.run`.
    restarts, refinements : int
        Of each search (``twinpeaks.simulate.estimators.flips.flip_distances``).
    threads, store, scheduler, progress
        As for :func:`simulate.run`.

    Returns
    -------
    xarray.Dataset
        ``flip_rate``, ``robust_error`` and their binomial errors with dimensions (overparam, alpha_T,
        lam, D, seed, norm, eps), less those given as numbers, and ``bmd`` with ``bmd_se``. An attack finds
        a flip or does not: rates are lower bounds. NaN where ``status`` is not 0.

    Raises
    ------
    ValueError
        As :func:`simulate.run`; for real labels, and for eps that is negative, not finite or given twice.
    sweeps.StoreError, sweeps.DeviceError
        As :func:`simulate.run`.

    Notes
    -----
    For the kinks of ReLU, five more refinements and two restarts shortened the mean distance
    by 0.18 % at most (D = 200, N/P = 1, lam = 1e-4); for tanh by 0.01 %.
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"problem = {problem!r}: give an instance of theory.Problem")
    if not isinstance(problem.teacher, BinaryTeacher):
        raise ValueError(
            f"teacher = {problem.teacher!r} has real labels, which have no class to flip: give a "
            "teacher of labels -1 and +1"
        )
    check_loss(problem.loss)
    last = Axis("norm", np.array(_NORMS)), positive_axis("eps", eps, zero=True)
    ridges = (positive_axis("lam", lam),)
    grid = make_grid(overparam, alpha_T, D, seeds, inner=ridges, last=last)
    protocol = Attack(
        problem,
        tolerance=check_number("tolerance", tolerance, 0.0, 1.0),
        n_attack=check_count("n_attack", n_attack, 2),
        n_flip=check_count("n_flip", n_flip, 2),
        n_variance=check_count("n_variance", n_variance, 2),
        restarts=check_count("restarts", restarts, 0),
        refinements=check_count("refinements", refinements, 0),
    )
    means = Means(device, memory, threads, store, scheduler, progress)
    return execute(protocol, grid, means)


@dataclass(frozen=True)
class Attack(Protocol):
    """Draw, train for every lam, attack every network in both norms.

    Attributes
    ----------
    tolerance : float
        Largest optimality that counts as converged.
    n_attack : int
        Fresh inputs that are attacked.
    n_flip, n_variance : int
        Hypercube points of the mean dimension.
    restarts, refinements : int
        Of each search.
    """

    layout: ClassVar[Layout] = Layout(
        "attack",
        (
            *variables({name: MEASURED[name] for name in ("bmd", "bmd_se")}, ("lam",)),
            *variables(_RATES, ("lam", "norm", "eps")),
            *variables({"status": MEASURED["status"]}, ("lam",), Status),
        ),
    )
    tolerance: float
    n_attack: int
    n_flip: int
    n_variance: int
    restarts: int
    refinements: int

    def numbers(self, D: int, N: int, P: int, grid: Grid) -> int:
        """Those of training, and the attacked inputs with their features and three temporaries."""
        quadratic = self.problem.loss.quadratic is not None
        widest = max((N, *self.problem.features.hidden(D)))
        trained = training_numbers(D, N, P, grid.length("lam"), quadratic)
        return trained + self.n_attack * (D + 4 * widest)

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """One instance after the other."""
        return [self._instance(task, work) for task in tasks]

    def _instance(self, task: Task, work: Workspace) -> Values:
        problem, (D, N, P), lam = self.problem, task.size, np.array(task["lam"])
        norms, radii = task["norm"], np.array(task["eps"])
        streams = Streams.of(task.seed, D, N, P, work.device)
        instance = draw_instance(problem, D, N, P, streams.training, work)
        fit = train(problem.loss, instance.design, instance.y, lam, self.tolerance)
        flips = streams.flips, streams.variance, self.n_flip, self.n_variance
        estimate = feature_mean_dimension(instance.layers, fit.weights, *flips, work)
        inputs = streams.test.normal(self.n_attack, D)
        labels = problem.teacher.sample(inputs @ instance.teacher / D**0.5, streams.test)
        shape = (len(lam), len(norms), len(radii))
        out: dict[str, Values] = {name: np.full(shape, np.nan) for name in _RATES}
        tries = {"restarts": self.restarts, "refinements": self.refinements}
        for column in np.flatnonzero(fit.status == Status.CONVERGED):
            w = fit.weights[:, column]
            wrong = labels * (instance.layers(inputs) @ w) < 0
            for k, norm in enumerate(norms):
                parts = torch.split(inputs, work.rows(instance.layers.widest))
                found = [
                    flip_distances(instance.layers, w, x, norm, streams.test, **tries)
                    for x in parts
                ]
                distance = torch.cat(found)
                for name, length in (
                    ("flip_rate", distance),
                    ("robust_error", torch.where(wrong, 0.0, distance)),
                ):
                    rate, error = _rates(length, radii)
                    out[name][column, k], out[f"{name}_se"][column, k] = rate, error
        trusted = fit.status == Status.CONVERGED
        out["bmd"] = np.where(trusted, estimate.value, np.nan)
        out["bmd_se"] = np.where(trusted, estimate.standard_error, np.nan)
        return self.layout.pack({**out, "status": fit.status})


def _rates(distance: Tensor, radii: Values) -> tuple[Values, Values]:
    """Share of distances within each radius, and its binomial standard error."""
    host = distance.cpu().numpy()
    hits = np.sum(host[:, None] <= radii, axis=0)
    return hits / len(host), binomial_error(hits, len(host))
