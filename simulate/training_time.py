"""Networks at given times of gradient flow on the square loss, exact by one decomposition of the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Unpack

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from twinpeaks import sweeps
from twinpeaks.simulate.draw import draw_instance
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.estimators.trained import (
    measure_overlaps,
    measure_test_error,
    measure_training,
)
from twinpeaks.simulate.initialisation import unit_starts
from twinpeaks.simulate.protocol import Networks, size_of
from twinpeaks.simulate.train import Status
from twinpeaks.simulate.trainers.nearest import NearestSolution
from twinpeaks.sweeps import Argument, Options, Task, Variable, Workspace
from twinpeaks.sweeps.grid import Values
from twinpeaks.sweeps.resources import read_resources
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import Given, check_count
from twinpeaks.theory.family import read_family
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.starts import GaussianStart, RandomLabelsStart, SameInputsStart, Start

__all__ = ["InTime", "run_flow"]

_MEASURED = (
    *("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error", "test_error", "test_error_se"),
    *("bmd", "bmd_se"),
)


def run_flow(
    problem: Problem,
    time: Given,
    overparam: Given,
    alpha_T: Given = 3.0,
    lam: Given = 0.0,
    D: Given = 200,
    seeds: int | Sequence[int] = 16,
    *,
    start: Start | None = None,
    vary: Mapping[str, Given] | None = None,
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    **resources: Unpack[Options],
) -> xr.Dataset:
    """Draw random-feature models, train them by gradient flow, and measure them on the way.

    Parameters
    ----------
    problem : Problem
        With ``loss=Square()``.
    time : number, 1-d sequence or DataArray
        t > 0 of dw/dt = -grad(sum_mu (y_mu - t_mu)^2 / 2 + lam |w|^2 / 2).
    overparam, alpha_T, lam, D, seeds, vary, n_test, n_flip, n_variance, **resources
        As in :func:`tp.run`; lam may be 0.
    start : Start, optional
        ``GaussianStart``, ``RandomLabelsStart`` or ``SameInputsStart``, drawn as in
        :func:`tp.run_from_start`; by default w(0) = 0.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, lam, time, D, seed), then those of the start, less those given
        as numbers, with variables of :func:`tp.run`; NaN where ``status`` is not 0.

    Raises
    ------
    ValueError
        For any argument out of range, before any work.
    sweeps.StoreError, sweeps.ClusterError, sweeps.DeviceError
        As in :func:`tp.run`.

    Examples
    --------
    >>> from twinpeaks import simulate, theory
    >>> data = simulate.run_flow(theory.Problem(), time=[1.0, 100.0], overparam=2.0, D=50, seeds=2)
    >>> dict(data.test_error.sizes)
    {'time': 2, 'seed': 2}
    """
    family = read_family(problem, vary)
    protocol = InTime(problem, start, n_test, n_flip, n_variance, vary=family.axes)
    axes = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "time": time, "D": D}
    more = {} if start is None else start.axes
    return sweeps.run(protocol, {**axes, "seed": seeds, **more}, read_resources(resources))


@dataclass(frozen=True)
class InTime(Networks):
    """Draw, decompose, measure at every time.

    Attributes
    ----------
    start : Start or None
        The law of w(0), but for its axes, which a task brings.
    n_test, n_flip, n_variance : int
        Fresh patterns for the test error, and hypercube points of the mean dimension.
    """

    kind: ClassVar[str] = "flow"
    start: Start | None
    n_test: int
    n_flip: int
    n_variance: int

    def __post_init__(self) -> None:
        """Check every number, the loss and the start."""
        super().__post_init__()
        if self.problem.loss.quadratic != 1.0:
            raise ValueError(
                f"loss = {self.problem.loss!r}: the flow is exact for the square loss only; give "
                "loss=Square()"
            )
        if not isinstance(self.start, GaussianStart | RandomLabelsStart | SameInputsStart | None):
            raise ValueError(
                f"start = {self.start!r}: give None, a theory.GaussianStart, RandomLabelsStart or "
                "SameInputsStart"
            )
        for name, least in (("n_test", 1), ("n_flip", 2), ("n_variance", 2)):
            check_count(name, getattr(self, name), least)

    @property
    def inner(self) -> tuple[Argument, ...]:
        """Ridge penalties and times."""
        return Argument("lam", "[0, inf)", inner=True), Argument("time", "(0, inf)", inner=True)

    @property
    def last(self) -> tuple[Argument, ...]:
        """What the start brings."""
        names = () if self.start is None else tuple(self.start.axes)
        return tuple(Argument(name, "[0, inf)", inner=True) for name in names)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Everything that is measured, for every lam and time."""
        dims = ("lam", "time", *(axis.name for axis in self.last))
        measured = (Variable(name, dims) for name in _MEASURED)
        return (*measured, Variable("status", dims, outcomes=Status))

    def describe(self) -> dict[str, Any]:
        """Counts, and the law of the start without its axes."""
        start: Any = self.start
        if start is None:
            return {**super().describe(), "start": "zero"}
        law = {f.name: getattr(start, f.name) for f in fields(start) if f.name not in start.axes}
        words = ", ".join(f"{name}={value!r}" for name, value in law.items())
        return {**super().describe(), "start": f"{type(start).__name__}({words})"}

    def numbers(self, task: Task) -> int:
        """The design, its decomposition, and the weights of every column."""
        D, N, P = size_of(task)
        inner = [axis.name for axis in (*self.inner, *self.last)]
        columns = int(np.prod([len(task[name]) for name in inner], dtype=int))
        k = min(N, P)
        found = P * (N + D) + 4 * N * columns + N * P + 4 * k * k + 2 * k * (N + P)
        if "alpha_prime" in inner:
            most = round(max(task["alpha_prime"]) * N)
            found += most * (D + 5 * N)
        return found

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """One instance after the other."""
        return [self._instance(task, work) for task in tasks]

    def _instance(self, task: Task, work: Workspace) -> Values:
        problem, (D, N, P) = self.problem, size_of(task)
        streams = self.random(task, work.device)
        instance = draw_instance(problem, D, N, P, streams["training"], work)
        lam, time = np.array(task["lam"]), np.array(task["time"])
        inner = [axis.name for axis in (*self.inner, *self.last)]
        shape = [len(task[name]) for name in inner]
        if not bool(torch.isfinite(instance.design).all()):  # it has no decomposition
            lost = {v.name: np.full(shape, np.nan) for v in self.variables}
            return lost | {"status": np.full(shape, Status.NONFINITE)}
        fit = NearestSolution.of(instance.design)
        begin = torch.zeros(N, 1, dtype=torch.float64, device=work.device)
        if self.start is not None:
            law: Any = self.start
            start = replace(law, **{name: task[name] for name in law.axes})
            unit = unit_starts(start, instance, fit, streams, work)
            scales = np.ones(1) if start.scale is None else start.axes["scale"]
            scale = torch.as_tensor(np.atleast_1d(scales), dtype=unit.dtype, device=unit.device)
            begin = (unit[:, None, :] * scale[:, None]).reshape(N, -1)
        W = _flow(fit, instance.y, begin, lam, time)
        out = measure_overlaps(instance, W, problem.activation.moments)
        out |= measure_training(problem, instance, W, np.zeros(W.shape[1]))
        out |= measure_test_error(problem, instance, W, streams["test"], self.n_test, work)
        inputs = streams["flips"], streams["variance"], self.n_flip, self.n_variance
        estimate = feature_mean_dimension(instance.layers, W, *inputs, work)
        out |= {"bmd": estimate.value, "bmd_se": estimate.standard_error}
        finite = np.isfinite(np.stack([out[name] for name in _MEASURED])).all(0)
        out = {name: np.where(finite, out[name], np.nan).reshape(shape) for name in _MEASURED}
        status = np.where(finite, Status.CONVERGED, Status.NONFINITE).reshape(shape)
        return {**out, "status": status}


def _flow(fit: NearestSolution, y: Tensor, begin: Tensor, lam: Array, time: Array) -> Tensor:
    """w of every lam, time and start, in this order: shape (N, columns)."""
    s = fit.singular[:, None]
    labels, seen = (fit.left.T @ y)[:, None], fit.right @ begin
    columns = []
    for penalty in lam:
        for t in time:
            rate = s * s + penalty
            learned = -torch.expm1(-t * rate) * s / rate * labels
            faded = float(np.exp(-t * penalty))
            forgotten = faded * torch.expm1(-t * s * s) * seen
            columns.append(faded * begin + fit.right.T @ (learned + forgotten))
    return torch.cat(columns, dim=1)
