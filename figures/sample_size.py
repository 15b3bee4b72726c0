"""Trained networks against the number of patterns: errors and mean dimension."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from twinpeaks.figures.lines import over_networks, require_dims, trained
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import label

__all__ = ["sample_size"]


def sample_size(runs: xr.Dataset) -> Figure:
    """One row for each width, one colour for each label noise.

    Parameters
    ----------
    runs : xarray.Dataset
        What ``networks.experiments.sample_size.sample_size`` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Means over seeds with standard errors.

    Raises
    ------
    ValueError
        If a dimension is missing.
    """
    require_dims(runs, "runs", "n", "noise", "seed", "width", "law", "output")
    widths = [int(v) for v in runs["width"]]
    hues = colours(runs.sizes["noise"])
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 0.5 + 1.8 * len(widths)), layout="constrained")
        axes = fig.subplots(len(widths), 3, sharex=True, sharey="col", squeeze=False)
        for row, width in zip(axes, widths, strict=True):
            part = runs.sel(width=width, output="logits")
            row[0].set_title(f"{width} units", loc="left")
            for noise, colour in zip(part["noise"].values, hues, strict=True):
                one = part.sel(noise=noise)
                over_networks(row[0], one["test_error"], "n", colour, f"label noise {noise:g}")
                for ax, law in zip(row[1:], ("binary", "marginals"), strict=True):
                    over_networks(ax, one["bmd"].sel(law=law), "n", colour)
            row[0].set_ylabel(label("test_error"))
            row[1].set_ylabel("mean dimension, binary law")
            row[2].set_ylabel("mean dimension, marginals")
        for ax in axes[-1]:
            ax.set_xscale("log")
            ax.set_xlabel(label("n"))
        axes[0, 0].legend()
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
    images: Path | None = None,
    full: bool = False,
    store: Path | None = None,
    scheduler: str | None = None,
) -> tuple[xr.Dataset]:
    """Two-layer networks of 10 and 64 units on 40 to 1000 digits, with and without label noise."""
    from twinpeaks.networks.experiments.sample_size import sample_size as experiment  # torch

    return trained(experiment, progress, images, full, store, scheduler)
