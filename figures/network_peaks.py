"""Twin peaks of trained two-layer networks: errors and mean dimension against the width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from twinpeaks.figures.lines import over_networks, require_dims, trained
from twinpeaks.figures.style import PALETTE, TWO_COLUMNS, article
from twinpeaks.theory.names import label

__all__ = ["network_peaks"]


def network_peaks(runs: xr.Dataset) -> Figure:
    """Errors, and mean dimensions of logits and of the softmax, one row for each loss.

    Parameters
    ----------
    runs : xarray.Dataset
        What ``networks.experiments.peaks.network_peaks`` returns.

    Returns
    -------
    matplotlib.figure.Figure
        Means over seeds with standard errors.

    Raises
    ------
    ValueError
        If a dimension is missing.
    """
    require_dims(runs, "runs", "loss", "seed", "width", "law", "output")
    losses = [str(name) for name in runs["loss"].values]
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 0.5 + 1.7 * len(losses)), layout="constrained")
        axes = fig.subplots(len(losses), 3, sharex=True, squeeze=False)
        for row, name in zip(axes, losses, strict=True):
            part = runs.sel(loss=name)
            row[0].set_title(f"{name} loss", loc="left")
            for variable, colour in (("test_error", PALETTE[1]), ("train_error", PALETTE[0])):
                over_networks(row[0], part[variable], "width", colour, label(variable))
            row[0].set_ylabel("error")
            for ax, output in zip(row[1:], ("logits", "softmax"), strict=True):
                for law, colour in zip(part["law"].values, PALETTE[2:], strict=False):
                    line = part["bmd"].sel(law=law, output=output)
                    over_networks(ax, line, "width", colour, f"{law} law")
                ax.set_ylabel(f"mean dimension, {output}")
        for ax in axes[-1]:
            ax.set_xscale("log", base=2)
            ax.set_xlabel(label("width"))
        axes[0, 0].legend()
        axes[0, 1].legend()
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
    images: Path | None = None,
    full: bool = False,
    store: Path | None = None,
    scheduler: str | None = None,
) -> tuple[xr.Dataset]:
    """Two-layer tanh networks of 4 to 256 units, n = 300, label noise 0.2, three losses."""
    from twinpeaks.networks.experiments.peaks import network_peaks as experiment  # torch

    return trained(experiment, progress, images, full, store, scheduler)
