"""Regression on the sphere at finite n: exact averages of kernels, and sparse features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Unpack

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from twinpeaks import sweeps
from twinpeaks.simulate.sphere.features import sparse_features
from twinpeaks.simulate.sphere.lazy import Average, averaged_errors
from twinpeaks.simulate.sphere.variation import Certificate
from twinpeaks.simulate.sphere.zonal import draw
from twinpeaks.sweeps import Need, Options, Task, Variable, Workspace
from twinpeaks.sweeps.protocol import Argument, Protocol
from twinpeaks.sweeps.resources import read_resources
from twinpeaks.theory.axes import Given
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.kernels import NTK, RFK, SparseFeatures, Zonal
from twinpeaks.theory.sphere.problem import Problem

__all__ = ["run"]


@dataclass(frozen=True)
class _Sphere(Protocol):
    problem: Problem

    @property
    def axes(self) -> tuple[Argument, ...]:
        return (
            Argument("n", "[2, inf)", whole=True),
            Argument("lam", "[0, inf)", inner=True),
            Argument("seed"),
        )

    def need(self, task: Task) -> Need:
        n = task["n"]
        return Need(20 * n * n, n, n * n)

    def inputs(self, task: Task) -> tuple[np.ndarray, np.random.Generator]:
        """Points of a seed: the first n of one sequence, the same for every problem."""
        random = np.random.default_rng([task.seed, self.problem.d])
        return draw(task["n"], self.problem.d, random), np.random.default_rng(
            [task.seed, task["n"]]
        )


@dataclass(frozen=True)
class Lazy(_Sphere):
    """Kernel regression, averaged over everything but its inputs."""

    kind: ClassVar[str] = "sphere kernel"

    @property
    def variables(self) -> tuple[Variable, ...]:
        return Variable("test_error", ("lam",)), Variable("status", ("lam",), outcomes=Average)

    def perform(self, tasks: Sequence[Task], work: Workspace) -> Sequence[Mapping[str, ArrayLike]]:
        out: list[Mapping[str, ArrayLike]] = []
        for task in tasks:
            errors, status = averaged_errors(
                self.problem, self.inputs(task)[0], np.array(task["lam"])
            )
            out.append({"test_error": errors, "status": status})
        return out


@dataclass(frozen=True)
class Sparse(_Sphere):
    """The ReLU network of least total variation."""

    kind: ClassVar[str] = "sphere sparse features"
    tolerance: float = 1e-6

    @property
    def variables(self) -> tuple[Variable, ...]:
        names = (Variable(name, ("lam",)) for name in ("test_error", "tv", "atoms", "gap"))
        return *names, Variable("status", ("lam",), outcomes=Certificate)

    def perform(self, tasks: Sequence[Task], work: Workspace) -> Sequence[Mapping[str, ArrayLike]]:
        found = (sparse_features(self.problem, *self.inputs(t), self.tolerance) for t in tasks)
        return [{name: [value] for name, value in row.items()} for row in found]


def run(
    problem: Problem,
    n: Given,
    lam: Given = 0.0,
    seeds: int | Sequence[int] = 16,
    *,
    tolerance: float = 1e-6,
    **resources: Unpack[Options],
) -> xr.Dataset:
    """Learning curves on the sphere from finite sets of inputs.

    Parameters
    ----------
    problem : Problem
        With an infinite-width kernel the error is averaged exactly over targets, noise and test points, so
        that seeds differ by their inputs alone. With ``SparseFeatures`` each seed draws the target too; the
        error is averaged exactly over test points and over what the labels leave open of the target.
    n : int, sequence or DataArray
        Patterns, at least 2.
    lam : number, sequence or DataArray
        Ridge penalty; 0 interpolates, as ``SparseFeatures`` always does.
    seeds : int or sequence of int
        Sets of inputs.
    tolerance : float
        Relative gap of the certificate of ``SparseFeatures``.
    **resources
        Attributes of ``sweeps.Resources``: store, scheduler, progress, ...

    Returns
    -------
    xarray.Dataset
        Over n, lam and seed: test_error and status, of ``SparseFeatures`` also tv, atoms and gap. Those whose
        status is not exact, certified or multistart are NaN.

    Raises
    ------
    InvalidProblem
        If the kernel is of finite width, or has noisy labels or lam > 0 with ``SparseFeatures``.
    ValueError
        If an axis is out of range.

    Examples
    --------
    >>> from twinpeaks.theory.sphere import Constant, Problem
    >>> found = run(Problem(d=3, target=Constant()), n=[8, 16], seeds=4)
    >>> dict(found.test_error.sizes)
    {'n': 2, 'seed': 4}
    """
    kernel = problem.kernel
    protocol: Protocol
    if isinstance(kernel, SparseFeatures):
        if problem.noise or np.any(np.asarray(lam) != 0):
            raise InvalidProblem(
                "SparseFeatures interpolates exact labels: give noise = 0 and lam = 0"
            )
        protocol = Sparse(problem, tolerance)
    elif isinstance(kernel, NTK | RFK | Zonal):
        protocol = Lazy(problem)
    else:
        raise InvalidProblem(
            f"kernel = {kernel!r}: give NTK(), RFK(), Zonal(...) or SparseFeatures()"
        )
    grid: dict[str, Any] = {"n": n, "lam": lam, "seed": seeds}
    found = sweeps.run(protocol, grid, read_resources(resources))
    return found.assign_attrs(problem=repr(problem), kind="simulation")
