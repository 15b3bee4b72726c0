"""Networks trained with square loss from a start w_init to the nearest solution, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike
from torch import Tensor

from twinpeaks.simulate.draw import Instance, Streams, draw_instance
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.estimators.trained import (
    measure_overlaps,
    measure_test_error,
    measure_training,
)
from twinpeaks.simulate.train import Status
from twinpeaks.simulate.trainers.nearest import NearestSolution
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.execute import Means, Progress, execute
from twinpeaks.sweeps.grid import Axis, Grid, check_count, make_grid
from twinpeaks.sweeps.layout import Layout, Values, variables
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.sweeps.sweep import Protocol, Task
from twinpeaks.sweeps.variables import MEASURED
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.starts import GaussianStart, RandomLabelsStart, SameInputsStart, Start

__all__ = ["FromStart", "run_from_start"]

_AXES = ("lam", "scale", "alpha_prime")
_AS_TRAINED = (
    *("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error"),
    *("test_error", "test_error_se", "bmd", "bmd_se"),
)
_OF_START = {
    "start_q": ("squared norm of the start", "1", "|w_init|^2 / N"),
    "start_bmd": ("Boolean mean dimension of the start", "1", "bmd at w_init"),
    "start_overlap": ("overlap of weights and start", "1", "w . w_init / N"),
    "distance": ("squared distance travelled", "1", "|w - w_init|^2 / N"),
}


def run_from_start(
    problem: Problem,
    start: Start,
    overparam: ArrayLike,
    alpha_T: ArrayLike = 3.0,
    lam: ArrayLike = 0.0,
    D: ArrayLike = 200,
    seeds: int | Sequence[int] = 16,
    *,
    device: str = "auto",
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    memory: int | None = None,
    threads: int = 1,
    store: str | Path | None = None,
    scheduler: str | int | None = None,
    progress: Progress | bool = False,
) -> xr.Dataset:
    """Draw, start, train and measure random-feature models.

    Parameters
    ----------
    problem : Problem
        With ``loss=Square()``.
    start : theory.Start
        ``GaussianStart``, ``RandomLabelsStart`` or ``SameInputsStart``, which brings the axes
        ``scale`` and ``alpha_prime``; P' = round(alpha' N).
    overparam, alpha_T, D : number or 1-d sequence
        N/P, P/D and the input size, as in :func:`simulate.run`.
    lam : number
        0 is gradient descent to the end; otherwise the penalty lam |w - w_init|^2 / 2.
    seeds : int or sequence of int
        As in :func:`simulate.run`, whose features, teacher and training set are drawn here too. The
        start is fixed by (seed, D, N, P, P') and shared by all scales.
    device, n_test, n_flip, n_variance, memory, threads, store, scheduler, progress
        As in :func:`simulate.run`. A store belongs to one kind of start.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, D, seed, scale, alpha_prime), less those given as numbers,
        with variables of :func:`simulate.run` and, of the start, those of
        ``theory.solve_from_start``; NaN where ``status`` is not 0.

    Raises
    ------
    ValueError
        For any argument out of range, before any work.
    sweeps.StoreError, sweeps.DeviceError
        As in :func:`simulate.run`.

    Examples
    --------
    >>> from twinpeaks import simulate, theory
    >>> start = theory.GaussianStart(scale=[0.0, 1.0])
    >>> data = simulate.run_from_start(theory.Problem(), start, overparam=2.0, D=50, seeds=2)
    >>> dict(data.test_error.sizes)
    {'seed': 2, 'scale': 2}
    """
    if not isinstance(problem, Problem) or problem.loss.quadratic != 1.0:
        raise ValueError(f"problem = {problem!r}: give a theory.Problem with loss=Square()")
    if not isinstance(start, (GaussianStart, RandomLabelsStart, SameInputsStart)):
        raise ValueError(
            f"start = {start!r}: give a theory.GaussianStart, RandomLabelsStart or SameInputsStart"
        )
    ridge = np.asarray(lam)
    if ridge.ndim or ridge.dtype.kind not in "iuf" or not (np.isfinite(ridge) and ridge >= 0):
        raise ValueError(f"lam = {lam!r}: give one finite number >= 0")
    start.check(ridge)
    extra = tuple(Axis(n, np.atleast_1d(x), x.ndim == 0) for n, x in start.axes.items())
    ridges = Axis("lam", np.array([float(ridge)]), scalar=True)
    grid = make_grid(overparam, alpha_T, D, seeds, inner=(ridges,), last=extra)
    for _, N, _ in grid.sizes:
        for ratio in np.atleast_1d(start.axes.get("alpha_prime", np.array([]))):
            if round(float(ratio) * N) == 0:
                raise ValueError(
                    f"alpha_prime = {ratio:g} with N = {N} rounds to no pattern: raise alpha_prime, "
                    "D, alpha_T or overparam"
                )
    protocol = FromStart(
        problem,
        start,
        n_test=check_count("n_test", n_test, 1),
        n_flip=check_count("n_flip", n_flip, 2),
        n_variance=check_count("n_variance", n_variance, 2),
    )
    means = Means(device, memory, threads, store, scheduler, progress)
    return execute(protocol, grid, means)


@dataclass(frozen=True)
class FromStart(Protocol):
    """Draw, start, train to the nearest solution, measure.

    Attributes
    ----------
    start : Start
        The law of w_init, but for its axes, which a task brings.
    n_test, n_flip, n_variance : int
        Fresh patterns for the test error, and hypercube points of the mean dimension.
    """

    layout: ClassVar[Layout] = Layout(
        "start",
        variables(
            {n: MEASURED[n] for n in _AS_TRAINED} | _OF_START | {"status": MEASURED["status"]},
            _AXES,
            Status,
        ),
    )
    start: Start
    n_test: int
    n_flip: int
    n_variance: int

    def describe(self) -> dict[str, Any]:
        """Counts, and the law of the start without its axes."""
        start: Any = self.start
        law = {f.name: getattr(start, f.name) for f in fields(start) if f.name not in start.axes}
        words = ", ".join(f"{name}={value!r}" for name, value in law.items())
        return {**super().describe(), "start": f"{type(start).__name__}({words})"}

    def numbers(self, D: int, N: int, P: int, grid: Grid) -> int:
        """Two designs, each decomposed, and the weights of every scale and alpha'."""
        total = P * (N + D) + 8 * N * grid.length(*_AXES)
        found = _decomposing(N, P)
        if "alpha_prime" in self.start.axes:
            most = round(float(np.max(grid["alpha_prime"].values)) * N)
            found += most * (D + 3 * N) + _decomposing(N, most)
        return total + found

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """One instance after the other."""
        return [self._instance(task, work) for task in tasks]

    def _instance(self, task: Task, work: Workspace) -> Values:
        problem, (D, N, P), (lam,) = self.problem, task.size, task["lam"]
        start: Any = self.start
        start = replace(start, **{name: values for name, values in task.axes if name != "lam"})
        streams = Streams.of(task.seed, D, N, P, work.device)
        instance = draw_instance(problem, D, N, P, streams.training, work)
        if not bool(torch.isfinite(instance.design).all()):  # it has no decomposition
            columns = int(np.prod([len(values) for _, values in task.axes]))
            lost = {v.name: np.full(columns, np.nan) for v in self.layout.variables}
            return self.layout.pack(lost | {"status": np.full(columns, Status.NONFINITE)})
        fit = NearestSolution.of(instance.design, lam)
        unit = _unit_starts(start, instance, fit, task, work)
        scales = np.ones(1) if start.scale is None else start.axes["scale"]
        scale = torch.as_tensor(scales, dtype=unit.dtype, device=unit.device)[:, None]

        def spread(columns: Tensor) -> Tensor:
            """Columns of every scale and alpha', in this order."""
            return (columns[:, None, :] * scale).reshape(N, -1)

        begin = spread(unit)
        W = fit.from_zero(instance.y)[:, None] + spread(fit.kept(unit))
        out = measure_overlaps(instance, W, problem.activation.moments)
        out |= measure_training(problem, instance, W, np.zeros(W.shape[1]))
        out |= measure_test_error(problem, instance, W, streams.test, self.n_test, work)
        inputs = streams.flips, streams.variance, self.n_flip, self.n_variance
        both = feature_mean_dimension(instance.layers, torch.cat([W, unit], dim=1), *inputs, work)
        split = W.shape[1]
        out |= {"bmd": both.value[:split], "bmd_se": both.standard_error[:split]}
        out["start_bmd"] = np.tile(both.value[split:], scales.size)
        for name, product in (
            ("start_q", begin * begin),
            ("start_overlap", W * begin),
            ("distance", (W - begin) ** 2),
        ):
            out[name] = np.asarray((product.sum(0) / N).cpu().numpy())
        finite = np.isfinite(np.stack(list(out.values()))).all(0)
        out = {name: np.where(finite, value, np.nan) for name, value in out.items()}
        status = np.where(finite, Status.CONVERGED, Status.NONFINITE)
        return self.layout.pack({**out, "status": status})


def _decomposing(N: int, P: int) -> int:
    """Numbers of a singular value decomposition: a copy, workspace, and the vectors before and after."""
    k = min(N, P)
    return N * P + 4 * k * k + 2 * k * (N + P)


def _unit_starts(
    start: Start,
    instance: Instance,
    fit: NearestSolution,
    task: Task,
    work: Workspace,
) -> Tensor:
    """w_init of every alpha', of scale 1 or, where the start names none, as trained; (N, alpha')."""
    D, N, P = task.size

    def stream(number: int) -> TorchRandom:
        return TorchRandom.named("start", task.seed, D, N, P, number, device=work.device)

    if isinstance(start, GaussianStart):
        return stream(0).normal(N, 1)
    if isinstance(start, SameInputsStart):
        columns = [fit.from_zero(_coins(stream(P), P))]
    else:
        assert isinstance(start, RandomLabelsStart)
        columns = []
        for ratio in np.atleast_1d(start.axes["alpha_prime"]):
            number = round(float(ratio) * N)
            random = stream(number)
            rows = work.rows(instance.layers.widest)
            parts = torch.split(random.normal(number, D), rows)
            X = torch.cat([instance.layers(x) for x in parts]) / N**0.5
            trained = NearestSolution.of(X, start.ridge)
            columns.append(trained.from_zero(_coins(random, number)))
    W = torch.stack(columns, dim=1)
    if start.scale is None:
        return W
    unit: Tensor = W * (N**0.5 / torch.linalg.vector_norm(W, dim=0))
    return unit


def _coins(random: TorchRandom, number: int) -> Tensor:
    u = random.uniform(number)
    return torch.where(u < 0.5, -torch.ones_like(u), torch.ones_like(u))
