"""Errors and mean dimension of two-layer networks against their width, loss by loss."""

from __future__ import annotations

from typing import Unpack

import xarray as xr

from twinpeaks.networks.data import Data
from twinpeaks.networks.losses.cross_entropy import CrossEntropy
from twinpeaks.networks.losses.hinge import ClassHinge
from twinpeaks.networks.losses.square import SquareOneHot
from twinpeaks.networks.run import run_networks
from twinpeaks.networks.training import Training
from twinpeaks.sweeps import Options

__all__ = ["network_peaks"]

_WIDTHS = (4, 8, 12, 16, 24, 32, 48, 64, 128, 256)
_LOSSES = {"square": SquareOneHot(), "cross-entropy": CrossEntropy(), "hinge": ClassHinge()}


def network_peaks(
    data: Data | None = None, *, full: bool = False, **resources: Unpack[Options]
) -> xr.Dataset:
    """Train on n = 300 patterns of which a fifth has a wrong label, for three losses.

    Parameters
    ----------
    data : Data
        ``Digits()`` by default.
    full : bool
        20 seeds instead of 5.
    **resources
        As for ``run_networks``; every loss needs a ``store`` of its own name and gets a suffix.

    Returns
    -------
    xarray.Dataset
        What ``run_networks`` returns, with one more dimension ``loss``.
    """
    parts = []
    for name, loss in _LOSSES.items():
        training = Training(loss=loss, epochs=2000)
        found = run_networks(
            data,
            training=training,
            n=300,
            noise=0.2,
            width=_WIDTHS,
            seeds=20 if full else 5,
            **named(resources, name),
        )
        parts.append(found.expand_dims(loss=[name]))
    return xr.concat(parts, "loss", combine_attrs="drop_conflicts")


def named(resources: Options, name: str) -> Options:
    """The same resources, with a store of this part of an experiment."""
    store = resources.get("store")
    if store is None:
        return resources
    return {**resources, "store": f"{store}-{name}.db"}
