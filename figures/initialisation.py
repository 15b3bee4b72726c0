"""Adversarial initialisation: test error and mean dimension against the scale and origin of w_init."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from twinpeaks import theory
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import NAMES, label
from twinpeaks.validate import over_seeds

__all__ = ["initialisation"]

_QUANTITIES = ("test_error", "bmd")
#: What the symbols of the axes stand for.
_AXES = {"scale": r"|w_{\rm init}|/\sqrt{N}", "alpha_prime": "P'/N"}
_SAME = 1e-9
_POINTS: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 3.2,
    "elinewidth": 0.8,
    "zorder": 3,
}
_OTHER: dict[str, Any] = {"color": "black", "linestyle": "--", "zorder": 1}
_DOTTED: dict[str, Any] = {"color": "0.4", "linestyle": ":", "linewidth": 0.8, "zorder": 0}


def initialisation(
    curve: xr.Dataset,
    run: xr.Dataset,
    gaussian: xr.Dataset | None = None,
    natural: xr.Dataset | None = None,
) -> Figure:
    """Draw test error and mean dimension against scale and alpha': lines are theory, points networks.

    Parameters
    ----------
    curve : xarray.Dataset
        ``theory.solve_from_start`` of a ``RandomLabelsStart`` over (scale, alpha_prime).
    run : xarray.Dataset
        ``simulate.run_from_start`` of the same, on a few scales and alpha_prime of ``curve``: each
        is a line, its points are means over seeds with bars of one standard error.
    gaussian : xarray.Dataset, optional
        Theory of a ``GaussianStart`` over scale.
    natural : xarray.Dataset, optional
        Theory of a ``RandomLabelsStart`` with scale None, over alpha_prime.

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width: scale on the left, alpha' on the right.

    Raises
    ------
    ValueError
        If a Dataset lacks a dimension, or ``curve`` a point of ``run``.
    """
    for name, data in (("curve", curve), ("run", run)):
        for axis in _AXES:
            if axis not in data.dims:
                raise ValueError(f"{name}: it has no dimension {axis} to draw against")
    run = run.squeeze()
    mean, error, _ = over_seeds(run, list(_QUANTITIES))
    families = {
        "scale": dict(zip(run.alpha_prime.values, colours(run.alpha_prime.size), strict=True)),
        "alpha_prime": dict(zip(run.scale.values, _shades(run.scale.size), strict=True)),
    }
    extra = {"scale": gaussian, "alpha_prime": natural}
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 4.9), layout="constrained")
        axes = fig.subplots(2, 2, sharex="col", sharey="row")
        for column, (axis, hues) in enumerate(families.items()):
            family = "alpha_prime" if axis == "scale" else "scale"
            for place, quantity in enumerate(_QUANTITIES):
                ax = axes[place, column]
                for value, colour in hues.items():
                    line = _pick(curve[quantity], family, value)
                    ax.plot(line[axis], line, color=colour, zorder=2)
                    points = mean[quantity].sel({family: value})
                    bars = error[quantity].sel({family: value})
                    ax.errorbar(
                        points[axis].values, points.values, bars.values, color=colour, **_POINTS
                    )
                other = extra[axis]
                if other is not None:
                    ax.plot(other[axis], other[quantity], **_OTHER)
                if axis == "alpha_prime":  # P' = D
                    ax.axvline(1.0 / float(curve["overparam"] * curve["alpha_T"]), **_DOTTED)
                ax.set_xscale("log")
                ax.set_xlim(float(curve[axis].min()), float(curve[axis].max()))
                if column == 0:
                    ax.set_ylabel(label(quantity))
            row = NAMES[axis]
            axes[1, column].set_xlabel(f"{row.long_name} ${row.symbol} = {_AXES[axis]}$")
            handles = _legend(hues, axis, extra[axis] is not None)
            fig.legend(
                handles=handles,
                loc="outside lower left" if column == 0 else "outside lower right",
                ncols=3 + column,
                columnspacing=1.0,
            )
        fixed = ("overparam", "alpha_T", "D")
        title = ", ".join(f"${NAMES[k].symbol} = {float(run[k]):g}$" for k in fixed)
        axes[0, 0].set_title(title, loc="left")
    return fig


def _shades(count: int) -> list[str]:
    """Colours apart from those of the other column, which mean something else."""
    scale = mpl.colormaps["viridis"]
    return [mpl.colors.to_hex(scale(0.85 * (i + 0.5) / count)) for i in range(count)]


def _pick(curve: xr.DataArray, family: str, value: float) -> xr.DataArray:
    """The line at a value of the run."""
    near = curve.squeeze().sel({family: value}, method="nearest")
    if abs(float(near[family]) - value) > _SAME * abs(value):
        raise ValueError(
            f"curve: it has no {family} = {value:g}, which the run has; solve there too"
        )
    return near


def _legend(hues: Mapping[float, str], axis: str, extra: bool) -> list[Line2D]:
    symbol = NAMES["alpha_prime" if axis == "scale" else "scale"].symbol
    handles = [Line2D([], [], color=c, label=f"${symbol} = {v:g}$") for v, c in hues.items()]
    if extra:
        text = {"scale": "Gaussian start", "alpha_prime": "norm as trained"}[axis]
        handles.append(Line2D([], [], **_OTHER, label=text))
    if axis == "alpha_prime":
        handles.append(Line2D([], [], **_DOTTED, label="$P' = D$"))
    return handles


def data(
    progress: Callable[[int, int], None] | None = None,
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset, xr.Dataset]:
    """Tanh features, a sign teacher, N/P = 2, P/D = 3; networks of D = 120, 12 seeds."""
    from twinpeaks import simulate  # torch, for the default data alone

    problem = theory.Problem()
    at: dict[str, Any] = {"overparam": 2.0, "alpha_T": 3.0}
    scale, ratio = (1.0, 2.0, 5.0, 10.0, 20.0), (0.025, 0.1, 0.25, 1.0)
    scales = np.unique([*np.geomspace(0.3, 30, 60), *scale])
    ratios = np.unique([*np.geomspace(0.01, 2, 120), *np.linspace(0.9, 1.1, 41), *ratio])
    start = theory.RandomLabelsStart(alpha_prime=ratios, scale=scales)
    curve = theory.solve_from_start(problem, start, **at)
    gaussian = theory.solve_from_start(problem, theory.GaussianStart(scales), **at)
    natural = theory.solve_from_start(
        problem, theory.RandomLabelsStart(alpha_prime=ratios), **at, throw=False
    )
    run = simulate.run_from_start(
        problem,
        theory.RandomLabelsStart(alpha_prime=ratio, scale=scale),
        **at,
        D=120,
        seeds=12,
        device="cpu",
        n_test=4000,
        n_flip=16,
        n_variance=2048,
        progress=progress or False,
    )
    return curve, run, gaussian, natural
