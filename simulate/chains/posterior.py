"""What is measured on draws of the Boltzmann measure, and on their mean.

The noise of a mean w over chains biases a functional g of the posterior mean by a polynomial in
x = 1 / (number of chains in w). A quadratic form is linear in x: from the means of single chains and
that of all C, (C g(w) - mean_c g(w_c)) / (C - 1) is unbiased, the average over pairs of different
chains, q_0 = (1 / C(C-1)) sum_{a != b} w_a.w_b / N. Errors and mean dimensions have higher orders, of
which the means of two halves of the chains remove the next: at beta = 0.03 and 4 chains of 100 draws
it is 1.6 % of the test error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twinpeaks.simulate.chains.mixing import Mixing, mixing, standard_error
from twinpeaks.simulate.draw import Instance
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.estimators.trained import (
    measure_overlaps,
    measure_test_error,
    measure_training,
)
from twinpeaks.sweeps import Streams, Workspace
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.problem import Problem

__all__ = ["DIAGNOSTICS", "OBSERVED", "Counts", "Draws", "measure_draws"]

_COLUMNS = 512  # draws whose outputs on all patterns are alive at once

#: Averages over draws, each of which has a standard error; then what says whether chains have mixed.
OBSERVED = (
    *("q_d", "q_0", "p_d", "p_0", "r", "Q_d", "Q_0", "m", "V", "train_loss", "train_error"),
    *("energy", "test_error", "test_error_mean", "bmd", "bmd_mean"),
)
DIAGNOSTICS = ("acceptance", "r_hat", "ess_bulk", "ess_tail")


@dataclass(frozen=True)
class Draws:
    """Weights of shape (N, chains, draws), and whether all are independent."""

    weights: Tensor
    independent: bool
    acceptance: float = 1.0


@dataclass(frozen=True)
class Counts:
    """Fresh patterns, hypercube points, and the draws on which they are spent."""

    n_test: int
    n_flip: int
    n_variance: int
    n_draws: int


def measure_draws(
    problem: Problem,
    instance: Instance,
    draws: Draws,
    lam: float,
    beta: float,
    leading: Tensor,
    streams: Streams,
    counts: Counts,
    work: Workspace,
) -> tuple[dict[str, float], Mixing]:
    """Average over draws.

    Parameters
    ----------
    problem, instance : Problem, Instance
        The model.
    draws : Draws
        Of its measure at lam and beta.
    leading : Tensor of shape (N,)
        A direction that the diagnostics look at beside overlaps and energy.
    streams : Streams
        Fresh patterns and hypercube points; the same for every lam and beta if they are.
    counts : Counts
        How many of these.
    work : Workspace
        Device and chunk.

    Returns
    -------
    values : dict
        Every name of OBSERVED and its standard error under ``name_se``: sd / sqrt(ESS) for averages
        over all draws. For functionals of the posterior mean it is the jackknife over chains, for V
        their spread; test errors and mean dimensions add the error of their inputs.
    mixing : Mixing
    """
    W = draws.weights
    N, chains, length = W.shape
    mean = W.mean((1, 2))
    half = chains // 2
    of_each = W.mean(2)
    halves = W[:, : 2 * half].reshape(N, 2, half * length).mean(2)
    without = (chains * mean[:, None] - of_each) / (chains - 1)
    means = torch.cat([mean[:, None], of_each, without], dim=1)
    moments = problem.activation.moments
    series: dict[str, list[Array]] = {}
    for part in torch.split(W.reshape(N, -1), _COLUMNS, dim=1):
        seen = measure_overlaps(instance, part, moments)
        seen |= measure_training(problem, instance, part, np.array([lam]))
        seen["_mean"] = _host(mean @ part / N)
        seen["_leading"] = _host(leading @ part)
        for name, values in seen.items():
            series.setdefault(name, []).append(values)
    every = {name: np.concatenate(x).reshape(chains, length) for name, x in series.items()}
    if draws.independent:
        mixed = Mixing.independent(chains * length)
    else:
        functions = ("energy", "q_d", "Q_d", "m", "_mean", "_leading")
        mixed = mixing(every[name] for name in functions)
    out: dict[str, float] = {}
    for name, x in every.items():
        out[name] = float(x.mean())
        out[f"{name}_se"] = standard_error(x, independent=draws.independent)

    overlaps = measure_overlaps(instance, means, moments)
    for name in ("q", "p", "Q"):
        out |= _of_mean(f"{name}_0", overlaps[f"{name}_d"], np.array([]))
    V = beta * (every["Q_d"].mean(1) - overlaps["Q_d"][1 : 1 + chains])
    out |= {"V": beta * (out["Q_d"] - out["Q_0"]), "V_se": float(V.std(ddof=1)) / chains**0.5}

    picked = np.linspace(0, chains * length - 1, min(counts.n_draws, chains * length)).round()
    columns = W.reshape(N, -1)[:, torch.as_tensor(picked, dtype=torch.long, device=W.device)]
    split, both = columns.shape[1], torch.cat([columns, means, halves], dim=1)
    tested = measure_test_error(problem, instance, both, streams["test"], counts.n_test, work)
    error, error_se = tested["test_error"], tested["test_error_se"]
    estimate = feature_mean_dimension(
        instance.layers,
        both,
        streams["flips"],
        streams["variance"],
        counts.n_flip,
        counts.n_variance,
        work,
    )
    for name, value, se in (
        ("test_error", error, error_se),
        ("bmd", estimate.value, estimate.standard_error),
    ):
        out |= _of_draws(name, value[:split], se[:split])
        of_means, of_halves = np.split(value[split:], [1 + 2 * chains])
        out |= _of_mean(f"{name}_mean", of_means, of_halves, float(se[split]))
    return {key: out[key] for name in OBSERVED for key in (name, f"{name}_se")}, mixed


def _host(x: Tensor) -> Array:
    return np.asarray(x.cpu().numpy(), dtype=float)


def _of_draws(name: str, value: Array, input_error: Array) -> dict[str, Any]:
    """Mean over draws measured on the same inputs, whose errors are taken as one."""
    spread = value.std(ddof=1) / len(value) ** 0.5 if len(value) > 1 else 0.0
    se = float(np.hypot(input_error.mean(), spread))
    return {name: float(value.mean()), f"{name}_se": se}


def _of_mean(name: str, value: Array, at_halves: Array, input_error: float = 0.0) -> dict[str, Any]:
    """A functional at the posterior mean from its values at means over chains.

    First comes that over all C of them, then those over one each, then those over all but one, which
    give the error by the jackknife; ``at_halves`` are those over half of them, none for a quadratic form.
    """
    single, without = np.split(value[1:], 2)
    chains = len(single)
    x, y = [1.0 / chains, 1.0], [value[0], single.mean()]
    if at_halves.size:
        x, y = [*x, 1.0 / (chains // 2)], [*y, at_halves.mean()]
    # the polynomial through them, at 0
    weights = [np.prod([b / (b - a) for b in x if b != a]) for a in x]
    estimate = np.dot(weights, y)
    others = (single.sum() - single) / (chains - 1)
    left_out = ((chains - 1) * without - others) / (chains - 2)
    spread = (chains - 1) / chains**0.5 * left_out.std(ddof=1)
    return {name: float(estimate), f"{name}_se": float(np.hypot(input_error, spread))}
