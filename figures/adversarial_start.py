"""Networks that have learned random labels first: errors and mean dimension."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from twinpeaks.figures.lines import over_networks, require_dims, trained
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import label

__all__ = ["adversarial_start"]


def adversarial_start(runs: xr.Dataset) -> Figure:
    """Test error and mean dimension against the width, one colour for each number of copies.

    Parameters
    ----------
    runs : xarray.Dataset
        What ``networks.experiments.adversarial_start.adversarial_start`` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Means over seeds with standard errors.

    Raises
    ------
    ValueError
        If a dimension is missing.
    """
    require_dims(runs, "runs", "weight_decay", "copies", "seed", "width", "law", "output")
    decays = [float(v) for v in runs["weight_decay"]]
    hues = colours(runs.sizes["copies"])
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 0.5 + 1.8 * len(decays)), layout="constrained")
        axes = fig.subplots(len(decays), 3, sharex=True, sharey="col", squeeze=False)
        for row, decay in zip(axes, decays, strict=True):
            part = runs.sel(weight_decay=decay, output="logits")
            row[0].set_title(f"weight decay {decay:g}", loc="left")
            for copies, colour in zip(part["copies"].values, hues, strict=True):
                one = part.sel(copies=copies)
                named = f"random labels first, copies: {copies}" if copies else "fresh"
                over_networks(row[0], one["test_error"], "width", colour, named)
                for ax, law in zip(row[1:], ("binary", "marginals"), strict=True):
                    over_networks(ax, one["bmd"].sel(law=law), "width", colour)
            row[0].set_ylabel(label("test_error"))
            row[1].set_ylabel("mean dimension, binary law")
            row[2].set_ylabel("mean dimension, marginals")
        for ax in axes[-1]:
            ax.set_xscale("log", base=2)
            ax.set_xlabel(label("width"))
        handles, texts = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, texts, loc="outside lower center", ncols=3)
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
    images: Path | None = None,
    full: bool = False,
    store: Path | None = None,
    scheduler: str | None = None,
) -> tuple[xr.Dataset]:
    """Two-layer networks on digits, from 0, 1 and 3 copies of random labels; two weight decays."""
    from twinpeaks.networks.experiments import adversarial_start as experiments  # torch

    return trained(experiments.adversarial_start, progress, images, full, store, scheduler)
