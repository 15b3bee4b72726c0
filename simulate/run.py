"""A sweep of trained finite networks, as one labelled Dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from simulate.bmd import feature_mean_dimension
from simulate.device import Workspace, choose_device, device_name, plan_memory
from simulate.draw import Streams, check_sizes, draw_instance
from simulate.grid import Grid, check_count, make_grid
from simulate.measure import (
    measure_overlaps,
    measure_test_error,
    measure_training,
    overlap_test_error,
)
from simulate.train import Status, check_loss, train
from simulate.variables import MEASURED, SIZES, attributes
from theory.problem import Problem

__all__ = ["run"]

Progress = Callable[[int, int], Any]


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
        Bytes to use; by default half of physical memory on a CPU, 0.8 of free memory on a GPU.
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

    Examples
    --------
    >>> import simulate, theory
    >>> data = simulate.run(theory.Problem(), overparam=[0.5, 2.0], D=50, seeds=2)
    >>> dict(data.test_error.sizes)
    {'overparam': 2, 'seed': 2}
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"problem = {problem!r}: give an instance of theory.Problem")
    check_loss(problem.loss)
    grid = make_grid(overparam, alpha_T, lam, D, seeds)
    counts = {
        "n_test": check_count("n_test", n_test, 1),
        "n_flip": check_count("n_flip", n_flip, 2),
        "n_variance": check_count("n_variance", n_variance, 2),
    }
    if not (np.ndim(tolerance) == 0 and 0 < tolerance < 1):
        raise ValueError(f"tolerance = {tolerance!r}: give a number between 0 and 1")
    budget = None if memory is None else check_count("memory", memory, 1)
    if not (isinstance(progress, bool) or callable(progress)):
        raise ValueError(
            f"progress = {progress!r}: give True, False or a callable of (done, total)"
        )
    work = plan_memory(
        grid.sizes,
        problem.features.hidden,
        len(grid.lam.values),
        problem.loss.quadratic is not None,
        choose_device(device),
        budget,
    )
    check_sizes(problem, grid.sizes)
    data = _sweep(problem, grid, counts, tolerance, work, progress)
    return _dataset(problem, grid, data, counts, tolerance, work)


def _instance(
    problem: Problem,
    size: tuple[int, int, int],
    seed: int,
    lam: NDArray[np.float64],
    counts: dict[str, int],
    tolerance: float,
    work: Workspace,
) -> dict[str, NDArray[Any]]:
    """Everything measured on one draw, each of shape (n_lam,)."""
    D, N, P = size
    streams = Streams.of(seed, D, N, P, work.device)
    instance = draw_instance(problem, D, N, P, streams.training, work)
    fit = train(problem.loss, instance.design, instance.y, lam, tolerance)
    W = fit.weights
    out = measure_overlaps(instance, W, problem.activation.moments)
    out |= measure_training(problem, instance, W, lam)
    out |= measure_test_error(problem, instance, W, streams.test, counts["n_test"], work)
    out["test_error_overlap"] = overlap_test_error(problem.teacher, out["Q_d"], out["m"])
    estimate = feature_mean_dimension(
        instance.layers,
        W,
        streams.flips,
        streams.variance,
        counts["n_flip"],
        counts["n_variance"],
        work,
    )
    out |= {"bmd": estimate.value, "bmd_se": estimate.standard_error}
    trusted = fit.status == Status.CONVERGED
    measured = {name: np.where(trusted, value, np.nan) for name, value in out.items()}
    return {**measured, "optimality": fit.optimality, "status": fit.status}


def _sweep(
    problem: Problem,
    grid: Grid,
    counts: dict[str, int],
    tolerance: float,
    work: Workspace,
    progress: Progress | bool,
) -> dict[str, NDArray[Any]]:
    """Arrays of all five dimensions."""
    n = [len(axis.values) for axis in grid.axes]
    data: dict[str, NDArray[Any]] = {name: np.full(n, np.nan) for name in MEASURED}
    data["status"] = np.zeros(n, dtype=np.int8)
    total = n[0] * n[1] * n[3] * n[4]
    bar: AbstractContextManager[Any] = tqdm(total=total) if progress is True else nullcontext()
    with bar as shown:
        for done, (i, j, d, s) in enumerate(np.ndindex(n[0], n[1], n[3], n[4]), start=1):
            size, seed = grid.size(i, j, d), int(grid.seed.values[s])
            point = _instance(problem, size, seed, grid.lam.values, counts, tolerance, work)
            for name, value in point.items():
                data[name][i, j, :, d, s] = value
            if shown is not None:
                shown.update()
            if callable(progress):
                progress(done, total)
    return data


def _dataset(
    problem: Problem,
    grid: Grid,
    data: dict[str, NDArray[Any]],
    counts: dict[str, int],
    tolerance: float,
    work: Workspace,
) -> xr.Dataset:
    """Label the arrays and drop the dimensions given as numbers."""
    shape = (len(grid.overparam.values), len(grid.alpha_T.values), len(grid.D.values))
    size = np.array(grid.sizes).reshape(*shape, 3)
    D, N, P = (size[..., index] for index in range(3))
    sizes = dict(zip(SIZES, (N, P, N / P, P / D), strict=True))
    dims = [axis.name for axis in grid.axes]
    # attributes are attached to variables at once: xarray keeps the order of insertion
    variables = {name: (dims, data[name], attributes(name)) for name in MEASURED}
    variables |= {
        name: (["overparam", "alpha_T", "D"], value, attributes(name))
        for name, value in sizes.items()
    }
    coords = {axis.name: (axis.name, axis.values, attributes(axis.name)) for axis in grid.axes}
    out = xr.Dataset(
        variables,
        coords,
        attrs={
            "problem": repr(problem),
            "kind": "simulation",
            "version": version("twinpeaks"),
            "device": device_name(work.device),
            "torch": str(torch.__version__),
            "tolerance": float(tolerance),
            **counts,
        },
    )
    return out.isel({axis.name: 0 for axis in grid.axes if axis.scalar})
