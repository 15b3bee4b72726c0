"""The mean dimension of trained networks under several laws of their inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from twinpeaks.figures.lines import over_networks, require_dims, trained
from twinpeaks.figures.style import ONE_COLUMN, article, colours
from twinpeaks.theory.names import label

__all__ = ["input_laws"]


def input_laws(runs: xr.Dataset) -> Figure:
    """Against the width, one colour for each law.

    Parameters
    ----------
    runs : xarray.Dataset
        What ``networks.experiments.input_laws.input_laws`` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Means over seeds with standard errors.

    Raises
    ------
    ValueError
        If a dimension is missing.
    """
    require_dims(runs, "runs", "seed", "width", "law")
    laws = [str(v) for v in runs["law"].values]
    with article():
        fig = Figure(figsize=(ONE_COLUMN, 2.9), layout="constrained")
        ax = fig.subplots()
        for law, colour in zip(laws, colours(len(laws)), strict=True):
            over_networks(ax, runs["bmd"].sel(law=law).squeeze(), "width", colour, law)
        ax.set_xscale("log", base=2)
        ax.set_xlabel(label("width"))
        ax.set_ylabel("mean dimension of the logits")
        ax.legend()
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
    images: Path | None = None,
    full: bool = False,
    store: Path | None = None,
    scheduler: str | None = None,
) -> tuple[xr.Dataset]:
    """Two-layer networks on digits, n = 300, label noise 0.2, under five laws."""
    from twinpeaks.networks.experiments.input_laws import input_laws as experiment  # torch

    return trained(experiment, progress, images, full, store, scheduler)
