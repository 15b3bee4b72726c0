"""Where replica symmetry holds: the replicon eigenvalue of the 0-1 loss and of convex losses."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from twinpeaks import theory
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import label

__all__ = ["stability"]


def stability(cooled: xr.Dataset, line: xr.Dataset, convex: Mapping[str, xr.Dataset]) -> Figure:
    """Draw the instability line of a loss on its replicon, beside the replicon of convex losses.

    Parameters
    ----------
    cooled : xarray.Dataset
        Theory over (overparam, beta) of the loss that turns unstable.
    line : xarray.Dataset
        ``theory.instability`` of it, over overparam.
    convex : mapping of str to xarray.Dataset
        Theory over overparam, by label.

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width.
    """
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.9), layout="constrained")
        left, right = fig.subplots(1, 2)
        replicon = cooled["replicon"].transpose("beta", "overparam")
        x, y = replicon["overparam"].values, replicon["beta"].values
        mesh = left.pcolormesh(
            x, y, replicon.where(replicon > 0).values, vmin=0, vmax=1, rasterized=True
        )
        fig.colorbar(mesh, ax=left, label=label("replicon"), pad=0.02)
        left.set_facecolor("0.85")
        finite = np.isfinite(line["beta"])
        left.plot(line["overparam"][finite], line["beta"][finite], color="black")
        left.set(
            xscale="log",
            yscale="log",
            xlabel=label("overparam"),
            ylabel=label("beta"),
            xlim=(x[0], x[-1]),
            ylim=(y[0], y[-1]),
        )
        left.set_title("0-1 loss", loc="left")
        left.legend(
            handles=[
                Line2D([], [], color="black", label="first instability on cooling"),
                Patch(color="0.85", label="replica symmetry broken"),
            ],
            loc="upper right",
        )
        for (loss, data), colour in zip(convex.items(), colours(len(convex)), strict=True):
            right.plot(data["overparam"], data["replicon"], color=colour, label=loss)
        right.set(
            xscale="log",
            yscale="log",
            xlabel=label("overparam"),
            ylabel=label("replicon"),
            xlim=(x[0], x[-1]),
        )
        right.set_title(r"convex losses, $\beta = \infty$", loc="left")
        right.legend(loc="lower right")
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
) -> tuple[xr.Dataset, xr.Dataset, dict[str, xr.Dataset]]:
    """Tanh features, a sign teacher at P/D = 3; convex losses at lam = 1e-4."""
    widths = np.geomspace(0.05, 10, 71)
    problem = theory.Problem(loss=theory.ZeroOne())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", theory.UnstableWarning)  # it is the subject
        cooled = theory.solve(
            problem,
            overparam=widths,
            alpha_T=3.0,
            lam=1.0,
            beta=np.geomspace(0.3, 100, 51),
            throw=False,
        )
    if progress is not None:
        progress(1, 3)
    line = theory.instability(problem, overparam=np.geomspace(0.05, 0.4, 60), alpha_T=3.0)
    if progress is not None:
        progress(2, 3)
    convex = {
        type(loss).__name__: theory.solve(
            theory.Problem(loss=loss), overparam=widths, alpha_T=3.0, lam=1e-4
        )
        for loss in (theory.Square(), theory.Logistic(), theory.Hinge(), theory.SquaredHinge())
    }
    if progress is not None:
        progress(3, 3)
    return cooled, line, convex
