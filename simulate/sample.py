"""Draws of the Boltzmann measure at finite size, as one labelled Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr
from numpy.typing import ArrayLike

from twinpeaks.simulate.chains.mixing import Limits
from twinpeaks.simulate.chains.posterior import Counts
from twinpeaks.simulate.chains.protocol import Sampling, check_smooth
from twinpeaks.sweeps.execute import Means, Progress, execute
from twinpeaks.sweeps.grid import check_count, check_number, make_grid, positive_axis
from twinpeaks.theory.problem import Problem

__all__ = ["sample"]

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
    store: str | Path | None = None,
    scheduler: str | int | None = None,
    progress: Progress | bool = False,
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
    store, scheduler, progress
        As in ``simulate.run``: what finishes is kept, who does it changes no bit. A store of draws may
        grow by seeds, ratios and sizes, and take up other lam and beta, each set for itself.

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
    sweeps.StoreError, sweeps.DeviceError
        As in ``simulate.run``.

    Examples
    --------
    >>> from twinpeaks import simulate, theory
    >>> data = simulate.sample(theory.Problem(), overparam=0.5, beta=[1.0, 10.0], D=50, seeds=2)
    >>> dict(data.q_0.sizes)
    {'beta': 2, 'seed': 2}
    """
    if not isinstance(problem, Problem):
        raise ValueError(f"problem = {problem!r}: give an instance of theory.Problem")
    check_smooth(problem.loss)
    axes = positive_axis("lam", lam), positive_axis("beta", beta)
    grid = make_grid(overparam, alpha_T, D, seeds, inner=axes)
    counts = Counts(
        n_test=check_count("n_test", n_test, 1),
        n_flip=check_count("n_flip", n_flip, 2),
        n_variance=check_count("n_variance", n_variance, 2),
        n_draws=check_count("n_draws", n_draws, 1),
    )
    limits = Limits(
        check_number("largest_r_hat", largest_r_hat, 1.0), check_number("least_ess", least_ess, 0.0)
    )
    protocol = Sampling(
        problem,
        chains=check_count("chains", chains, _FEWEST_CHAINS),
        warmup=check_count("warmup", warmup, 0),
        draws=check_count("draws", draws, 4),
        trajectory=check_number("trajectory", trajectory, 0.0),
        limits=limits,
        counts=counts,
    )
    means = Means(device, memory, threads, store, scheduler, progress)
    return execute(protocol, grid, means)
