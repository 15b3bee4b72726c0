"""Random features on real images: predicted errors and mean dimension, and networks trained on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from twinpeaks import theory
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import NAMES, label
from twinpeaks.validate import SeedStatistics, over_seeds

__all__ = ["real_features"]

_ERRORS = {
    "test_error": "mean square error",  # which of both errors, "test error" would not say
    "classification_error": label("classification_error"),
}
_LAWS = {
    "binary": r"inputs $\pm 1$",
    "uniform": r"inputs uniform on $[-1, 1]$",
    "marginal": "pixels by their marginal laws",
}
_RATIOS = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0])
_TRAINED = _RATIOS[[0, 1, 3, 4, 6, 8, 10, 12, 14]]


def real_features(curve: xr.Dataset, run: xr.Dataset) -> Figure:
    """Draw errors and mean dimension against N/P, and how far networks are from the theory.

    Parameters
    ----------
    curve : xarray.Dataset
        Of ``theory.solve_on_data`` over overparam and lam, with three laws of inputs.
    run : xarray.Dataset
        Of ``simulate.run_on_data`` at some of its points.

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width. Lines are theory; points are means over training sets with bars of one standard
        error. The last panel of the first row has their mean square error over that of theory.

    Raises
    ------
    ValueError
        If a Dataset has other dimensions or laws, or the run has points that the curve has not.
    """
    if set(curve["bmd"].dims) != {"overparam", "lam", "law"} or curve.sizes["law"] != 3:
        raise ValueError(
            f"curve has dimensions {dict(curve.sizes)}; give overparam, lam and three laws"
        )
    if missing := [name for name in (*_ERRORS, "bmd") if name not in curve or name not in run]:
        raise ValueError(f"curve or run has no {missing[0]}: give labels -1 and +1, and laws")
    try:
        found = over_seeds(run, [*_ERRORS, "bmd"])
        exact = curve.sel(overparam=run["overparam"], lam=run["lam"], law=run["law"])
    except KeyError as error:
        raise ValueError(f"run has points that the curve has not ({error}): give both") from None
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 4.4), layout="constrained")
        above, below = fig.subplots(2, 3, sharex=True)
        shades = dict(zip(curve["lam"].values, colours(curve.sizes["lam"]), strict=True))
        for (name, text), ax in zip(_ERRORS.items(), above, strict=False):
            _panel(ax, curve[name], found, name, {}, shades)
            ax.set(ylabel=text, ylim=(0.0, None))
        for law, ax in zip(curve["law"].values, below, strict=True):
            _panel(ax, curve["bmd"].sel(law=law), found, "bmd", {"law": law}, shades)
            ax.set(xlabel=label("overparam"), ylabel=label("mean_dimension"))
            ax.set_title(_LAWS.get(str(law), str(law)), loc="left")
        _departure(above[2], exact, found, shades)
        above[0].set_title("on images not trained on", loc="left")
        above[1].set_title("theory approximate", loc="left")
        handles = [
            Line2D([], [], color=colour, label=f"${NAMES['lam'].symbol} = {_power(lam)}$")
            for lam, colour in shades.items()
        ]
        handles.append(
            Line2D([], [], color="0.3", marker="o", linestyle="none", label="trained networks")
        )
        fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return fig


def _panel(
    ax: Axes,
    line: xr.DataArray,
    found: SeedStatistics,
    name: str,
    at: dict[str, str],
    shades: dict[float, str],
) -> None:
    for lam, colour in shades.items():
        here = line.sel(lam=lam)
        ax.plot(here["overparam"], here, color=colour)
        if lam in found.mean["lam"].values:
            mean, error = (
                s[name].sel({"lam": lam, **at}) for s in (found.mean, found.standard_error)
            )
            _points(ax, mean, error, colour)
    ax.set_xscale("log")


def _departure(
    ax: Axes, exact: xr.Dataset, found: SeedStatistics, shades: dict[float, str]
) -> None:
    """Relative difference of the mean square error, in per cent."""
    for i, (lam, colour) in enumerate(shades.items()):
        if lam in found.mean["lam"].values:
            base = exact["test_error"].sel(lam=lam)
            mean = 100 * (found.mean["test_error"].sel(lam=lam) / base - 1)
            error = 100 * found.standard_error["test_error"].sel(lam=lam) / base
            # beside one another, not on top
            shift = 1.05 ** (i - (len(shades) - 1) / 2)
            _points(ax, mean.assign_coords(overparam=mean["overparam"] * shift), error, colour)
    ax.axhline(0.0, color="0.3", linewidth=0.8, zorder=1)
    ax.set(xscale="log", ylabel=r"measured / theory $-$ 1 (%)")
    ax.set_title("departure of the square error", loc="left")


def _points(ax: Axes, mean: xr.DataArray, error: xr.DataArray, colour: str) -> None:
    ax.errorbar(
        mean["overparam"].values,
        mean.values,
        yerr=error.values,
        linestyle="none",
        marker="o",
        markersize=3.0,
        elinewidth=0.8,
        color=colour,
        zorder=3,
    )


def _power(lam: float) -> str:
    """A penalty as it is written."""
    exponent = float(np.log10(lam))
    return f"10^{{{exponent:.0f}}}" if exponent != 0 and exponent % 1 == 0 else f"{lam:g}"


def data(
    progress: Callable[[int, int], None] | None = None, images: Path | None = None
) -> tuple[xr.Dataset, xr.Dataset]:
    """tanh features of digits, odd against even; 12 training sets.

    By default the 8 x 8 digits of scikit-learn, P = 200; or the images of an IDX file such as MNIST's,
    averaged over 2 x 2 pixels, P = 300.
    """
    from twinpeaks import measure, networks, simulate  # torch, for the default data alone

    if images is None:
        found, P = networks.Digits().load(), 200
    else:
        found, P = networks.Idx(images, pool=2).load(), 300
    x, y = found.flat, found.parity
    D = x.shape[1]
    F = np.random.default_rng(0).standard_normal((D, round(_RATIOS[-1] * P)))
    laws = {
        "binary": measure.Binary(D),
        "uniform": measure.Uniform(-1.0, 1.0, D),
        "marginal": measure.Marginals(x),
    }
    lam = [1e-4, 1e-2, 1.0]
    curve = theory.solve_on_data(
        F,
        x,
        y,
        P=P,
        overparam=_RATIOS,
        lam=lam,
        laws=laws,
    )
    run = simulate.run_on_data(
        F,
        x,
        y,
        P=P,
        overparam=_TRAINED,
        lam=lam,
        laws=laws,
        seeds=12,
        progress=progress,
    )
    return curve, run
