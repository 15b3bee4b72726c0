"""Attacked finite networks: how often a small perturbation flips the class, in two norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from twinpeaks import sweeps
from twinpeaks.measure.moments import binomial_error
from twinpeaks.simulate.draw import draw_instance
from twinpeaks.simulate.estimators.flips import Norm, flip_distances
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.protocol import Networks, size_of, training_numbers
from twinpeaks.simulate.train import Status, check_loss, train
from twinpeaks.sweeps import Argument, Options, Task, Variable, Workspace
from twinpeaks.sweeps.grid import Values
from twinpeaks.sweeps.resources import read_resources
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import Given, check_count, check_number
from twinpeaks.theory.family import read_family
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import BinaryTeacher

__all__ = ["Attack", "attack"]

_NORMS: tuple[Norm, ...] = ("l2", "linf")
_RATES = ("flip_rate", "flip_rate_se", "robust_error", "robust_error_se")


def attack(
    problem: Problem,
    overparam: Given,
    alpha_T: Given = 3.0,
    lam: Given = 1e-4,
    D: Given = 200,
    seeds: int | Sequence[int] = 8,
    *,
    vary: Mapping[str, Given] | None = None,
    eps: Given = (0.1, 0.3, 0.5, 1.0, 1.5),
    n_attack: int = 256,
    n_flip: int = 64,
    n_variance: int = 8192,
    restarts: int = 0,
    refinements: int = 1,
    tolerance: float = 1e-6,
    **resources: Unpack[Options],
) -> xr.Dataset:
    """Draw, train and attack random-feature classifiers.

    Parameters
    ----------
    problem : Problem
        With a teacher of labels -1 and +1.
    overparam, alpha_T, lam, D, seeds, vary, tolerance, **resources
        As for :func:`tp.run`; an instance is the same as there at the same (seed, D, N, P).
    eps : number or 1-d sequence
        Radii >= 0: |delta|_2 <= eps, and max_k |delta_k| <= eps / sqrt(D) for the other norm. One search
        for the shortest flip of every input serves them all.
    n_attack : int
        Fresh Gaussian inputs, >= 2, attacked in both norms.
    n_flip, n_variance : int
        Hypercube points for the mean dimension, as for :func:`tp.run`.
    restarts, refinements : int
        Of each search (``twinpeaks.simulate.estimators.flips.flip_distances``).

    Returns
    -------
    xarray.Dataset
        ``flip_rate``, ``robust_error`` and their binomial errors with dimensions (overparam, alpha_T,
        lam, D, seed, norm, eps), less those given as numbers, and ``bmd`` with ``bmd_se``. An attack finds
        a flip or does not: rates are lower bounds. NaN where ``status`` is not 0.

    Raises
    ------
    ValueError
        As :func:`tp.run`; for real labels, and for eps that is negative, not finite or given twice.
    sweeps.StoreError, sweeps.ClusterError, sweeps.DeviceError
        As :func:`tp.run`.

    Notes
    -----
    For the kinks of ReLU, five more refinements and two restarts shortened the mean distance
    by 0.18 % at most (D = 200, N/P = 1, lam = 1e-4); for tanh by 0.01 %.
    """
    family = read_family(problem, vary)
    inputs = n_attack, n_flip, n_variance
    protocol = Attack(problem, tolerance, *inputs, restarts, refinements, vary=family.axes)
    axes = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "D": D, "seed": seeds}
    return sweeps.run(protocol, {**axes, "norm": _NORMS, "eps": eps}, read_resources(resources))


@dataclass(frozen=True)
class Attack(Networks):
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

    kind: ClassVar[str] = "attack"
    tolerance: float
    n_attack: int
    n_flip: int
    n_variance: int
    restarts: int
    refinements: int

    def __post_init__(self) -> None:
        """Check every number, the loss and the teacher."""
        super().__post_init__()
        check_loss(self.problem.loss)
        if not isinstance(self.problem.teacher, BinaryTeacher):
            raise ValueError(
                f"teacher = {self.problem.teacher!r} has real labels, which have no class to flip: "
                "give a teacher of labels -1 and +1"
            )
        check_number("tolerance", self.tolerance, "(0, 1)")
        for name in ("n_attack", "n_flip", "n_variance"):
            check_count(name, getattr(self, name), 2)
        for name in ("restarts", "refinements"):
            check_count(name, getattr(self, name), 0)

    @property
    def last(self) -> tuple[Argument, ...]:
        """Norms and radii of one attack."""
        return Argument("norm", words=_NORMS, inner=True), Argument("eps", "[0, inf)", inner=True)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Rates for every norm and radius beside the mean dimension."""
        rates = (Variable(name, ("lam", "norm", "eps")) for name in _RATES)
        plain = (Variable(name, ("lam",)) for name in ("bmd", "bmd_se"))
        return (*plain, *rates, Variable("status", ("lam",), outcomes=Status))

    def numbers(self, task: Task) -> int:
        """Those of training, and the attacked inputs with their features and three temporaries."""
        D, N, P = size_of(task)
        quadratic = self.problem.loss.quadratic is not None
        widest = max((N, *self.problem.features.hidden(D)))
        trained = training_numbers(D, N, P, len(task["lam"]), quadratic)
        return trained + self.n_attack * (D + 4 * widest)

    def perform(self, tasks: Sequence[Task], work: Workspace) -> list[Values]:
        """One instance after the other."""
        return [self._instance(task, work) for task in tasks]

    def _instance(self, task: Task, work: Workspace) -> Values:
        (D, N, P), lam = size_of(task), np.array(task["lam"])
        norms, radii = task["norm"], np.array(task["eps"])
        problem, streams = self.problem, self.random(task, work.device)
        instance = draw_instance(problem, D, N, P, streams["training"], work)
        fit = train(problem.loss, instance.design, instance.y, lam, self.tolerance)
        flips = streams["flips"], streams["variance"], self.n_flip, self.n_variance
        estimate = feature_mean_dimension(instance.layers, fit.weights, *flips, work)
        test = streams["test"]
        inputs = test.normal(self.n_attack, D)
        labels = problem.teacher.sample(inputs @ instance.teacher / D**0.5, test)
        shape = (len(lam), len(norms), len(radii))
        out: dict[str, Array] = {name: np.full(shape, np.nan) for name in _RATES}
        tries = {"restarts": self.restarts, "refinements": self.refinements}
        for column in np.flatnonzero(fit.status == Status.CONVERGED):
            w = fit.weights[:, column]
            wrong = labels * (instance.layers(inputs) @ w) < 0
            for k, norm in enumerate(norms):
                parts = torch.split(inputs, work.rows(instance.layers.widest))
                again = streams["restarts"]  # the same for every network and norm
                found = [flip_distances(instance.layers, w, x, norm, again, **tries) for x in parts]
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
        return {**out, "status": fit.status}


def _rates(distance: Tensor, radii: Array) -> tuple[Array, Array]:
    """Share of distances within each radius, and its binomial standard error."""
    host = distance.cpu().numpy()
    hits = np.sum(host[:, None] <= radii, axis=0)
    return hits / len(host), binomial_error(hits, len(host))
