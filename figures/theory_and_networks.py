"""Random features in theory and on digits, and trained networks, against parameters per pattern."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks import theory
from twinpeaks.figures.lines import over_networks, require_dims
from twinpeaks.figures.style import PALETTE, TWO_COLUMNS, article
from twinpeaks.theory.names import label

__all__ = ["theory_and_networks"]

_ROWS = ("test_error", "bmd")


def theory_and_networks(
    gaussian: xr.Dataset, digits: xr.Dataset, features: xr.Dataset, networks: xr.Dataset
) -> Figure:
    """Test error above and mean dimension below; three models, each against its own ratio.

    Parameters
    ----------
    gaussian : xarray.Dataset
        Theory on Gaussian data, over ``overparam``.
    digits, features : xarray.Dataset
        ``solve_on_data`` and ``run_on_data`` on the same digits, over ``overparam``; the latter over
        ``seed`` too. Their test error is a mean square.
    networks : xarray.Dataset
        ``run_networks``, over (seed, width), with the coordinate ``ratio``: parameters over n classes.

    Returns
    -------
    matplotlib.figure.Figure
        Lines are theory, points means over seeds with standard errors; dotted lines mark one parameter per
        pattern (and class).

    Raises
    ------
    ValueError
        If a Dataset lacks its dimension.
    """
    for name, data, dim in (
        ("gaussian", gaussian, "overparam"),
        ("digits", digits, "overparam"),
        ("features", features, "seed"),
        ("networks", networks, "width"),
    ):
        require_dims(data, name, dim)
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 3.9), layout="constrained")
        axes = fig.subplots(2, 3, sharex="col")
        for row, name in zip(axes, _ROWS, strict=True):
            row[0].plot(gaussian["overparam"], gaussian[name], color=PALETTE[0])
            row[1].plot(digits["overparam"], digits[name], color=PALETTE[0], label="theory")
            for ax, run, x in ((row[1], features, "overparam"), (row[2], networks, "ratio")):
                over_networks(ax, run[name], x, PALETTE[1], "trained", joined=False)
        titles = (
            "random features, Gaussian data",
            "random features, digits",
            "two-layer networks, digits",
        )
        for ax, title in zip(axes[0], titles, strict=True):
            ax.set_title(title)
        for ax in axes.flat:
            ax.set_xscale("log")
            ax.axvline(1.0, color="0.6", linestyle=":", linewidth=0.8, zorder=0)
        axes[0, 0].set_ylabel(label("test_error"))
        axes[0, 1].set(ylabel="mean square error", yscale="log")
        axes[1, 0].set_ylabel(label("bmd"))
        for ax in axes[1, :2]:
            ax.set_xlabel(label("overparam"))
        axes[1, 2].set_xlabel("parameters / (patterns x classes)")
        axes[0, 1].legend()
    return fig


def data(
    progress: Callable[[int, int], None] | None = None, store: Path | None = None
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset, xr.Dataset]:
    """tanh everywhere: square loss, lam = 1e-4 for features; the default networks of ``network-peaks``."""
    from twinpeaks import measure, networks, simulate  # torch, for the default data alone

    width = np.unique([*np.geomspace(0.1, 10, 200), 1.0])
    gaussian = theory.solve(
        theory.Problem(teacher=theory.FlippedSign(0.1)), overparam=width, alpha_T=3.0, lam=1e-4
    )
    found, P = networks.Digits().load(), 200
    x, y = found.flat, found.parity
    D = x.shape[1]
    ratios = (0.1, 0.2, 0.4, 0.7, 1.0, 1.4, 2.0, 4.0)
    F = np.random.default_rng(0).standard_normal((D, round(ratios[-1] * P)))
    laws = {"binary": measure.Binary(D)}
    digits = theory.solve_on_data(
        F, x, y, P=P, lam=1e-4, laws=laws, overparam=np.geomspace(0.1, 4.0, 40).round(3)
    )
    features = simulate.run_on_data(F, x, y, P=P, lam=1e-4, laws=laws, overparam=ratios, seeds=8)
    widths = (4, 8, 12, 16, 24, 32, 48, 64, 128, 256)
    trained = networks.run_networks(
        n=300, noise=0.2, width=widths, seeds=5, laws=["binary"], outputs=["logits"],
        progress=progress or False, store=store,
    )  # fmt: skip
    parameters = np.array([w * (D + 1) + 10 * (w + 1) for w in widths])
    trained = trained.assign_coords(ratio=("width", parameters / (300 * 10)))
    return gaussian, digits.squeeze(), features.squeeze(), trained.squeeze()
