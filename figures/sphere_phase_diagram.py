"""Where learning sparse features has the smaller exponent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from twinpeaks.figures.lines import require_dims
from twinpeaks.figures.style import TWO_COLUMNS, article
from twinpeaks.theory import sphere

__all__ = ["sphere_phase_diagram"]


def sphere_phase_diagram(gap: xr.DataArray) -> Figure:
    """Difference of the exponents of kernel and sparse features, over dimension and smoothness.

    Parameters
    ----------
    gap : DataArray over (kernel, smoothness, d)
        Exponent of the kernel less that of sparse features, which is never negative.

    Returns
    -------
    matplotlib.figure.Figure
        White where both are equal; the line is nu_t = (d + 2)/2.

    Raises
    ------
    ValueError
        If a dimension is missing.
    """
    require_dims(gap, "gap", "kernel", "smoothness", "d")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.8), layout="constrained")
        axes = fig.subplots(1, gap.sizes["kernel"], sharey=True, squeeze=False)[0]
        levels = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
        shades = ListedColormap(["#deebf7", "#b3cfe8", "#82b3d9", "#4f91c4", "#2a6ca8", "#123f73"])
        norm = BoundaryNorm(levels, shades.N)
        for ax, kernel in zip(axes, gap["kernel"].values, strict=True):
            part = gap.sel(kernel=kernel).transpose("smoothness", "d")
            seen = part.where(part > levels[0])
            drawn = ax.pcolormesh(part["d"], part["smoothness"], seen, cmap=shades, norm=norm)
            d = part["d"].values
            ax.plot(d, (d + 2) / 2, "k--", linewidth=0.8)
            ax.set(
                title=str(kernel), xlabel="dimension $d$", ylim=(0, float(part["smoothness"].max()))
            )
        axes[0].set_ylabel(r"smoothness of the target $\nu_t$")
        fig.colorbar(
            drawn, ax=axes, label="exponent of the kernel less that of sparse features", format="%g"
        )
    return fig


def data(progress: Callable[[int, int], None] | None = None) -> tuple[xr.DataArray]:
    """NTK and random ReLU features, d = 2 to 12."""
    dims, smooth = np.arange(2, 13), np.linspace(0.1, 10, 100)
    kernels = {"NTK": sphere.NTK(), "random features": sphere.RFK()}
    found = np.empty((2, smooth.size, dims.size))
    for i, kernel in enumerate(kernels.values()):
        for j, nu in enumerate(smooth):
            for k, d in enumerate(dims):
                law = sphere.exponents(
                    sphere.Problem(int(d), kernel, sphere.GaussianField(float(nu)))
                )
                found[i, j, k] = law.lazy - law.feature
        if progress is not None:
            progress(i + 1, 2)
    coords = {"kernel": list(kernels), "smoothness": smooth, "d": dims}
    return (xr.DataArray(found, coords, ("kernel", "smoothness", "d")),)
