"""Noise stability and Fourier weights of any function on the hypercube, by Monte Carlo.

Stab_rho = E[f(x) f(y)] - E[f]^2 for inputs of correlation rho; the weight of degree k is

    W_k = sum_{|u| = k} fhat_u^2 = E[f(x) f(y) sum_{|u| = k} chi_u(x) chi_u(y)]

for independent x and y, where the sum is the elementary symmetric polynomial of the products x_j y_j, a
Krawtchouk polynomial of x.y (O'Donnell, Analysis of Boolean Functions).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike, NDArray

from simulate.bmd import Estimate, _evaluate, _hypercube
from simulate.draw import TorchRandom, input_blocks

__all__ = ["degree_weights", "noise_stability"]

Values = NDArray[np.float64]
_ROWS = 512  # of the Gram matrix at a time


def noise_stability(
    f: Callable[[Any], Any],
    n: int,
    rho: ArrayLike,
    samples: int,
    random: TorchRandom | int,
    *,
    inputs: Literal["hypercube", "gaussian"] = "hypercube",
) -> Estimate:
    """Covariance of f on pairs of inputs of correlation rho.

    Parameters
    ----------
    f : callable
        Maps an array of shape (batch, n) to (batch,), or to (batch, outputs): summed over outputs.
    n : int
        Number of inputs, >= 1.
    rho : array_like
        Correlations in [-1, 1]; all share their inputs.
    samples : int
        Pairs, >= 2.
    random : TorchRandom or int
        Source of random numbers, or its seed.
    inputs : {"hypercube", "gaussian"}
        On the hypercube a coordinate of y is rho / |rho| times that of x with probability |rho| and
        else drawn again; Gaussian y is rho x + sqrt(1 - rho^2) x'.

    Returns
    -------
    Estimate
        Arrays of the shape of rho.

    Raises
    ------
    ValueError
        If an argument is out of range, or f returns the wrong shape.
    """
    levels = np.asarray(rho, dtype=float)
    if not np.all(np.abs(levels) <= 1):
        raise ValueError(f"rho = {rho!r}: give correlations in [-1, 1]")
    _check(n=(n, 1), samples=(samples, 2))
    if inputs not in ("hypercube", "gaussian"):
        raise ValueError(f"inputs = {inputs!r}: give 'hypercube' or 'gaussian'")
    source = random if isinstance(random, TorchRandom) else TorchRandom.from_seed(int(random))
    first, second = [], []
    for rows in input_blocks(samples):
        draw = _hypercube if inputs == "hypercube" else lambda s, *shape: s.normal(*shape)
        x, fresh = draw(source, rows, n), draw(source, rows, n)
        u = source.uniform(rows, n)
        xp = array_namespace(x)
        first.append(_evaluate(f, x))
        block = []
        for r in levels.ravel():
            if inputs == "hypercube":
                y = xp.where(u < abs(r), float(np.sign(r)) * x, fresh)
            else:
                y = float(r) * x + float(np.sqrt(1 - r * r)) * fresh
            block.append(_evaluate(f, y))
        second.append(np.stack(block))
    a, b = np.concatenate(first), np.concatenate(second, axis=1)
    mean = 0.5 * (a.mean(0) + b.mean(1, keepdims=True))
    products = ((a - mean) * (b - mean)).sum(-1)
    error = products.std(axis=1, ddof=1) / np.sqrt(samples)
    return Estimate(products.mean(1).reshape(levels.shape), error.reshape(levels.shape))


def degree_weights(
    f: Callable[[Any], Any], n: int, degrees: int, samples: int, random: TorchRandom | int
) -> Estimate:
    """Fourier weights W_1 .. W_degrees of f on the hypercube.

    Parameters
    ----------
    f : callable
        Maps an array of shape (batch, n) to (batch,).
    n : int
        Number of inputs, >= 1.
    degrees : int
        Highest degree, from 1 to n. The error grows like sqrt(binomial(n, degree)) / samples.
    samples : int
        Inputs, >= 3; every pair of them is used, at a cost of samples^2 n.
    random : TorchRandom or int
        Source of random numbers, or its seed.

    Returns
    -------
    Estimate
        Arrays of shape (degrees,). The error is that of the projections of the U-statistic, which is an
        upper estimate where pairs dominate.

    Raises
    ------
    ValueError
        If an argument is out of range, or f returns the wrong shape.
    """
    _check(n=(n, 1), samples=(samples, 3), degrees=(degrees, 1))
    if degrees > n:
        raise ValueError(f"degrees = {degrees}: a function of n = {n} inputs has none above {n}")
    source = random if isinstance(random, TorchRandom) else TorchRandom.from_seed(int(random))
    blocks = [_hypercube(source, rows, n) for rows in input_blocks(samples)]
    value = np.concatenate([_evaluate(f, x)[:, 0] for x in blocks])
    value = value - value.mean()
    x = np.concatenate([np.asarray(b.cpu() if hasattr(b, "cpu") else b) for b in blocks])
    rows = np.zeros((degrees, samples))  # f_a sum_b f_b e_k(x_a * x_b) / (samples - 1)
    for start in range(0, samples, _ROWS):
        part = slice(start, start + _ROWS)
        t = x[part] @ x.T
        one = np.arange(samples)[part]
        below, here = np.ones_like(t), t
        for k in range(degrees):
            diagonal = here[np.arange(len(one)), one] * value[part]
            rows[k, part] = value[part] * (here @ value - diagonal) / (samples - 1)
            # (k + 2) e_{k+2} = t e_{k+1} - (n - k) e_k, as every (x_j y_j)^2 is 1
            below, here = here, (t * here - (n - k) * below) / (k + 2)
    error = 2.0 * rows.std(axis=1, ddof=1) / np.sqrt(samples)
    return Estimate(rows.mean(1), error)


def _check(**values: tuple[Any, int]) -> None:
    for name, (number, least) in values.items():
        if isinstance(number, bool) or int(number) != number or number < least:
            raise ValueError(f"{name} = {number!r}: give an integer >= {least}")
