"""The model at the ridge penalty of least test error: the error falls, the mean dimension peaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks import theory
from twinpeaks.figures.lines import Rows, per_loss, read_lines
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import NAMES, label

__all__ = ["optimal_ridge"]

_BEST = rf"${NAMES['lam'].symbol}^\star$"
_PANELS = {
    "lam": f"optimal {NAMES['lam'].long_name} {_BEST}",
    "test_error": f"{label('test_error')} at {_BEST}",
    "bmd": f"{label('bmd')} at {_BEST}",
}


def optimal_ridge(
    curve: xr.Dataset | Mapping[str, tuple[xr.Dataset, xr.Dataset | None]],
) -> Figure:
    """Draw the optimal ridge penalty, and test error and mean dimension at it, against N/P.

    Parameters
    ----------
    curve : xarray.Dataset or mapping of str to (curve, None)
        What ``theory.optimal_lam`` returns for an array ``overparam``; of a mapping, one line per
        label. The largest interior value of the mean dimension gets a dot. The line of lam
        ends where the best one is 0, as it is of the hinge loss for wide networks.

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width; save it with :func:`figures.save`.

    Raises
    ------
    ValueError
        If a Dataset is not over ``overparam`` alone, or lacks the optimal ``lam``.
    """
    lines = read_lines(curve, "overparam")
    for exact in lines.values():
        if "lam" not in exact.data_vars:
            raise ValueError("curve: it has no optimal lam; make it with theory.optimal_lam")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.4), layout="constrained")
        axes = fig.subplots(1, len(_PANELS))
        for (loss, exact), colour in zip(lines.items(), colours(len(lines)), strict=True):
            line = exact.sortby("overparam")
            for (name, text), ax in zip(_PANELS.items(), axes, strict=True):
                # an optimum at a limit has no place on a logarithmic axis
                y = np.where(np.isfinite(line[name]) & (line[name] > 0), line[name], np.nan)
                ax.plot(line.overparam, y, color=colour, label=loss or None)
                ax.set(xscale="log", xlabel=label("overparam"), ylabel=text)
            y, top = line.bmd.values, int(np.nanargmax(line.bmd.values))
            if 0 < top < y.size - 1:
                axes[2].plot(line.overparam[top], y[top], "o", color=colour)
        axes[0].set_yscale("log")
        if any(lines):
            axes[2].legend()
    return fig


def data(progress: Callable[[int, int], None] | None = None) -> tuple[Rows]:
    """The model at the optimal ridge penalty, N/P from 0.02 to 50.

    tanh features, sign teacher, P/D = 3; square loss and hinge loss.
    """
    width = np.geomspace(0.02, 50, 60)
    return per_loss(
        (theory.Square(), theory.Hinge()),
        lambda problem: theory.optimal_lam(problem, overparam=width, alpha_T=3.0),
        progress,
    )
