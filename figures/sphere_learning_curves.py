"""Learning curves on the sphere: kernels in theory and simulated, sparse features simulated."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks.figures.style import PALETTE, TWO_COLUMNS, article
from twinpeaks.theory import sphere
from twinpeaks.theory.names import label

__all__ = ["sphere_learning_curves"]

_DIMENSIONS = (2, 3, 5)
_N = {2: [8, 16, 32, 64], 3: [8, 16, 32, 64, 128], 5: [8, 16, 32, 64, 128]}
_SPARSE = {2: [8, 16, 32], 3: [8, 16, 32, 64], 5: [8, 16, 32]}


def sphere_learning_curves(
    curves: Mapping[int, xr.Dataset],
    lazy: Mapping[int, xr.Dataset],
    sparse: Mapping[int, xr.Dataset],
) -> Figure:
    """Test error against n, one panel for each dimension.

    Parameters
    ----------
    curves : dict of Dataset by d
        What ``sphere.solve`` returns, over n.
    lazy, sparse : dict of Dataset by d
        What ``sphere.run`` returns for the kernel and for ``SparseFeatures``, over (n, seed).

    Returns
    -------
    matplotlib.figure.Figure
        Lines: the Gaussian theory of the kernel. Points: geometric means over sets of inputs, with their
        standard errors; arithmetic means of so few sets are those of the largest. Dotted: the exponents.

    Raises
    ------
    ValueError
        If the three do not have the same dimensions.
    """
    if not curves.keys() == lazy.keys() == sparse.keys():
        raise ValueError(f"curves, lazy and sparse have d = {[*curves]}, {[*lazy]}, {[*sparse]}")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.7), layout="constrained")
        axes = fig.subplots(1, len(curves), squeeze=False)[0]
        for ax, d in zip(axes, curves, strict=True):
            curve = curves[d]
            ax.plot(curve["n"], curve["test_error"], color=PALETTE[0], label="NTK, theory")
            for data, colour, name in (
                (lazy[d], PALETTE[0], "NTK"),
                (sparse[d], PALETTE[1], "sparse features"),
            ):
                logs = xr.apply_ufunc(np.log, data["test_error"].where(data["test_error"] > 0))
                mean, count = logs.mean("seed"), logs.notnull().sum("seed")
                error = logs.std("seed", ddof=1) / count**0.5
                centre = np.exp(mean)
                ax.errorbar(
                    data["n"].values, centre.values,
                    [(centre - np.exp(mean - error)).values, (np.exp(mean + error) - centre).values],
                    fmt="o", markersize=3.0, elinewidth=0.8, color=colour, label=name,
                )  # fmt: skip
            law = sphere.exponents(sphere.Problem(d=d, target=sphere.Constant()))
            for data, beta, colour in (
                (lazy[d], law.lazy, PALETTE[0]),
                (sparse[d], law.feature, PALETTE[1]),
            ):
                n = np.array([float(data["n"][-1]) / 4, float(data["n"][-1])])
                last = np.exp(np.log(data["test_error"].isel(n=-1)).mean())
                ax.plot(n, float(last) * (n / n[-1]) ** -beta, ":", color=colour)
            ax.set(xscale="log", yscale="log", title=f"d = {d}", xlabel=label("n"))
        axes[0].set_ylabel(label("test_error"))
        axes[0].legend()
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[int, xr.Dataset], dict[int, xr.Dataset], dict[int, xr.Dataset]]:
    """A constant target: the NTK in theory and simulated, and sparse features, in d = 2, 3 and 5."""
    from twinpeaks.simulate.sphere import run  # torch, for the default data alone

    curves, lazy, sparse = {}, {}, {}
    for done, d in enumerate(_DIMENSIONS, 1):
        problem = sphere.Problem(d=d, kernel=sphere.NTK(), target=sphere.Constant())
        with warnings.catch_warnings():  # the figure is about just that
            warnings.simplefilter("ignore", sphere.AmplitudeWarning)
            curves[d] = sphere.solve(problem, n=np.geomspace(6, 200, 60))
        lazy[d] = run(problem, n=_N[d], seeds=20)
        sparse[d] = run(problem.replace(kernel=sphere.SparseFeatures()), n=_SPARSE[d], seeds=8)
        if progress is not None:
            progress(done, len(_DIMENSIONS))
    return curves, lazy, sparse
