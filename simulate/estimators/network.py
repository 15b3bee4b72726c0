"""Mean dimension of a random-feature network, from rank-one updates of its first layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from twinpeaks.measure.linear_part import parts, ratio_estimate
from twinpeaks.measure.moments import Estimate, Moments, host
from twinpeaks.simulate.layers import Layers
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom, hypercube
from twinpeaks.theory.random import input_blocks

__all__ = ["feature_influence", "feature_mean_dimension"]


def feature_influence(
    layers: Layers, W: Tensor, x: Tensor, work: Workspace, slopes: Tensor | None = None
) -> Tensor:
    """sum_k (D_k h)^2 for h(x) = w.z(x) / sqrt(N) - b.x and every column w of W.

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
    slopes : Tensor of shape (D, n_columns), optional
        b; 0 by default.

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
            change = flipped.view(*delta.shape, -1).sub_(base[:, None, :])  # - x_k D_k f
            if slopes is not None:
                signs = x[i : i + n_inputs, k : k + n_flips, None]
                change.addcmul_(signs, slopes[k : k + n_flips])
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

    The linear part taken out is that of Gaussian equivalence, kappa_1 s.x / sqrt(D) with s = F w / sqrt(N).
    NaN where a column is 0, as of a training that failed, or not finite. Estimates of large error are kept,
    unlike those of ``mean_dimension``: means over seeds lessen the errors of the flips, which have no bias,
    and to leave out the networks of large error would give these means one.

    Do not trust an error above a quarter of its value: few inputs may hold most of the influence, as for
    polynomials composed in depth. In five trained networks of x^3 - 2x and ``Deep((1, 2))``, D = 9, 5 of the
    512 inputs hold half of it. At n_variance = 8192, n_flip = 64, 1.96 errors covered 65 to 72 % of 200
    estimates each, and every error was above a quarter of its value; at n_flip = 1024, 92 to 98 % of 40.
    """
    slopes = layers.activation.moments.kappa_1 * layers.project(W) / layers.D**0.5
    with np.errstate(invalid="ignore", over="ignore"):  # columns that did not converge
        flipped = Moments.of_blocks(
            feature_influence(layers, W, x, work, slopes)[:, :, None]
            for x in (hypercube(random_flips, rows, layers.D) for rows in input_blocks(n_flip))
        ).average()
        residual = Estimate(flipped.value[:, 0], flipped.standard_error[:, 0])
        outputs = Moments.of_blocks(
            _split_features(layers, W, slopes, random_variance, n_variance, work)
        )
        return ratio_estimate(residual, host((slopes**2).sum(0)), outputs)


def _split_features(
    layers: Layers, W: Tensor, slopes: Tensor, random: TorchRandom, samples: int, work: Workspace
) -> Iterator[Tensor]:
    """Blocks of samples (h, g, h^2, h g), shape (rows, n_columns, 4)."""
    shift = None
    for rows in input_blocks(samples):
        x = hypercube(random, rows, layers.D)
        chunks = torch.split(x, work.rows(layers.widest))
        y = torch.cat([layers(chunk) @ W for chunk in chunks]) / layers.N**0.5
        shift = y[0] if shift is None else shift
        g = x @ slopes
        yield parts((y - shift - g)[:, :, None], g[:, :, None])
