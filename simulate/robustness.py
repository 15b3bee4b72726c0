"""A sweep of attacked finite networks, as one labelled Dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from simulate.bmd import feature_mean_dimension
from simulate.device import Workspace, choose_device, device_name, plan_memory
from simulate.draw import Streams, check_sizes, draw_instance
from simulate.flips import Norm, flip_distances
from simulate.grid import Grid, check_count, make_grid
from simulate.train import Status, check_loss, train
from simulate.variables import SIZES, attributes
from theory.problem import Problem
from theory.teachers.base import BinaryTeacher

__all__ = ["attack"]

Values = NDArray[np.float64]
_NORMS: tuple[Norm, ...] = ("l2", "linf")

# name: (long_name, definition, whether it has dimensions norm and eps)
_MEASURED = {
    "bmd": ("Boolean mean dimension", "as simulate.run measures it", False),
    "bmd_se": ("Monte Carlo standard error of bmd", "delta method for a ratio", False),
    "flip_rate": (
        "adversarial flip rate",
        "share of fresh Gaussian inputs with a flip found within eps; a lower bound",
        True,
    ),
    "flip_rate_se": ("standard error of flip_rate", "binomial, over the attacked inputs", True),
    "robust_error": (
        "robust test error",
        "share of inputs that are misclassified or have a flip found within eps; a lower bound",
        True,
    ),
    "robust_error_se": ("standard error of robust_error", "binomial", True),
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
    progress: Callable[[int, int], Any] | None = None,
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
        Of each search (``simulate.flips.flip_distances``).
    progress : callable, optional
        Called with (done, total) after each instance.

    Returns
    -------
    xarray.Dataset
        ``flip_rate``, ``robust_error`` and their binomial errors with dimensions (overparam, alpha_T,
        lam, D, seed, norm, eps), less those given as numbers, and ``bmd`` with ``bmd_se``. An attack finds
        a flip or does not: rates are lower bounds. NaN where ``status`` is not 0.

    Raises
    ------
    ValueError
        As :func:`simulate.run`; for real labels, and for eps that is negative or not finite.

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
    radii = np.asarray(eps, dtype=float)
    if radii.ndim > 1 or not radii.size or not np.all(np.isfinite(radii) & (radii >= 0)):
        raise ValueError(f"eps = {eps!r}: give a number >= 0 or a 1-d sequence of them")
    check_loss(problem.loss)
    grid = make_grid(overparam, alpha_T, lam, D, seeds)
    counts = {
        "n_attack": check_count("n_attack", n_attack, 2),
        "n_flip": check_count("n_flip", n_flip, 2),
        "n_variance": check_count("n_variance", n_variance, 2),
        "restarts": check_count("restarts", restarts, 0),
        "refinements": check_count("refinements", refinements, 0),
    }
    work = plan_memory(
        grid.sizes,
        problem.features.hidden,
        len(grid.lam.values),
        problem.loss.quadratic is not None,
        choose_device(device),
        memory if memory is None else check_count("memory", memory, 1),
    )
    check_sizes(problem, grid.sizes)
    n = [len(axis.values) for axis in grid.axes]
    tail = {True: [len(_NORMS), radii.size], False: []}
    data: dict[str, NDArray[Any]] = {
        name: np.full(n + tail[wide], np.nan) for name, (_, _, wide) in _MEASURED.items()
    }
    data["status"] = np.zeros(n, dtype=np.int8)
    total = n[0] * n[1] * n[3] * n[4]
    for done, (i, j, d, s) in enumerate(np.ndindex(n[0], n[1], n[3], n[4]), start=1):
        seed = int(grid.seed.values[s])
        size, lams = grid.size(i, j, d), grid.lam.values
        point = _instance(problem, size, seed, lams, np.atleast_1d(radii), counts, tolerance, work)
        for name, value in point.items():
            data[name][i, j, :, d, s] = value
        if progress is not None:
            progress(done, total)
    return _dataset(problem, grid, radii, data, counts, tolerance, work)


def _instance(
    problem: Problem,
    size: tuple[int, int, int],
    seed: int,
    lam: Values,
    radii: Values,
    counts: dict[str, int],
    tolerance: float,
    work: Workspace,
) -> dict[str, NDArray[Any]]:
    """Everything measured on one draw; the first axis is lam."""
    D, N, P = size
    streams = Streams.of(seed, D, N, P, work.device)
    instance = draw_instance(problem, D, N, P, streams.training, work)
    fit = train(problem.loss, instance.design, instance.y, lam, tolerance)
    flips = counts["n_flip"], counts["n_variance"]
    estimate = feature_mean_dimension(
        instance.layers, fit.weights, streams.flips, streams.variance, *flips, work
    )
    inputs = streams.test.normal(counts["n_attack"], D)
    labels = problem.teacher.sample(inputs @ instance.teacher / D**0.5, streams.test)
    shape = (len(lam), len(_NORMS), len(radii))
    out: dict[str, Values] = {name: np.full(shape, np.nan) for name in _wide()}
    for column in np.flatnonzero(fit.status == Status.CONVERGED):
        w = fit.weights[:, column]
        wrong = labels * (instance.layers(inputs) @ w) < 0
        for k, norm in enumerate(_NORMS):
            tries = {name: counts[name] for name in ("restarts", "refinements")}
            parts = torch.split(inputs, work.rows(instance.layers.widest))
            found = [
                flip_distances(instance.layers, w, x, norm, streams.test, **tries) for x in parts
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
    return {**out, "status": fit.status}


def _rates(distance: Tensor, radii: Values) -> tuple[Values, Values]:
    """Share of distances within each radius, and its binomial standard error."""
    host = distance.cpu().numpy()
    rate = np.mean(host[:, None] <= radii, axis=0)
    return rate, np.sqrt(rate * (1.0 - rate) / len(host))


def _wide() -> list[str]:
    return [name for name, (_, _, wide) in _MEASURED.items() if wide]


def _dataset(
    problem: Problem,
    grid: Grid,
    radii: Values,
    data: dict[str, NDArray[Any]],
    counts: dict[str, int],
    tolerance: float,
    work: Workspace,
) -> xr.Dataset:
    """Label the arrays and drop the dimensions given as numbers."""
    dims = [axis.name for axis in grid.axes]
    variables: dict[str, Any] = {}
    for name, (long_name, definition, wide) in _MEASURED.items():
        about = {"long_name": long_name, "units": "1", "definition": definition}
        variables[name] = (dims + (["norm", "eps"] if wide else []), data[name], about)
    variables["status"] = (dims, data["status"], attributes("status"))
    shape = (len(grid.overparam.values), len(grid.alpha_T.values), len(grid.D.values))
    D, N, P = np.moveaxis(np.array(grid.sizes).reshape(*shape, 3), -1, 0)
    for name, value in zip(SIZES, (N, P, N / P, P / D), strict=True):
        variables[name] = (["overparam", "alpha_T", "D"], value, attributes(name))
    coords: dict[str, Any] = {a.name: (a.name, a.values, attributes(a.name)) for a in grid.axes}
    coords["norm"] = ("norm", list(_NORMS), {"long_name": "ball", "definition": "l2 or linf"})
    coords["eps"] = (
        "eps",
        np.atleast_1d(radii),
        {
            "long_name": "radius",
            "units": "1",
            "definition": "|delta|_2; max |delta_k| sqrt(D) for linf",
        },
    )
    attrs: dict[str, Any] = {
        "problem": repr(problem),
        "kind": "simulation",
        "version": version("twinpeaks"),
        "device": device_name(work.device),
        "torch": str(torch.__version__),
        "tolerance": float(tolerance),
        **counts,
    }
    scalar = {axis.name: 0 for axis in grid.axes if axis.scalar}
    return xr.Dataset(variables, coords, attrs).isel(scalar | ({} if radii.ndim else {"eps": 0}))
