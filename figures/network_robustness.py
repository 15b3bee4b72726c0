"""Mean dimension and robustness of a zoo of networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks.figures.lines import require_dims, trained
from twinpeaks.figures.style import PALETTE, TWO_COLUMNS, article
from twinpeaks.theory.names import label

__all__ = ["network_robustness"]


def network_robustness(zoo: xr.Dataset, law: str = "marginals", output: str = "logits") -> Figure:
    """Attack rates against the mean dimension, one point for each kind of network.

    Parameters
    ----------
    zoo : xarray.Dataset
        What ``networks.experiments.robustness.network_robustness`` returns.
    law, output : str
        Of the mean dimension.

    Returns
    -------
    matplotlib.figure.Figure
        Means over seeds with standard errors; above each panel Spearman's correlation over the kinds that
        were not trained adversarially, with its 95 % bootstrap interval. Networks trained adversarially are
        squares.

    Raises
    ------
    ValueError
        If a dimension is missing.
    """
    from twinpeaks.networks.experiments.robustness import rank_correlations

    require_dims(zoo, "zoo", "kind", "seed", "law", "output", "attack")
    usual = zoo.isel(kind=np.flatnonzero(zoo["adversarial"].values == 0))
    found = rank_correlations(usual).sel(law=law, output=output)
    attacks = [str(name) for name in zoo["attack"].values]
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.3), layout="constrained")
        axes = fig.subplots(1, len(attacks), sharex=True, squeeze=False)[0]
        for ax, attack in zip(axes, attacks, strict=True):
            for kind in range(zoo.sizes["kind"]):
                one = zoo.isel(kind=kind)
                x, y = one["bmd"].sel(law=law, output=output), one["attack_rate"].sel(attack=attack)
                noisy, trained = float(one["noise"]) > 0, float(one["adversarial"]) > 0
                ax.errorbar(
                    float(x.mean("seed")), float(y.mean("seed")), _error(y), _error(x),
                    marker="s" if trained else "o", markersize=3.5, elinewidth=0.7,
                    color=PALETTE[1] if noisy else PALETTE[0],
                    markerfacecolor="white" if trained else None,
                )  # fmt: skip
            at = found.sel(attack=attack)
            ax.set_title(
                f"{attack}: {float(at.correlation):.2f} [{float(at.low):.2f}, {float(at.high):.2f}]",
                fontsize=7.5,
            )
            ax.set_xlabel(f"mean dimension, {law}")
        axes[0].set_ylabel(label("attack_rate"))
        for named, marker, colour, face in (
            ("clean labels", "o", PALETTE[0], PALETTE[0]),
            ("label noise 0.2", "o", PALETTE[1], PALETTE[1]),
            ("trained adversarially", "s", "black", "white"),
        ):
            axes[0].plot([], [], marker, color=colour, markerfacecolor=face, label=named)
        fig.legend(loc="outside lower center", ncols=3)
    return fig


def _error(values: xr.DataArray) -> float:
    return float(values.std("seed", ddof=1) / values.sizes["seed"] ** 0.5)


def data(
    progress: Callable[[int, int], None] | None = None,
    images: Path | None = None,
    full: bool = False,
    store: Path | None = None,
    scheduler: str | None = None,
) -> tuple[xr.Dataset]:
    """24 kinds of two-layer networks on digits, five seeds each."""
    from twinpeaks.networks.experiments.robustness import network_robustness as experiment  # torch

    return trained(experiment, progress, images, full, store, scheduler)
