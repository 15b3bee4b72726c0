"""Networks that have learned random labels first."""

from __future__ import annotations

from typing import Unpack

import xarray as xr

from twinpeaks.networks.data import Data
from twinpeaks.networks.run import run_networks
from twinpeaks.networks.starts.base import InitialState
from twinpeaks.networks.starts.fresh import Fresh
from twinpeaks.networks.starts.random_labels import RandomLabels
from twinpeaks.networks.training import Training
from twinpeaks.sweeps import Options

__all__ = ["adversarial_start"]


def adversarial_start(
    data: Data | None = None, *, full: bool = False, **resources: Unpack[Options]
) -> xr.Dataset:
    """Two-layer networks trained on n = 300 true labels, from 0, 1 and 3 copies of random labels.

    Parameters
    ----------
    data : Data
        ``Digits()`` by default.
    full : bool
        20 seeds and 2000 epochs instead of 5 and 600.
    **resources
        As for ``run_networks``.

    Returns
    -------
    xarray.Dataset
        Over (weight_decay, copies, seed, width, law, output).
    """
    epochs = 2000 if full else 600
    starts: dict[str, InitialState] = {"0": Fresh()}
    starts |= {str(copies): RandomLabels(copies=copies, epochs=epochs) for copies in (1, 3)}
    found = run_networks(
        data,
        training=Training(epochs=epochs),
        n=300,
        width=[16, 32, 64, 128],
        weight_decay=[0.0, 0.002],
        start=starts,
        seeds=20 if full else 5,
        **resources,
    )
    copies = [int(name) for name in found["start"].values]
    return found.rename(start="copies").assign_coords(copies=copies)
