"""CPU time to a given error of the mean dimension of a network, beside other ways to get it.

python -m benchmarks.mean_dimension            # table, and benchmarks/mean-dimension.csv

The network has 784 inputs, 128 ReLU units and 10 or 1 outputs, weights drawn from one seed; inputs are
uniform signs. Every way runs several times with different seeds. Its error is the root mean square distance
from a long run of ``mean_dimension``, whose own error stands in the first row, and the last column is what
an error of 0.005 would cost: time falls as the square of the error. captum and SALib take part where
installed (``pip install captum SALib``); they treat one output.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import twinpeaks as tp
from twinpeaks.measure.linear_part import parts, ratio_estimate
from twinpeaks.measure.moments import Estimate, Moments

N, UNITS, TARGET = 784, 128, 0.005
COLUMNS = ("way", "outputs", "mean", "error", "stated error", "CPU s", "CPU s at error 0.005")


def network(outputs: int) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(N, UNITS), nn.ReLU(), nn.Linear(UNITS, outputs))
    with torch.no_grad():
        net[0].weight.mul_(3.0)
    return net


def as_function(net: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    def f(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(torch.from_numpy(np.asarray(x, dtype=np.float32))).double().numpy()

    return f


def signs(rng: np.random.Generator, rows: int) -> np.ndarray:
    return np.where(rng.random((rows, N)) < 0.5, -1.0, 1.0)


def by_loop(net: nn.Module, seed: int, inputs: int = 32, variance_inputs: int = 4096) -> Estimate:
    """What one writes in a notebook: flip every pixel of some inputs."""
    f, rng = as_function(net), np.random.default_rng(seed)
    x = signs(rng, inputs)
    base, squares = f(x), np.zeros(inputs)
    for k in range(N):
        flipped = x.copy()
        flipped[:, k] *= -1
        squares += np.sum((base - f(flipped)) ** 2, axis=1) / 4
    variance = f(signs(rng, variance_inputs)).var(0, ddof=1).sum()
    return Estimate(squares.mean() / variance, squares.std(ddof=1) / inputs**0.5 / variance)


def formerly(net: nn.Module, seed: int, inputs: int = 32, variance_inputs: int = 4096) -> Estimate:
    """Version 0.1 of this package: the loop, and beside it the loop less the linear part that it shows.

    The better of both by its error, of which that of the second was bounded rather than estimated.
    """
    rng = np.random.default_rng(seed)

    def f(x: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            return net(x.clone().float()).double().numpy()

    x = torch.from_numpy(signs(rng, inputs))
    base, slopes, squares = f(x), [], np.zeros((inputs, 2))
    for k in range(N):
        flipped = x.clone()
        flipped[:, k] *= -1
        change = 0.5 * x[:, k : k + 1].numpy() * (base - f(flipped))
        slopes.append(change.mean(0))
        squares[:, 0] += np.sum(change**2, axis=1)
        squares[:, 1] += np.sum((change - slopes[-1]) ** 2, axis=1)
    b = np.array(slopes)
    value, error = squares.mean(0), squares.std(0, ddof=1) / inputs**0.5
    spread = value[1] * inputs / (inputs - 1)
    second = np.hypot(error[1], spread * (2 / (inputs * (inputs - 1))) ** 0.5)
    inflation = 1 + 1 / inputs
    influence = Estimate(
        np.array([value[0], spread * inflation]), np.array([error[0], second * inflation])
    )
    x = torch.from_numpy(signs(rng, variance_inputs))
    y, linear = f(x), x.numpy() @ b
    g = np.stack([np.zeros_like(linear), linear], axis=1)
    outputs = Moments.of(parts((y - y[0])[:, None] - g, g))
    found = ratio_estimate(influence, np.array([0.0, np.sum(b**2)]), outputs)
    best = int(np.argmin(found.standard_error))
    return Estimate(found.value[best], found.standard_error[best])


def by_captum(net: nn.Module, seed: int, inputs: int = 8, variance_inputs: int = 4096) -> Estimate:
    from captum.attr import FeatureAblation

    rng = np.random.default_rng(seed)
    x = torch.from_numpy(signs(rng, inputs)).float()
    with torch.no_grad():
        ablation = FeatureAblation(lambda z: net(z)[:, 0])
        change = ablation.attribute(x, baselines=-x, perturbations_per_eval=64).double().numpy()
    squares = np.sum(change**2, axis=1) / 4
    variance = as_function(net)(signs(rng, variance_inputs)).var(ddof=1)
    return Estimate(squares.mean() / variance, squares.std(ddof=1) / inputs**0.5 / variance)


def by_salib(net: nn.Module, seed: int, base: int = 16) -> Estimate:
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    problem = {"num_vars": N, "names": [str(k) for k in range(N)], "bounds": [[0.0, 1.0]] * N}
    x = sample.sample(problem, base, calc_second_order=False, seed=seed)
    y = as_function(net)(np.where(x < 0.5, -1.0, 1.0))[:, 0]
    found = analyze.analyze(problem, y, calc_second_order=False, num_resamples=2, seed=seed)
    return Estimate(np.sum(found["ST"]), np.nan)


def ours(net: nn.Module, seed: int, **how: Any) -> Estimate:
    found: Estimate = tp.mean_dimension(net, N, random=seed, **how)
    return found


WAYS: dict[str, tuple[Callable[[nn.Module, int], Estimate], int, tuple[int, ...]]] = {
    "every pixel of 32 inputs, by loop": (by_loop, 12, (10, 1)),
    "the same less the linear part (0.1)": (formerly, 24, (10, 1)),
    "captum FeatureAblation, 8 inputs": (by_captum, 12, (1,)),
    "SALib, 16 base points": (by_salib, 3, (1,)),
    "every pixel of 32 inputs": (partial(ours, samples=32, variance_samples=4096), 20, (10, 1)),
    "16 pixels of 784 inputs": (
        partial(ours, samples=784, flips=16, variance_samples=4096),
        40,
        (10, 1),
    ),
    "32 pixels of 784 inputs": (
        partial(ours, samples=784, flips=32, variance_samples=4096),
        40,
        (10, 1),
    ),
    "32 pixels of 3136 inputs": (
        partial(ours, samples=3136, flips=32, variance_samples=16384),
        40,
        (10, 1),
    ),
    "samples='auto', rtol=0.003": (partial(ours, rtol=0.003), 20, (10, 1)),
}


def missing(way: Callable[..., Any]) -> bool:
    needed = {by_captum: "captum", by_salib: "SALib"}.get(way)
    return needed is not None and find_spec(needed) is None


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for outputs in (10, 1):
        net = network(outputs)
        reference = ours(net, 10**6, rtol=0.0003, limit=10**8)
        rows.append(("reference", outputs, reference.value, reference.standard_error, "", "", ""))
        print(*rows[-1][:4])
        for name, (way, repetitions, sizes) in WAYS.items():
            if outputs not in sizes or missing(way):
                continue
            way(net, 0)  # whatever is loaded or cached once
            start = time.process_time()
            found = [way(net, 1 + seed) for seed in range(repetitions)]
            seconds = (time.process_time() - start) / repetitions
            values = np.array([e.value for e in found])
            error = float(np.sqrt(np.mean((values - reference.value) ** 2)))
            stated = float(np.sqrt(np.mean([e.standard_error**2 for e in found])))
            cost = seconds * (error / TARGET) ** 2
            rows.append((name, outputs, values.mean(), error, stated, seconds, cost))
            shown = f"{values.mean():8.4f} {error:8.4f} {stated:8.4f} {seconds:8.3f} {cost:9.4f}"
            print(f"{name:38} {outputs:3} {shown}", flush=True)
    with (Path(__file__).parent / "mean-dimension.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([f"{x:.4g}" if isinstance(x, float) else x for x in row])


if __name__ == "__main__":
    main()
