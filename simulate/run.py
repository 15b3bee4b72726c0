"""Trained finite networks: overlaps, errors and mean dimension, for every lam of an instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import torch
import xarray as xr

from twinpeaks import sweeps
from twinpeaks.simulate.draw import Instance, draw_instance
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.estimators.trained import (
    measure_overlaps,
    measure_test_error,
    measure_training,
    overlap_test_error,
)
from twinpeaks.simulate.protocol import Networks, size_of, training_numbers
from twinpeaks.simulate.train import Fit, Status, check_loss, train_stack
from twinpeaks.sweeps import Options, Streams, Task, Variable, Workspace
from twinpeaks.sweeps.grid import Values
from twinpeaks.sweeps.resources import read_resources
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import Given, check_count, check_number
from twinpeaks.theory.family import read_family
from twinpeaks.theory.problem import Problem

__all__ = ["Training", "run"]

_MEASURED = (
    *("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error", "test_error", "test_error_se"),
    *("test_error_overlap", "bmd", "bmd_se", "energy", "optimality"),
)


def run(
    problem: Problem,
    overparam: Given,
    alpha_T: Given = 3.0,
    lam: Given = 1e-4,
    D: Given = 200,
    seeds: int | Sequence[int] = 16,
    *,
    vary: Mapping[str, Given] | None = None,
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    tolerance: float = 1e-6,
    **resources: Unpack[Options],
) -> xr.Dataset:
    """Draw, train and measure random-feature models.

    Parameters
    ----------
    problem : Problem
        What to learn, and with what.
    overparam, alpha_T, lam, D : number, 1-d sequence or DataArray
        N/P, P/D, the ridge penalty and the input size. Sequences become dimensions (outer product),
        numbers become scalar coordinates, and DataArrays on one dimension are taken point by point.
        P = round(alpha_T D) and N = round(overparam P): compare theory at the achieved
        ``overparam_actual`` and ``alpha_T_actual``.
    seeds : int or sequence of int
        A count n stands for seeds 0 .. n-1; a sequence names them. Each is one draw of features,
        teacher and training set, fixed by (seed, D, N, P) and shared by all lam.
    vary : dict, optional
        Numbers of components as axes, as in ``solve``: ``{"teacher.flip": [0.0, 0.1]}``.
    n_test : int
        Fresh patterns for the test error.
    n_flip, n_variance : int
        Hypercube points for the total influence (each flips all D coordinates) and for Var f.
    tolerance : float
        Largest ``optimality`` that counts as converged.
    **resources
        ``device``, ``memory``, ``threads``, ``batch``, ``store``, ``scheduler`` and ``progress``: the
        attributes of ``sweeps.Resources``.

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
    sweeps.StoreError, sweeps.ClusterError, sweeps.DeviceError
        As in ``sweeps.run``.

    Examples
    --------
    >>> from twinpeaks import simulate, theory
    >>> data = simulate.run(theory.Problem(), overparam=[0.5, 2.0], D=50, seeds=2)
    >>> dict(data.test_error.sizes)
    {'overparam': 2, 'seed': 2}
    """
    family = read_family(problem, vary)
    protocol = Training(problem, n_test, n_flip, n_variance, tolerance, vary=family.axes)
    axes = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "D": D, "seed": seeds}
    return sweeps.run(protocol, axes, read_resources(resources))


@dataclass(frozen=True)
class Training(Networks):
    """Draw, train for every lam, measure.

    Attributes
    ----------
    n_test, n_flip, n_variance : int
        Fresh patterns for the test error, and hypercube points of the mean dimension.
    tolerance : float
        Largest optimality that counts as converged.
    """

    kind: ClassVar[str] = "train"
    together: ClassVar[bool] = True
    n_test: int
    n_flip: int
    n_variance: int
    tolerance: float

    def __post_init__(self) -> None:
        """Check every number, and the loss."""
        super().__post_init__()
        check_loss(self.problem.loss)
        check_count("n_test", self.n_test, 1)
        check_count("n_flip", self.n_flip, 2)
        check_count("n_variance", self.n_variance, 2)
        check_number("tolerance", self.tolerance, "(0, 1)")

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Everything that is measured, for every lam."""
        status = Variable("status", ("lam",), outcomes=Status)
        return (*(Variable(name, ("lam",)) for name in _MEASURED), status)

    def numbers(self, task: Task) -> int:
        """Those of training."""
        quadratic = self.problem.loss.quadratic is not None
        return training_numbers(*size_of(task), len(task["lam"]), quadratic)

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """Train instances of one size as one stack on the device.

        Each has streams of its own, so that a seed draws the same instance in any company. What is
        computed from it depends on the company by rounding only.
        """
        (D, N, P), lam = size_of(tasks[0]), np.array(tasks[0]["lam"])
        streams = [self.random(task, work.device) for task in tasks]
        instances = [draw_instance(self.problem, D, N, P, s["training"], work) for s in streams]
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
        self,
        lam: Array,
        instance: Instance,
        streams: Streams,
        fit: Fit,
        work: Workspace,
    ) -> Values:
        problem, W = self.problem, fit.weights
        out = measure_overlaps(instance, W, problem.activation.moments)
        out |= measure_training(problem, instance, W, lam)
        out |= measure_test_error(problem, instance, W, streams["test"], self.n_test, work)
        out["test_error_overlap"] = overlap_test_error(problem.teacher, out["Q_d"], out["m"])
        inputs = streams["flips"], streams["variance"], self.n_flip, self.n_variance
        estimate = feature_mean_dimension(instance.layers, W, *inputs, work)
        out |= {"bmd": estimate.value, "bmd_se": estimate.standard_error}
        trusted = fit.status == Status.CONVERGED
        out = {name: np.where(trusted, value, np.nan) for name, value in out.items()}
        return {**out, "optimality": fit.optimality, "status": fit.status}
