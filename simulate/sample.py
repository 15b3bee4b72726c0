"""Draws of the Boltzmann measure at finite size, as one labelled Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

import xarray as xr

from twinpeaks import sweeps
from twinpeaks.simulate.chains.mixing import Limits
from twinpeaks.simulate.chains.posterior import Counts
from twinpeaks.simulate.chains.protocol import Sampling
from twinpeaks.sweeps import Options
from twinpeaks.sweeps.resources import read_resources
from twinpeaks.theory.axes import Given
from twinpeaks.theory.family import read_family
from twinpeaks.theory.problem import Problem

__all__ = ["sample"]


def sample(
    problem: Problem,
    overparam: Given,
    alpha_T: Given = 3.0,
    lam: Given = 1e-2,
    beta: Given = 10.0,
    D: Given = 100,
    seeds: int | Sequence[int] = 8,
    *,
    vary: Mapping[str, Given] | None = None,
    chains: int = 8,
    warmup: int = 500,
    draws: int = 1000,
    trajectory: float = 2.0,
    largest_r_hat: float = 1.01,
    least_ess: float = 400.0,
    n_test: int = 10_000,
    n_flip: int = 64,
    n_variance: int = 8192,
    n_draws: int = 32,
    **resources: Unpack[Options],
) -> xr.Dataset:
    """Sample p(w) ~ exp(-beta [sum_mu l(y_mu, t_mu) + (lam / 2) |w|^2]) and measure its draws.

    The square loss is drawn exactly. Other smooth convex losses are sampled by Hamiltonian Monte Carlo
    in the space that the patterns see, and exactly in its complement.

    Parameters
    ----------
    problem : Problem
        What to learn, and with what.
    overparam, alpha_T, lam, D, vary, **resources
        As in ``tp.run``. A store of draws may grow by seeds, ratios and sizes, and take up other
        lam and beta, each set for itself.
    beta : number, 1-d sequence or DataArray
        Inverse temperature.
    seeds : int or sequence of int
        A count n stands for seeds 0 .. n-1. Each is one draw of features, teacher and training set,
        the same that ``tp.run`` trains, shared by all lam and beta.
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
    n_test, n_flip, n_variance : int
        Inputs of test error and mean dimension, as in ``tp.run``.
    n_draws : int
        Draws, spread evenly over all chains, of which these two are averaged.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, lam, beta, D, seed), less those given as numbers. Variables are
        those of ``tp.solve`` that a sample has, each with its Monte Carlo standard error
        ``name_se`` within the instance; ``acceptance``, ``r_hat``, ``ess_bulk``, ``ess_tail``; and
        ``status``: where it is not 0 the chains have not mixed and every average is NaN.

    Raises
    ------
    ValueError
        For any argument out of range, an absent device or ``arviz-stats``, sizes that do not fit, or
        a loss that is not smooth and convex; it names the argument, its value and the remedy.
    sweeps.StoreError, sweeps.ClusterError, sweeps.DeviceError
        As in ``sweeps.run``.

    Examples
    --------
    >>> from twinpeaks import simulate, theory
    >>> data = simulate.sample(theory.Problem(), overparam=0.5, beta=[1.0, 10.0], D=50, seeds=2)
    >>> dict(data.q_0.sizes)
    {'beta': 2, 'seed': 2}
    """
    family = read_family(problem, vary)
    protocol = Sampling(
        problem,
        chains,
        warmup,
        draws,
        trajectory,
        Limits(largest_r_hat, least_ess),
        Counts(n_test, n_flip, n_variance, n_draws),
        vary=family.axes,
    )
    axes = {"overparam": overparam, "alpha_T": alpha_T, "lam": lam, "beta": beta}
    return sweeps.run(protocol, {**axes, "D": D, "seed": seeds}, read_resources(resources))
