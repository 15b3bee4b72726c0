"""A sweep of trained finite networks, as one labelled Dataset."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from simulate.device import Workspace, choose_device, plan_memory
from simulate.draw import check_sizes
from simulate.grid import Grid, check_count, make_grid
from simulate.store import Store
from simulate.sweep import Protocol, Task, key_of, places
from simulate.train import check_loss
from simulate.variables import MEASURED, SIZES, attributes
from simulate.workers import Workers, cluster, here
from theory.problem import Problem

__all__ = ["collect", "progress_of", "run"]

Progress = Callable[[int, int], Any]

_PATIENCE = 0.5  # seconds between looks at what other processes have finished


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
        Bytes to use; by default half of physical memory on a CPU, 0.8 of free memory on a GPU.
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
    simulate.StoreError
        If the store cannot be written, is damaged, or belongs to another problem or version.
    simulate.device.DeviceError
        If the device ran out of memory or was lost; finished instances are in the store.

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
    check_sizes(problem, grid.sizes)
    check_count("threads", threads, 1)
    together = None if batch is None else check_count("batch", batch, 1)
    workers = nullcontext(here) if scheduler is None else cluster(scheduler)
    with workers as crew:
        work = crew.call(_plan, problem, grid, device, budget, together)
        protocol = Protocol(problem, **counts, tolerance=tolerance, work=work, threads=threads)
        with nullcontext() if store is None else Store(store) as kept:
            if kept is not None:
                kept.begin(protocol, grid)
            results = _execute(protocol, grid, crew, kept, progress)
    return assemble(grid, protocol.describe(), results)


def _plan(
    problem: Problem, grid: Grid, device: str, memory: int | None, batch: int | None
) -> Workspace:
    """Device, chunk and batches; evaluated where the tasks will run."""
    return plan_memory(
        grid.sizes,
        problem.features.hidden,
        len(grid.lam.values),
        problem.loss.quadratic is not None,
        choose_device(device),
        memory,
        sampling=problem.features.sampling_numbers,
        batch=batch,
    )


def _execute(
    protocol: Protocol,
    grid: Grid,
    workers: Workers,
    store: Store | None,
    progress: Progress | bool,
) -> dict[Task, NDArray[np.float64]]:
    """The result of every task: from the store where it is there, performed and stored otherwise."""
    about = protocol.describe()
    tasks = {key_of(about, task): task for _, task in places(grid)}
    results: dict[Task, NDArray[np.float64]] = {}
    finished = store.done(tasks) if store is not None else set()
    bar: AbstractContextManager[Any] = (
        tqdm(total=len(tasks), initial=len(finished), unit="instance")
        if progress is True
        else nullcontext()
    )
    with bar as shown:

        def report() -> None:
            if shown is not None:
                shown.update(len(finished) - shown.n)
            if callable(progress):
                progress(len(finished), len(tasks))

        while len(finished) < len(tasks):
            for key, task, value, seconds in workers.perform(
                protocol, _queue(tasks, finished, store)
            ):
                if store is not None:
                    store.put(key, task, value, seconds)
                results[task] = value
                finished.add(key)
                report()
            if store is not None and len(finished) < len(tasks):
                time.sleep(_PATIENCE)  # the rest is with another process, or with one that died
                finished |= store.done(tasks)
                report()
    for key, task in tasks.items():
        if task not in results:
            assert store is not None
            held = store.get(key)
            assert held is not None
            results[task] = held
    return results


def _queue(
    tasks: dict[str, Task], finished: set[str], store: Store | None
) -> Iterator[tuple[str, Task]]:
    """Tasks to do, one by one; with a store only those that nobody else has taken."""
    for key, task in tasks.items():
        if key not in finished and (store is None or store.claim([(key, task)], 1)):
            yield key, task


def assemble(
    grid: Grid, about: dict[str, Any], results: dict[Task, NDArray[np.float64]]
) -> xr.Dataset:
    """One labelled Dataset from the results of all tasks; those missing are NaN, of status -1."""
    n = [len(axis.values) for axis in grid.axes]
    data: dict[str, NDArray[Any]] = {name: np.full(n, np.nan) for name in MEASURED}
    data["status"] = np.full(n, -1.0)
    for (i, j, d, s), task in places(grid):
        if task in results:
            for name, value in zip(MEASURED, results[task], strict=True):
                data[name][i, j, :, d, s] = value
    data["status"] = data["status"].astype(np.int8)
    return _dataset(grid, about, data)


def _held(store: Store, grid: Grid) -> dict[str, Task]:
    """The tasks of one of the sweeps of a store, by key."""
    about = store.summary().protocol
    return {key_of(about, task): task for _, task in places(grid)}


def progress_of(store: Store, grid: Grid) -> tuple[int, int]:
    """Finished tasks of one of the sweeps of a store, and all of them."""
    tasks = _held(store, grid)
    return len(store.done(tasks)), len(tasks)


def collect(store: Store, grid: Grid) -> xr.Dataset:
    """One of the sweeps of a store as the Dataset of ``run``; what is missing has status -1."""
    values = {task: store.get(key) for key, task in _held(store, grid).items()}
    found = {task: value for task, value in values.items() if value is not None}
    return assemble(grid, store.summary().protocol, found)


def _dataset(grid: Grid, about: dict[str, Any], data: dict[str, NDArray[Any]]) -> xr.Dataset:
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
            "problem": about["problem"],
            "kind": "simulation",
            "version": about["twinpeaks"],
            **{name: about[name] for name in about if name not in ("problem", "twinpeaks")},
        },
    )
    return out.isel({axis.name: 0 for axis in grid.axes if axis.scalar})
