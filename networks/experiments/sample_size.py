"""Errors and mean dimension against the number of training patterns."""

from __future__ import annotations

from typing import Unpack

import xarray as xr

from twinpeaks.networks.data import Data
from twinpeaks.networks.run import run_networks
from twinpeaks.networks.training import Training
from twinpeaks.sweeps import Options

__all__ = ["sample_size"]


def sample_size(
    data: Data | None = None, *, full: bool = False, **resources: Unpack[Options]
) -> xr.Dataset:
    """Two-layer networks of two widths, with and without label noise, against n.

    Parameters
    ----------
    data : Data
        ``Digits()`` by default.
    full : bool
        20 seeds and 2000 epochs instead of 5 and 700.
    **resources
        As for ``run_networks``.

    Returns
    -------
    xarray.Dataset
        Over (n, noise, seed, width, law, output).
    """
    return run_networks(
        data,
        training=Training(epochs=2000 if full else 700),
        n=[40, 80, 160, 240, 320, 480, 640, 1000],
        noise=[0.0, 0.2],
        width=[10, 64],
        seeds=20 if full else 5,
        **resources,
    )
