"""Draws of the Boltzmann measure at finite size, as one labelled Dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from simulate.device import choose_device, plan_memory
from simulate.draw import check_sizes
from simulate.grid import Axis, Grid, _axis, check_count, make_grid
from simulate.mixing import Limits, Status, check_diagnostics
from simulate.posterior import DIAGNOSTICS, OBSERVED, Counts
from simulate.sampling import VARIABLES, Protocol, check_smooth, perform
from simulate.sweep import places
from simulate.variables import SIZES, attributes
from theory.problem import Problem

__all__ = ["sample"]

Values = NDArray[np.float64]

_FEWEST_CHAINS = 4


def sample(
    problem: Problem,
    overparam: ArrayLike,
    alpha_T: ArrayLike = 3.0,
    lam: ArrayLike = 1e-2,
    beta: ArrayLike = 10.0,
    D: ArrayLike = 100,
    seeds: int | Sequence[int] = 8,
    *,
    chains: int = 8,
    warmup: int = 500,
    draws: int = 1000,
    trajectory: float = 2.0,
    largest_r_hat: float = 1.01,
    least_ess: float = 400.0,
    device: str = "auto",
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    n_draws: int = 32,
    memory: int | None = None,
    threads: int = 1,
    progress: Callable[[int, int], Any] | bool = False,
) -> xr.Dataset:
    """Sample p(w) ~ exp(-beta [sum_mu l(y_mu, t_mu) + (lam / 2) |w|^2]) and measure its draws.

    The square loss is drawn exactly. Other smooth convex losses are sampled by Hamiltonian Monte Carlo
    in the space that the patterns see, and exactly in its complement.

    Parameters
    ----------
    problem : Problem
        What to learn, and with what.
    overparam, alpha_T, lam, beta, D : number or 1-d sequence
        N/P, P/D, the ridge penalty, the inverse temperature and the input size. Sequences become
        dimensions (outer product), numbers become scalar coordinates; sizes as in ``simulate.run``.
    seeds : int or sequence of int
        A count n stands for seeds 0 .. n-1. Each is one draw of features, teacher and training set,
        the same that ``simulate.run`` trains, shared by all lam and beta.
    chains : int
        Markov chains of every point, at least 4, started from twice the width of the Laplace
        approximation. Exact draws are arranged in as many groups.
    warmup, draws : int
        Transitions of every chain that adapt step size and curvature, and that are kept.
    trajectory : float
        Mean length of a trajectory in quarter periods of the whitened measure. 1 is the most
        efficient where the measure is close to Gaussian; small lam wants 2 or more.
    largest_r_hat, least_ess : float
        Chains beyond these limits, for any function that ``r_hat`` names, are not reported.
    device : str
        "auto", "cpu", "cuda" or "cuda:<index>". Draws of a CPU and of a GPU differ.
    n_test, n_flip, n_variance : int
        Inputs of test error and mean dimension, as in ``simulate.run``.
    n_draws : int
        Draws, spread evenly over all chains, of which these two are averaged.
    memory : int, optional
        Bytes to use; by default half of physical memory on a CPU, 0.8 of free memory on a GPU.
    threads : int
        CPU threads, part of the result to the last bit.
    progress : bool or callable
        True draws a bar on stderr; a callable receives (done, total) after each instance.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, lam, beta, D, seed), less those given as numbers. Variables are
        those of ``theory.solve`` that a sample has, each with its Monte Carlo standard error
        ``name_se`` within the instance; ``acceptance``, ``r_hat``, ``ess_bulk``, ``ess_tail``; and
        ``status``: where it is not 0 the chains have not mixed and every average is NaN.

    Raises
    ------
    ValueError
        For any argument out of range, an absent device or ``arviz-stats``, sizes that do not fit, or
        a loss that is not smooth and convex; it names the argument, its value and the remedy.

    Examples
    --------
    >>> import simulate, theory
    >>> data = simulate.sample(theory.Problem(), overparam=0.5, beta=[1.0, 10.0], D=50, seeds=2)
    >>> dict(data.q_0.sizes)
    {'beta': 2, 'seed': 2}
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"problem = {problem!r}: give an instance of theory.Problem")
    check_smooth(problem.loss)
    if problem.loss.quadratic is None:
        check_diagnostics()
    grid, inverse = make_grid(overparam, alpha_T, lam, D, seeds), _axis("beta", beta)
    counts = Counts(
        n_test=check_count("n_test", n_test, 1),
        n_flip=check_count("n_flip", n_flip, 2),
        n_variance=check_count("n_variance", n_variance, 2),
        n_draws=check_count("n_draws", n_draws, 1),
    )
    chains, draws = check_count("chains", chains, _FEWEST_CHAINS), check_count("draws", draws, 4)
    _check_number("trajectory", trajectory, 0.0)
    _check_number("largest_r_hat", largest_r_hat, 1.0)
    _check_number("least_ess", least_ess, 0.0)
    if not (isinstance(progress, bool) or callable(progress)):
        raise ValueError(
            f"progress = {progress!r}: give True, False or a callable of (done, total)"
        )
    check_sizes(problem, grid.sizes)
    work = plan_memory(
        grid.sizes,
        problem.features.hidden,
        chains * draws,  # draws take the place of the weights of a training
        False,
        choose_device(device),
        None if memory is None else check_count("memory", memory, 1),
    )
    protocol = Protocol(
        problem,
        tuple(map(float, inverse.values)),
        chains,
        check_count("warmup", warmup, 0),
        draws,
        float(trajectory),
        Limits(float(largest_r_hat), float(least_ess)),
        counts,
        work,
        check_count("threads", threads, 1),
    )
    return _dataset(grid, inverse, protocol, _sweep(grid, protocol, progress))


def _check_number(name: str, given: Any, least: float) -> None:
    number = np.asarray(given)
    if number.ndim or number.dtype.kind not in "iuf" or not least < number < np.inf:
        raise ValueError(f"{name} = {given!r}: give a finite number > {least:g}")


def _sweep(
    grid: Grid, protocol: Protocol, progress: Callable[[int, int], Any] | bool
) -> dict[str, Values]:
    """Arrays of (overparam, alpha_T, lam, beta, D, seed), by variable."""
    n = [len(axis.values) for axis in grid.axes]
    out = np.full((len(VARIABLES), *n[:3], len(protocol.beta), *n[3:]), np.nan)
    tasks = list(places(grid))
    with tqdm(total=len(tasks), unit="instance") if progress is True else nullcontext() as bar:
        for done, ((i, j, d, s), task) in enumerate(tasks, start=1):
            out[:, i, j, :, :, d, s] = perform(protocol, task)
            if bar is not None:
                bar.update()
            if callable(progress):
                progress(done, len(tasks))
    return dict(zip(VARIABLES, out, strict=True))


def _dataset(grid: Grid, inverse: Axis, protocol: Protocol, data: dict[str, Values]) -> xr.Dataset:
    """Label the arrays and drop the dimensions given as numbers."""
    axes = [*grid.axes[:3], inverse, *grid.axes[3:]]
    dims = [axis.name for axis in axes]
    variables: dict[str, Any] = {}
    for name, values in data.items():
        typed = values.astype(np.int8) if name == "status" else values
        variables[name] = (dims, typed, _attributes(name))
    shape = (len(grid.overparam.values), len(grid.alpha_T.values), len(grid.D.values))
    D, N, P = np.moveaxis(np.array(grid.sizes).reshape(*shape, 3), -1, 0)
    for name, values in zip(SIZES, (N, P, N / P, P / D), strict=True):
        variables[name] = (["overparam", "alpha_T", "D"], values, attributes(name))
    out = xr.Dataset(
        variables,
        {axis.name: (axis.name, axis.values, _attributes(axis.name)) for axis in axes},
        attrs={"kind": "simulation", "version": version("twinpeaks"), **protocol.describe()},
    )
    return out.isel({axis.name: 0 for axis in axes if axis.scalar})


def _attributes(name: str) -> dict[str, Any]:
    if name == "status":
        return {
            "long_name": "outcome of sampling",
            "units": "1",
            "definition": "averages are NaN where status is not 0",
            "flag_values": np.array(list(Status), dtype=np.int8),
            "flag_meanings": " ".join(member.name.lower() for member in Status),
        }
    if name == "beta":
        described = ("inverse temperature", "1", "of the Boltzmann measure over weights")
    elif name.endswith("_se"):
        of = name.removesuffix("_se")
        described = (f"standard error of {of}", "1", "Monte Carlo error within the instance")
    elif name in OBSERVED or name in DIAGNOSTICS:
        described = (OBSERVED | DIAGNOSTICS)[name]
    else:
        return attributes(name)
    return dict(zip(("long_name", "units", "definition"), described, strict=True))
