"""With many patterns the mean dimension has two peaks: near N = D, and at the interpolation threshold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks import theory
from twinpeaks.figures.style import ONE_COLUMN, article, colours
from twinpeaks.theory.names import label

__all__ = ["double_peak"]


def double_peak(curve: xr.Dataset, tops: xr.Dataset, networks: xr.Dataset | None = None) -> Figure:
    """Draw the mean dimension against N/P, one line for each P/D, with its peaks.

    Parameters
    ----------
    curve : xarray.Dataset
        Of ``theory.solve``, over ``alpha_T`` and ``overparam``.
    tops : xarray.Dataset
        Of ``theory.peaks`` at the same ``alpha_T``.
    networks : xarray.Dataset, optional
        Of ``simulate.run`` at one of them, over ``overparam`` and ``seed``.

    Returns
    -------
    matplotlib.figure.Figure
        Dots are peaks; networks have the standard error of their mean.

    Raises
    ------
    ValueError
        If the curve has other dimensions.
    """
    if set(curve.dims) != {"alpha_T", "overparam"}:
        raise ValueError(f"curve has the dimensions {curve.dims}: give alpha_T and overparam")
    with article():
        fig = Figure(figsize=(ONE_COLUMN, 2.7), layout="constrained")
        ax = fig.subplots()
        for value, colour in zip(curve.alpha_T.values, colours(curve.alpha_T.size), strict=True):
            line, at = curve.sel(alpha_T=value), tops.sel(alpha_T=value)
            ax.semilogx(line.overparam, line.bmd, color=colour, label=f"$P/D = {value:g}$")
            ax.plot(at.location, at.height, "o", color=colour, markersize=4)
            if networks is not None and float(networks.alpha_T) == value:
                error = networks.bmd.std("seed", ddof=1) / np.sqrt(networks.sizes["seed"])
                mean = networks.bmd.mean("seed")
                ax.errorbar(
                    mean.overparam, mean, error, fmt="s", color=colour, markersize=3, mfc="white"
                )
        ax.set(xlabel=label("overparam"), ylabel=label("bmd"))
        ax.legend()
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """P/D = 3 to 30 at lam = 1e-4, and networks of D = 80 at P/D = 10.

    tanh features, sign teacher, square loss.
    """
    from twinpeaks import simulate  # torch, for the default data alone

    problem = theory.Problem()
    alpha_T = [3.0, 6.0, 10.0, 30.0]
    width = np.geomspace(0.01, 5.0, 160)
    curve = theory.solve(problem, overparam=width, alpha_T=alpha_T, lam=1e-4)
    tops = theory.peaks(problem, "bmd", alpha_T=alpha_T, lam=1e-4, between=(0.01, 5.0))
    networks = simulate.run(
        problem, [0.05, 0.1, 0.2, 0.3, 0.5], alpha_T=10.0, lam=1e-4, D=80, seeds=6, progress=False
    )
    if progress is not None:
        progress(1, 1)
    return curve, tops, networks
