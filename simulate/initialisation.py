"""Networks trained with square loss from a start w_init to the nearest solution, and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Unpack

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from twinpeaks import sweeps
from twinpeaks.simulate.draw import Instance, draw_instance
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.estimators.trained import (
    measure_overlaps,
    measure_test_error,
    measure_training,
)
from twinpeaks.simulate.protocol import Networks, size_of
from twinpeaks.simulate.train import Status
from twinpeaks.simulate.trainers.nearest import NearestSolution
from twinpeaks.sweeps import (
    Argument,
    Options,
    Streams,
    Task,
    TorchRandom,
    Variable,
    Workspace,
)
from twinpeaks.sweeps.grid import Values
from twinpeaks.sweeps.resources import read_resources
from twinpeaks.theory.axes import Given, check_count
from twinpeaks.theory.family import read_family
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.starts import GaussianStart, RandomLabelsStart, SameInputsStart, Start

__all__ = ["FromStart", "run_from_start", "unit_starts"]

_MEASURED = (
    *("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error", "test_error", "test_error_se"),
    *("bmd", "bmd_se", "start_q", "start_bmd", "start_overlap", "distance"),
)


def run_from_start(
    problem: Problem,
    start: Start,
    overparam: Given,
    alpha_T: Given = 3.0,
    lam: Given = 0.0,
    D: Given = 200,
    seeds: int | Sequence[int] = 16,
    *,
    vary: Mapping[str, Given] | None = None,
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    **resources: Unpack[Options],
) -> xr.Dataset:
    """Draw, start, train and measure random-feature models.

    Parameters
    ----------
    problem : Problem
        With ``loss=Square()``.
    start : theory.Start
        ``GaussianStart``, ``RandomLabelsStart`` or ``SameInputsStart``, which brings the axes
        ``scale`` and ``alpha_prime``; P' = round(alpha' N).
    overparam, alpha_T, lam, D : number, 1-d sequence or DataArray
        As in :func:`tp.run`. lam = 0 is gradient descent to the end; otherwise lam |w - w_init|^2 / 2
        is the penalty.
    seeds : int or sequence of int
        As in :func:`tp.run`, whose features, teacher and training set are drawn here too. The
        start is fixed by (seed, D, N, P, P') and shared by all scales.
    vary, n_test, n_flip, n_variance, **resources
        As in :func:`tp.run`. A store belongs to one kind of start.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, lam, D, seed, scale, alpha_prime), less those given as numbers,
        with variables of :func:`tp.run` and, of the start, those of
        ``tp.solve_from_start``; NaN where ``status`` is not 0.

    Raises
    ------
    ValueError
        For any argument out of range, before any work.
    sweeps.StoreError, sweeps.ClusterError, sweeps.DeviceError
        As in :func:`tp.run`.

    Examples
    --------
    >>> from twinpeaks import simulate, theory
    >>> start = theory.GaussianStart(scale=[0.0, 1.0])
    >>> data = simulate.run_from_start(theory.Problem(), start, overparam=2.0, D=50, seeds=2)
    >>> dict(data.test_error.sizes)
    {'seed': 2, 'scale': 2}
    """
    family = read_family(problem, vary)
    protocol = FromStart(problem, start, n_test, n_flip, n_variance, vary=family.axes)
    axes = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "D": D, "seed": seeds}
    return sweeps.run(protocol, {**axes, **start.axes}, read_resources(resources))


@dataclass(frozen=True)
class FromStart(Networks):
    """Draw, start, train to the nearest solution, measure.

    Attributes
    ----------
    start : Start
        The law of w_init, but for its axes, which a task brings.
    n_test, n_flip, n_variance : int
        Fresh patterns for the test error, and hypercube points of the mean dimension.
    """

    kind: ClassVar[str] = "start"
    start: Start
    n_test: int
    n_flip: int
    n_variance: int

    def __post_init__(self) -> None:
        """Check every number, the loss and the start."""
        super().__post_init__()
        if self.problem.loss.quadratic != 1.0:
            raise ValueError(f"problem = {self.problem!r}: give a tp.Problem with loss=Square()")
        if not isinstance(self.start, GaussianStart | RandomLabelsStart | SameInputsStart):
            raise ValueError(
                f"start = {self.start!r}: give a theory.GaussianStart, RandomLabelsStart or "
                "SameInputsStart"
            )
        for name, least in (("n_test", 1), ("n_flip", 2), ("n_variance", 2)):
            check_count(name, getattr(self, name), least)

    @property
    def inner(self) -> tuple[Argument, ...]:
        """Ridge penalties, of which 0 is gradient descent to the end."""
        return (Argument("lam", "[0, inf)", inner=True),)

    @property
    def last(self) -> tuple[Argument, ...]:
        """What the start brings."""
        return tuple(Argument(name, "[0, inf)", inner=True) for name in self.start.axes)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Everything that is measured, for every lam, scale and alpha'."""
        dims = ("lam", *self.start.axes)
        measured = (Variable(name, dims) for name in _MEASURED)
        return (*measured, Variable("status", dims, outcomes=Status))

    def describe(self) -> dict[str, Any]:
        """Counts, and the law of the start without its axes."""
        start: Any = self.start
        law = {f.name: getattr(start, f.name) for f in fields(start) if f.name not in start.axes}
        words = ", ".join(f"{name}={value!r}" for name, value in law.items())
        return {**super().describe(), "start": f"{type(start).__name__}({words})"}

    def check(self, task: Task) -> None:
        """Refuse a size that the feature law cannot take, a lam that the start cannot, and no patterns."""
        super().check(task)
        self.start.check(np.array(task["lam"]))
        for ratio in dict(task.axes).get("alpha_prime", ()):
            if round(ratio * task["N"]) == 0:
                raise ValueError(
                    f"alpha_prime = {ratio:g} with N = {task['N']} rounds to no pattern: raise "
                    "alpha_prime, D, alpha_T or overparam"
                )

    def numbers(self, task: Task) -> int:
        """Two designs, each decomposed, and the weights of every scale and alpha'."""
        D, N, P = size_of(task)
        columns = np.prod([len(task[name]) for name in self.start.axes], dtype=int)
        found = P * (N + D) + 8 * N * int(columns) + _decomposing(N, P)
        if "alpha_prime" in self.start.axes:
            most = round(max(task["alpha_prime"]) * N)
            found += most * (D + 3 * N) + _decomposing(N, most)
        return found

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """One instance after the other."""
        return [self._instance(task, work) for task in tasks]

    def _instance(self, task: Task, work: Workspace) -> Values:
        streams = self.random(task, work.device)
        instance = draw_instance(self.problem, *size_of(task), streams["training"], work)
        law: Any = self.start
        start = replace(law, **{name: task[name] for name in law.axes})
        parts = [self._trained(start, instance, lam, streams, work) for lam in task["lam"]]
        shape = [len(task["lam"]), *(len(task[name]) for name in self.start.axes)]
        return {name: np.stack([part[name] for part in parts]).reshape(shape) for name in parts[0]}

    def _trained(
        self, start: Start, instance: Instance, lam: float, streams: Streams, work: Workspace
    ) -> Values:
        """What is measured with one lam, over all scales and alpha'."""
        problem, N = self.problem, instance.layers.N
        if not bool(torch.isfinite(instance.design).all()):  # it has no decomposition
            columns = int(np.prod([x.size for x in start.axes.values()]))
            lost = {v.name: np.full(columns, np.nan) for v in self.variables}
            return lost | {"status": np.full(columns, Status.NONFINITE)}
        fit = NearestSolution.of(instance.design, lam)
        unit = unit_starts(start, instance, fit, streams, work)
        scales = np.ones(1) if start.scale is None else start.axes["scale"]
        scale = torch.as_tensor(scales, dtype=unit.dtype, device=unit.device)[:, None]

        def spread(columns: Tensor) -> Tensor:
            """Columns of every scale and alpha', in this order."""
            return (columns[:, None, :] * scale).reshape(N, -1)

        begin = spread(unit)
        W = fit.from_zero(instance.y)[:, None] + spread(fit.kept(unit))
        out = measure_overlaps(instance, W, problem.activation.moments)
        out |= measure_training(problem, instance, W, np.zeros(W.shape[1]))
        out |= measure_test_error(problem, instance, W, streams["test"], self.n_test, work)
        inputs = streams["flips"], streams["variance"], self.n_flip, self.n_variance
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
        out = {name: np.where(finite, out[name], np.nan) for name in _MEASURED}
        status = np.where(finite, Status.CONVERGED, Status.NONFINITE)
        return {**out, "status": status}


def _decomposing(N: int, P: int) -> int:
    """Numbers of a singular value decomposition: a copy, workspace, and the vectors before and after."""
    k = min(N, P)
    return N * P + 4 * k * k + 2 * k * (N + P)


def unit_starts(
    start: Start,
    instance: Instance,
    fit: NearestSolution,
    streams: Streams,
    work: Workspace,
) -> Tensor:
    """w_init of every alpha', of scale 1 or, where the start names none, as trained; (N, alpha')."""
    P, N = instance.design.shape

    if isinstance(start, GaussianStart):
        return streams["start", 0].normal(N, 1)
    if isinstance(start, SameInputsStart):
        columns = [fit.from_zero(_coins(streams["start", P], P))]
    else:
        assert isinstance(start, RandomLabelsStart)
        columns = []
        for ratio in np.atleast_1d(start.axes["alpha_prime"]):
            number = round(float(ratio) * N)
            random = streams["start", number]
            rows = work.rows(instance.layers.widest)
            parts = torch.split(random.normal(number, instance.layers.D), rows)
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
