"""Adversarial robustness: flip rates of many models, and the one curve on which they fall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import special

from twinpeaks import theory
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import NAMES, label
from twinpeaks.theory.sensitivity.robustness import Norm
from twinpeaks.validate import over_seeds

__all__ = ["robustness"]

_MARKERS = {"l2": "o", "linf": "^"}
_BALLS = {"l2": r"$\ell_2$ ball", "linf": r"$\ell_\infty$ ball"}
_DUAL = {"l2": 1.0, "linf": float(np.sqrt(2 / np.pi))}


def robustness(rows: Mapping[str, tuple[xr.Dataset, xr.Dataset]], *, eps: float = 0.5) -> Figure:
    """Draw flip rates against N/P, against the mean dimension, and against its scaling variable.

    Parameters
    ----------
    rows : mapping of str to (curve, run)
        For each label a theory Dataset over ``overparam`` with a ``flip_rate`` over (overparam, norm,
        eps), and what :func:`simulate.attack` returned at some of these points.
    eps : float
        Radius shown in the first two panels; the third has all radii of the runs.

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width. Lines are theory; points are means over networks of the rate and of the
        mean dimension that was measured on them, with bars of one standard error. In the second and
        third panel the line is erf(h / sqrt(2)), h = eps sqrt(BMD), times sqrt(2 / pi) for l_inf.

    Raises
    ------
    ValueError
        If there is nothing to draw, a run was not made at ``eps``, or a Dataset has other dimensions.
    """
    if not rows:
        raise ValueError("rows: the mapping is empty; give at least one label: (curve, run)")
    for text, (curve, run) in rows.items():
        if "flip_rate" not in curve or curve["bmd"].dims != ("overparam",):
            raise ValueError(
                f"rows[{text!r}]: give a curve over overparam alone, with a flip_rate over "
                "(overparam, norm, eps)"
            )
        if "flip_rate" not in run or eps not in run["eps"].values:
            raise ValueError(f"rows[{text!r}]: the run has no flip_rate at eps = {eps:g}")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 3.0), layout="constrained")
        left, middle, right = fig.subplots(1, 3)
        largest: list[float] = []
        for (text, (curve, run)), colour in zip(rows.items(), colours(len(rows)), strict=True):
            line = curve["flip_rate"].sel(norm="l2", eps=eps)
            left.plot(curve["overparam"], line, color=colour, label=text)
            statistics = over_seeds(run, ["flip_rate", "bmd"])
            mean, error = statistics.mean, statistics.standard_error
            at = {"norm": "l2", "eps": eps}
            _points(left, run["overparam"], mean, error, at, colour, None)
            largest.append(float(mean["bmd"].max()))
            for norm in _MARKERS:
                at = {"norm": norm, "eps": eps}
                _points(middle, mean["bmd"], mean, error, at, colour, error["bmd"])
                for radius in run["eps"].values:
                    h = radius * _DUAL[norm] * np.sqrt(mean["bmd"])
                    at = {"norm": norm, "eps": radius}
                    _points(right, h, mean, error, at, colour, None)
        dimension = np.linspace(1.0, 1.03 * max(largest), 200)
        for dual in _DUAL.values():
            h = eps * dual * np.sqrt(dimension)
            middle.plot(dimension, special.erf(h / np.sqrt(2)), color="0.3", zorder=1)
        h = np.linspace(0.0, right.get_xlim()[1], 200)
        right.plot(h, special.erf(h / np.sqrt(2)), color="0.3", zorder=1)
        rate, symbol = NAMES["flip_rate"].long_name, NAMES["eps"].symbol
        at_eps = f"{rate} at ${symbol} = {eps:g}$"
        left.set(xscale="log", xlabel=label("overparam"), ylabel=at_eps)
        middle.set(xlabel=label("bmd"), ylabel=at_eps)
        right.set_xlabel(rf"$h = {symbol}\,\sqrt{{{NAMES['bmd'].symbol}}}$")
        right.set_ylabel(f"{rate} at all ${symbol}$")
        right.set(xlim=(0.0, None), ylim=(0.0, 1.02))
        left.set_title(_BALLS["l2"], loc="left")
        for ax in (middle, right):
            ax.set_title("both balls", loc="left")
        fig.legend(handles=_legend(left), loc="outside lower center", ncols=3)
    return fig


def _points(
    ax: Axes,
    x: xr.DataArray,
    mean: xr.Dataset,
    error: xr.Dataset,
    at: dict[str, Any],
    colour: str,
    across: xr.DataArray | None,
) -> None:
    ax.errorbar(
        x.values,
        mean["flip_rate"].sel(at).values,
        yerr=error["flip_rate"].sel(at).values,
        xerr=None if across is None else across.values,
        linestyle="none",
        marker=_MARKERS[at["norm"]],
        markersize=3.2,
        markerfacecolor=colour if at["norm"] == "l2" else "white",
        markeredgewidth=0.7,
        elinewidth=0.8,
        color=colour,
        zorder=3,
    )


def _legend(ax: Axes) -> list[Any]:
    lines, _ = ax.get_legend_handles_labels()
    for norm, marker in _MARKERS.items():
        face = "0.3" if norm == "l2" else "white"
        about = r"$\vert\delta\vert_2\leq\epsilon$"
        if norm == "linf":
            about = r"$\sqrt{D}\,\vert\delta\vert_\infty\leq\epsilon$; $h$ times $\sqrt{2/\pi}$"
        style: dict[str, Any] = {"linestyle": "none", "marker": marker, "markerfacecolor": face}
        lines.append(Line2D([], [], color="0.3", label=about, **style))
    lines.append(Line2D([], [], color="0.3", label=r"${\rm erf}(h/\sqrt{2})$"))
    return lines


def data(
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, tuple[xr.Dataset, xr.Dataset]]]:
    """Losses, activations, penalties and depths at P/D = 3; four attacked networks of D = 80 a point."""
    from twinpeaks import simulate  # torch, for the default data alone

    tanh, relu, erf = theory.Tanh(), theory.ReLU(), theory.Erf()
    cases: dict[str, tuple[theory.Problem, float]] = {
        r"square, tanh, $\lambda=10^{-4}$": (theory.Problem(tanh), 1e-4),
        r"square, tanh, $\lambda=0.1$": (theory.Problem(tanh), 0.1),
        r"square, ReLU, $\lambda=10^{-4}$": (theory.Problem(relu), 1e-4),
        r"logistic, tanh, $\lambda=10^{-4}$": (theory.Problem(tanh, loss=theory.Logistic()), 1e-4),
        r"hinge, erf, $\lambda=10^{-2}$": (theory.Problem(erf, loss=theory.Hinge()), 1e-2),
        r"square, tanh, 2 layers, $\lambda=10^{-2}$": (
            theory.Problem(tanh, features=theory.Deep(widths=(1.0,))),
            1e-2,
        ),
    }
    ratios, radii = [0.2, 0.4, 0.7, 1.0, 2.0], [0.1, 0.5, 1.5]
    rows = {}
    for number, (text, (problem, lam)) in enumerate(cases.items()):
        # a peak lies there, and is cut off between two points of a grid
        marked = float(theory.interpolation_threshold(problem, 3.0))
        width = np.unique([*np.geomspace(0.1, 10, 121), marked])
        curve = theory.solve(problem, overparam=width, alpha_T=3.0, lam=lam)
        balls: list[Norm] = ["l2", "linf"]
        rates = [theory.flip_rate(problem, curve, radii, norm) for norm in balls]
        curve = curve.assign(flip_rate=xr.concat(rates, xr.Variable("norm", balls)))

        def report(done: int, total: int, number: int = number) -> None:
            if progress is not None:
                progress(number * total + done, len(cases) * total)

        run = simulate.attack(
            problem,
            overparam=ratios,
            lam=lam,
            D=80,
            seeds=4,
            eps=radii,
            n_attack=640,
            device="cpu",
            progress=report,
        )
        rows[text] = (curve, run)
    return (rows,)
