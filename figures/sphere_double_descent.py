"""Double descent of random features on the sphere, in closed form."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks.figures.lines import require_dims
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory import sphere
from twinpeaks.theory.names import label

__all__ = ["sphere_double_descent"]


def sphere_double_descent(curve: xr.Dataset) -> Figure:
    """Test error and share of the variance against features per pattern, one colour for each penalty.

    Parameters
    ----------
    curve : xarray.Dataset
        What ``sphere.solve`` returns, over (lam, overparam) for one n.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a dimension is missing.
    """
    require_dims(curve, "curve", "lam", "overparam")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.6), layout="constrained")
        axes = fig.subplots(1, 2, sharex=True)
        finite = curve.isel(overparam=np.flatnonzero(np.isfinite(curve["overparam"].values)))
        for lam, colour in zip(curve["lam"].values, colours(curve.sizes["lam"]), strict=True):
            for ax, name in zip(axes, ("test_error", "variance_share"), strict=True):
                line = finite[name].sel(lam=lam)
                ax.plot(line["overparam"], line, color=colour, label=rf"$\lambda = {lam:g}$")
        axes[0].set(xscale="log", yscale="log", ylabel=label("test_error"))
        axes[1].set(ylabel=label("variance_share"))
        for ax in axes:
            ax.set_xlabel("features per pattern $p/n$")
            ax.axvline(1.0, color="0.6", linestyle=":", linewidth=0.8, zorder=0)
        axes[0].legend()
    return fig


def data(progress: Callable[[int, int], None] | None = None) -> tuple[xr.Dataset]:
    """Random ReLU features, d = 10, n = 500, a rough field and label noise."""
    problem = sphere.Problem(10, sphere.RFK(), sphere.GaussianField(0.5), noise=0.05)
    near = np.geomspace(1e-3, 0.5, 60)
    width = np.unique([*np.geomspace(0.02, 50, 200), *(1 + near), *(1 - near)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sphere.AmplitudeWarning)
        curve = sphere.solve(problem, n=500, lam=[1e-6, 1e-3, 1e-2, 0.1, 1.0], overparam=width)
    if progress is not None:
        progress(1, 1)
    return (curve,)
