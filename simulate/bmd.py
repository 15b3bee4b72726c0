"""Boolean mean dimension by Monte Carlo on the uniform hypercube.

BMD = sum_k E[(D_k f)^2] / Var f with D_k f(x) = (f(x^{k->1}) - f(x^{k->-1})) / 2; it equals
sum_u |u| fhat_u^2 / sum_{u != 0} fhat_u^2 (O'Donnell, Analysis of Boolean Functions).

Numerator and denominator come from separate inputs. One input costs n + 1 evaluations in the
numerator and one in the denominator, and the variance is the noisier of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from array_api_compat import array_namespace
from numpy.typing import NDArray
from torch import Tensor

from simulate.device import Workspace
from simulate.draw import TorchRandom, input_blocks
from simulate.layers import Layers
from theory.teachers.base import Random

__all__ = [
    "Estimate",
    "feature_influence",
    "feature_mean_dimension",
    "influence",
    "mean_dimension",
    "ratio_estimate",
]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A Monte Carlo estimate.

    Attributes
    ----------
    value, standard_error : float or ndarray
        The estimate and the standard deviation of its sampling error.
    """

    value: Any
    standard_error: Any


def ratio_estimate(influences: Any, outputs: Any) -> Estimate:
    """Mean of the influences over the variance of the outputs, with the delta-method error.

    Parameters
    ----------
    influences : array of shape (n_flip, ...)
        sum_k (D_k f)^2 at independent inputs.
    outputs : array of shape (n_variance, ..., n_outputs)
        f at other independent inputs; variances are summed over the last axis.

    Returns
    -------
    Estimate
        Shape (...), arrays of the library and the device of the arguments; NaN where the outputs are
        constant.
    """
    xp = array_namespace(influences, outputs)
    n_flip, n = len(influences), len(outputs)
    total = xp.mean(influences, axis=0)
    total_error2 = xp.var(influences, axis=0, correction=1) / n_flip
    square = xp.sum((outputs - xp.mean(outputs, axis=0)) ** 2, axis=-1)
    variance = xp.sum(square, axis=0) / (n - 1)
    variance = xp.where(variance > 0, variance, xp.full_like(variance, np.nan))
    variance_error2 = xp.var(square, axis=0, correction=1) / n
    value = total / variance
    error = xp.sqrt(total_error2 + value**2 * variance_error2) / variance
    return Estimate(value, error)


def influence(f: Callable[[Any], Any], x: Any) -> Values:
    """sum_k (D_k f(x))^2 for any f, by evaluating it on every flipped input.

    Parameters
    ----------
    f : callable
        Maps (batch, n) to (batch,) or (batch, outputs).
    x : array of shape (batch, n)
        Points of {-1, 1}^n.

    Returns
    -------
    ndarray of shape (batch,)
        Summed over outputs.
    """
    xp = array_namespace(x)
    base = _evaluate(f, x)
    total = np.zeros(len(base))
    for k in range(x.shape[1]):
        flipped = xp.asarray(x, copy=True)
        flipped[:, k] = -flipped[:, k]
        total += ((0.5 * (base - _evaluate(f, flipped))) ** 2).sum(axis=1)
    return total


def _evaluate(f: Callable[[Any], Any], x: Any) -> Values:
    """F(x) as a host array of shape (batch, outputs)."""
    value = f(x)
    host = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value, dtype=float)
    if host.ndim not in (1, 2) or len(host) != len(x):
        raise ValueError(
            f"f returned shape {host.shape} for {len(x)} inputs: return one number, or one row of "
            "outputs, per input"
        )
    return host.reshape(len(x), -1)


def _hypercube(random: Random, rows: int, n: int) -> Any:
    u = random.uniform(rows, n)
    xp = array_namespace(u)
    return xp.where(u < 0.5, -xp.ones_like(u), xp.ones_like(u))


def mean_dimension(
    f: Callable[[Any], Any],
    n: int,
    samples: int,
    random: Random | int,
    *,
    variance_samples: int | None = None,
) -> Estimate:
    """Boolean mean dimension of any function on {-1, 1}^n with uniform inputs.

    Parameters
    ----------
    f : callable
        Maps an array of shape (batch, n) to (batch,) or to (batch, outputs). With several outputs
        influences and variances are summed over them before the ratio.
    n : int
        Number of inputs, >= 1.
    samples : int
        Inputs at which all n coordinates are flipped, >= 2; each costs n + 1 evaluations.
    random : Random or int
        Source of uniforms, such as ``TorchRandom``, which also decides the kind of array f
        receives; an int seeds a fresh ``TorchRandom``.
    variance_samples : int, optional
        Inputs for Var f, >= 2; ``samples * (n + 1)`` by default, so that both halves cost the same.

    Returns
    -------
    Estimate
        value and standard_error, floats.

    Raises
    ------
    ValueError
        If an argument is out of range, if f returns the wrong shape, or if f takes one value on all
        the inputs drawn: the mean dimension of a constant is not defined.

    Examples
    --------
    >>> mean_dimension(lambda x: x[:, 0] * x[:, 1], n=5, samples=100, random=0).value > 1.9
    True
    """
    variance_samples = samples * (n + 1) if variance_samples is None else variance_samples
    for name, number, least in (
        ("n", n, 1),
        ("samples", samples, 2),
        ("variance_samples", variance_samples, 2),
    ):
        if isinstance(number, bool) or int(number) != number or number < least:
            raise ValueError(f"{name} = {number!r}: give an integer >= {least}")
    kind: type = type(random)
    if issubclass(kind, (np.random.Generator, np.random.RandomState)):
        # Its uniform(a, b) takes bounds, not a shape, and would be wrong in silence.
        raise ValueError(f"random = {random!r}: give an int seed or a simulate.TorchRandom")
    if isinstance(random, (int, np.integer)):
        random = TorchRandom.from_seed(int(random))
    influences = np.concatenate(
        [influence(f, _hypercube(random, rows, n)) for rows in input_blocks(samples)]
    )
    outputs = np.concatenate(
        [_evaluate(f, _hypercube(random, rows, n)) for rows in input_blocks(variance_samples)]
    )
    estimate = ratio_estimate(influences, outputs)
    if np.isnan(estimate.value) and np.all(np.isfinite(outputs)):
        raise ValueError(
            f"f takes one value on variance_samples = {variance_samples} inputs: the mean "
            "dimension of a constant is not defined; give more samples if f is not constant"
        )
    return Estimate(float(estimate.value), float(estimate.standard_error))


def feature_influence(layers: Layers, W: Tensor, x: Tensor, work: Workspace) -> Tensor:
    """sum_k (D_k f)^2 for f(x) = w.z(x) / sqrt(N) and every column w of W.

    A flip of x_k adds the rank-one term -2 x_k F_k / sqrt(D) to the first pre-activations, so one
    flipped input costs N activations and no product with the first layer; all columns share them.

    Parameters
    ----------
    layers : Layers
        Features.
    W : Tensor of shape (N, n_columns)
        Weights.
    x : Tensor of shape (n, D)
        Points of {-1, 1}^D.
    work : Workspace
        Bounds the chunk of (inputs, flips, widest layer) alive at one time.

    Returns
    -------
    Tensor of shape (n, n_columns)
    """
    F = layers.matrices[0]
    D, N = F.shape
    scaled = W / (2.0 * layers.N**0.5)
    shift = x * (-2.0 / D**0.5)
    rows = work.rows(layers.widest)
    n_flips, n_inputs = min(rows, D), max(1, rows // D)
    buffer = torch.empty(n_inputs * n_flips * N, dtype=F.dtype, device=F.device)
    total = W.new_zeros(len(x), W.shape[1])
    for i in range(0, len(x), n_inputs):
        u = (x[i : i + n_inputs] @ F).div_(D**0.5)
        base = layers.above(u) @ scaled
        for k in range(0, D, n_flips):
            flips, delta = F[k : k + n_flips], shift[i : i + n_inputs, k : k + n_flips]
            out = buffer[: delta.numel() * N].view(*delta.shape, N)
            torch.mul(delta[:, :, None], flips, out=out)
            out += u[:, None, :]
            flipped = layers.above(out.view(-1, N)) @ scaled
            change = flipped.view(*delta.shape, -1).sub_(base[:, None, :])
            total[i : i + n_inputs] += change.square_().sum(1)
    return total


def feature_mean_dimension(
    layers: Layers,
    W: Tensor,
    random_flips: TorchRandom,
    random_variance: TorchRandom,
    n_flip: int,
    n_variance: int,
    work: Workspace,
) -> Estimate:
    """Mean dimension of a random-feature model for every column of W; values of shape (n_columns,).

    NaN where a column is 0.
    """
    D, N = layers.D, layers.N
    influences, outputs = [], []
    for rows in input_blocks(n_flip):
        x = _hypercube(random_flips, rows, D)
        influences.append(feature_influence(layers, W, x, work))
    for rows in input_blocks(n_variance):
        x = _hypercube(random_variance, rows, D)
        outputs += [layers(part) @ W / N**0.5 for part in torch.split(x, work.rows(layers.widest))]
    estimate = ratio_estimate(torch.cat(influences), torch.cat(outputs)[:, :, None])
    return Estimate(estimate.value.cpu().numpy(), estimate.standard_error.cpu().numpy())
