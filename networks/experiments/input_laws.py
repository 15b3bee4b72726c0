"""The mean dimension of the same networks under several laws of their inputs."""

from __future__ import annotations

from math import sqrt
from typing import Unpack

import xarray as xr

from twinpeaks.measure import Binary, Marginals, Normal, Uniform
from twinpeaks.networks.data import Data, Digits
from twinpeaks.networks.run import run_networks
from twinpeaks.networks.training import Training
from twinpeaks.sweeps import Options

__all__ = ["input_laws"]


def input_laws(
    data: Data | None = None, *, full: bool = False, **resources: Unpack[Options]
) -> xr.Dataset:
    """Two-layer networks against their width, under five laws.

    The uniform law on [-1, 1] has variance 1/3, which makes a network of tanh nearly linear; on
    [-sqrt 3, sqrt 3] it has that of the binary and the normal law.

    Parameters
    ----------
    data : Data
        ``Digits()`` by default.
    full : bool
        20 seeds and 2000 epochs instead of 5 and 800.
    **resources
        As for ``run_networks``.

    Returns
    -------
    xarray.Dataset
        Over (seed, width, law, output).
    """
    data = Digits() if data is None else data
    patterns = data.load()
    shape, edge = patterns.shape, sqrt(3.0)
    laws = {
        "binary": Binary(shape),
        "normal": Normal(0.0, 1.0, shape),
        "uniform, variance 1": Uniform(-edge, edge, shape),
        "uniform, variance 1/3": Uniform(-1.0, 1.0, shape),
        "marginals": Marginals(patterns.inputs),
    }
    return run_networks(
        data,
        training=Training(epochs=2000 if full else 800),
        n=300,
        noise=0.2,
        width=[4, 8, 16, 24, 32, 48, 64, 128, 256],
        seeds=20 if full else 5,
        laws=laws,
        outputs=["logits"],
        samples=48,
        **resources,
    )
