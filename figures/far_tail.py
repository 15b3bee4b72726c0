"""Far past the threshold: how slowly mean dimension and test error reach their kernel limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks import theory
from twinpeaks.figures.lines import Rows, per_loss, read_lines
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import NAMES, label

__all__ = ["far_tail"]

_PANELS = ("bmd", "test_error")


def far_tail(
    curve: xr.Dataset | Mapping[str, tuple[xr.Dataset, xr.Dataset | None]],
) -> Figure:
    """Draw the distance of mean dimension and test error from their limits N/P -> infinity.

    Parameters
    ----------
    curve : xarray.Dataset or mapping of str to (curve, None)
        Theory over ``overparam`` alone, with the value inf among its values; of a mapping, one
        line per label. Where it has a variable ``bmd_tail`` (``theory.bmd_tail``) the derived tail
        A P/N is drawn dashed.

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width; save it with :func:`figures.save`.

    Raises
    ------
    ValueError
        If a Dataset has other dimensions, or no value at overparam = inf.
    """
    lines = read_lines(curve, "overparam")
    for exact in lines.values():
        if not np.isinf(exact.overparam).any():
            raise ValueError("curve: it has no limit; solve it with inf among the overparam values")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.7), layout="constrained")
        axes = fig.subplots(1, len(_PANELS))
        for (text, exact), colour in zip(lines.items(), colours(len(lines)), strict=True):
            line = exact.sortby("overparam")
            x = line.overparam.values[:-1]
            for name, ax in zip(_PANELS, axes, strict=True):
                y = line[name].values
                ax.loglog(x, np.abs(y[:-1] - y[-1]), color=colour, label=text or None)
                symbol = NAMES[name].symbol
                distance = rf"$|{symbol} - {symbol}(\infty)|$"
                ax.set(xlabel=label("overparam"), ylabel=distance)
            if "bmd_tail" in line:
                axes[0].loglog(x, float(line.bmd_tail) / x, "--", color=colour, linewidth=0.8)
        axes[0].plot([], [], "--", color="0.4", linewidth=0.8, label=r"$A\,P/N$")
        axes[0].legend()
    return fig


def data(progress: Callable[[int, int], None] | None = None) -> tuple[Rows]:
    """Mean dimension and test error up to N/P = 10^4, their limits, and the derived tail.

    tanh features, sign teacher, P/D = 3; square loss and hinge loss.
    """

    def make(problem: theory.Problem) -> xr.Dataset:
        width = np.append(np.geomspace(0.5, 1e4, 100), np.inf)
        curve = theory.solve(problem, overparam=width, alpha_T=3.0, lam=1e-4)
        return curve.assign(bmd_tail=theory.bmd_tail(problem, alpha_T=3.0, lam=1e-4))

    return per_loss((theory.Square(), theory.Hinge()), make, progress)
