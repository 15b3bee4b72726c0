"""The twin peaks: training error, test error and mean dimension against overparameterisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from twinpeaks import theory
from twinpeaks.figures.lines import Rows, per_loss
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.equations.thresholds import with_threshold
from twinpeaks.theory.family import belongs, difference, same_text, settled
from twinpeaks.theory.names import NAMES, label
from twinpeaks.validate import over_seeds

__all__ = ["twin_peaks"]

_MARKERS = "oDs^v"
_DOTTED: dict[str, Any] = {"color": "0.4", "linestyle": ":", "linewidth": 0.8}


def twin_peaks(
    curve: xr.Dataset | Mapping[str, tuple[xr.Dataset, xr.Dataset | None]],
    run: xr.Dataset | None = None,
    *,
    problem: theory.Problem | Mapping[str, theory.Problem] | None = None,
    panels: Sequence[str] = ("train_error", "test_error", "bmd"),
) -> Figure:
    """Draw errors and mean dimension against N/P: lines are theory, points are simulation.

    Parameters
    ----------
    curve : xarray.Dataset or mapping of str to (curve, run)
        Theory with an ``overparam`` dimension and at most one other, ``lam``: one line per lam.
        Where it has a variable ``threshold`` (the N/P of interpolation, as files of ``twinpeaks
        solve`` do), a dotted line is there. A mapping draws one row of panels per item under its
        label, so that problems can be set below each other; a run may be None there.
    run : xarray.Dataset, optional
        Simulation of the same problem: means over seeds, with bars of one standard error. Points
        at which a seed failed are not drawn. Sizes D differ by marker, the largest is filled.
    problem : Problem or mapping of str to Problem, optional
        What ``curve`` solves, to mark its interpolation threshold when the Dataset does not carry
        it; with a mapping of rows, a mapping by the same labels.
    panels : sequence of str
        Variables, from left to right.

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width; save it with :func:`figures.save`.

    Raises
    ------
    ValueError
        If a Dataset has dimensions this figure cannot show, lacks a panel's variable, or is of
        another problem.

    Examples
    --------
    >>> fig = twin_peaks({"square loss": (s, s_run), "logistic loss": (l, None)})  # doctest: +SKIP
    """
    if isinstance(curve, xr.Dataset):
        rows = {"": (curve, run)}
    elif run is not None:
        raise ValueError("run: with a mapping, give the simulations inside it, as (curve, run)")
    else:
        rows = dict(curve)
    if not rows:
        raise ValueError("curve: the mapping is empty; give at least one label: (curve, run)")
    given = problem if isinstance(problem, Mapping) else dict.fromkeys(rows, problem)
    unknown = [text for text in given if text not in rows]
    if unknown:
        raise ValueError(f"problem: there is no row {unknown[0]!r}; rows are {', '.join(rows)}")
    rows = {text: (_marked(row[0], given.get(text)), row[1]) for text, row in rows.items()}
    for exact, simulation in rows.values():
        _check(exact, "curve", {"overparam", "lam"}, panels)
        if simulation is not None:
            _check(simulation, "run", {"overparam", "lam", "seed", "D"}, panels)
            one, other = settled(exact), settled(simulation)
            if not same_text(one.attrs.get("problem", ""), other.attrs.get("problem", "")):
                raise ValueError(
                    f"run: {difference(one, other)}, or draw them in rows of their own"
                )

    pairs = [data for row in rows.values() for data in row if data is not None]
    lams = sorted({float(v) for data in pairs for v in np.atleast_1d(data["lam"])})
    colour = dict(zip(lams, colours(len(lams)), strict=True))
    sizes = sorted({int(d) for data in pairs if "D" in data.coords for d in np.atleast_1d(data.D)})
    # The largest size, nearest to the theory, gets the first and only filled marker.
    marker = {d: _MARKERS[i % len(_MARKERS)] for i, d in enumerate(reversed(sizes))}

    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 0.45 + 1.95 * len(rows)), layout="constrained")
        axes = fig.subplots(len(rows), len(panels), sharex=True, squeeze=False)
        for (text, (exact, simulation)), row in zip(rows.items(), axes, strict=True):
            row[0].set_title(text, loc="left")
            for name, ax in zip(panels, row, strict=True):
                for threshold in _thresholds(exact):
                    ax.axvline(threshold, **_DOTTED, zorder=0)
                _draw_theory(ax, exact[name], colour)
                if simulation is not None:
                    _draw_simulation(ax, simulation, name, colour, marker)
                ax.set_ylabel(label(name))
                _log_ticks(ax)
        for ax in axes[-1]:
            ax.set_xlabel(label("overparam"))
        handles = _legend(colour, marker, any(s is not None for _, s in rows.values()))
        if any(_thresholds(exact) for exact, _ in rows.values()):
            handles.append(Line2D([], [], **_DOTTED, label=label("threshold")))
        fig.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))
    return fig


def data(progress: Callable[[int, int], None] | None = None) -> tuple[Rows]:
    """Theory alone: square and logistic loss, tanh features, a sign teacher at P/D = 3."""

    def make(problem: theory.Problem) -> xr.Dataset:
        # the peaks lie there, and are cut off between two points of a grid
        marked = float(theory.interpolation_threshold(problem, 3.0))
        width, ridges = (
            np.unique([*np.geomspace(0.05, 30, 400), 1.0, marked]),
            [1e-4, 1e-2, 0.1, 1.0],
        )
        return _marked(theory.solve(problem, overparam=width, alpha_T=3.0, lam=ridges), problem)

    return per_loss((theory.Square(), theory.Logistic()), make, progress)


def _check(data: xr.Dataset, name: str, known: set[str], panels: Sequence[str]) -> None:
    if "overparam" not in data.dims:
        on = ", ".join(map(str, data["overparam"].dims)) if "overparam" in data.coords else ""
        remedy = (
            f"overparam lies along {on}; put it in place of that, {name}.swap_dims({on}='overparam')"
            if on
            else "solve or simulate for several values of it"
        )
        raise ValueError(f"{name}: it has no dimension overparam to draw against; {remedy}")
    extra = [str(d) for d in data.dims if d not in known and data.sizes[d] > 1]
    if extra:
        raise ValueError(
            f"{name}: this figure cannot show the dimension {extra[0]}; select one value, "
            f"{name}.sel({extra[0]}=...)"
        )
    missing = [p for p in panels if p not in data]
    if missing:
        raise ValueError(f"{name}: it has no variable {missing[0]}; choose other panels")


def _marked(curve: xr.Dataset, problem: theory.Problem | None) -> xr.Dataset:
    """Add the interpolation threshold of the problem, where it has one."""
    if problem is None or "threshold" in curve:
        return curve
    if not belongs(problem, curve):
        raise ValueError(f"problem = {problem!r}: the curve solves {curve.attrs.get('problem')}")
    return with_threshold(problem, curve)


def _thresholds(curve: xr.Dataset) -> list[float]:
    """Where the training error vanishes, if the theory says so."""
    if "threshold" not in curve:
        return []
    return [float(v) for v in np.atleast_1d(curve["threshold"].squeeze()) if np.isfinite(v)]


def _lines(data: xr.DataArray) -> list[tuple[float, xr.DataArray]]:
    """One curve per lam, ascending in overparam, and without dimensions of length one."""
    keep = ("overparam", "lam")
    data = data.squeeze([d for d in data.dims if d not in keep], drop=True).sortby("overparam")
    if "lam" not in data.dims:
        return [(float(data["lam"]), data)]
    return [(float(value), data.sel(lam=value)) for value in data["lam"]]


def _draw_theory(ax: Axes, data: xr.DataArray, colour: Mapping[float, str]) -> None:
    for lam, line in _lines(data):
        # NaN, a point that did not converge, leaves a gap.
        ax.plot(line["overparam"].values, line.values, color=colour[lam], zorder=2)


def _draw_simulation(
    ax: Axes,
    run: xr.Dataset,
    name: str,
    colour: Mapping[float, str],
    marker: Mapping[int, str],
) -> None:
    statistics = over_seeds(run, [name])
    mean, error = statistics.mean[name], statistics.standard_error[name]
    largest = max(marker, default=0)
    for size in np.atleast_1d(run["D"]) if "D" in run.coords else [0]:
        at = {"D": size} if "D" in run.dims else {}
        pairs = zip(_lines(mean.sel(at)), _lines(error.sel(at)), strict=True)
        for (lam, value), (_, bar) in pairs:
            ax.errorbar(
                value["overparam"].values,
                value.values,
                yerr=bar.values,
                linestyle="none",
                marker=marker.get(int(size), _MARKERS[0]),
                color=colour[lam],
                # the largest size is a dot, the others are rings that do not hide it
                markerfacecolor=colour[lam] if size == largest else "none",
                markersize=3.2 if size == largest else 4.6,
                markeredgewidth=0.7,
                elinewidth=0.8,
                zorder=3,
            )


def _log_ticks(ax: Axes) -> None:
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    narrow = np.log10(high / low) < 1.7  # a single decade would leave one number on the axis
    ax.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_locator(LogLocator(10, subs=tuple(range(2, 10))))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _legend(
    colour: Mapping[float, str], marker: Mapping[int, str], simulated: bool
) -> list[Line2D]:
    handles = [
        Line2D([], [], color=c, label=f"${NAMES['lam'].symbol} = {_power_of_ten(lam)}$")
        for lam, c in colour.items()
    ]
    if simulated and not marker:
        handles.append(
            Line2D([], [], color="0.3", linestyle="none", marker=_MARKERS[0], label="simulation")
        )
    for size in sorted(marker):
        handles.append(
            Line2D(
                [],
                [],
                color="0.3",
                linestyle="none",
                marker=marker[size],
                markerfacecolor="0.3" if size == max(marker) else "none",
                markersize=3.2 if size == max(marker) else 4.6,
                label=rf"${NAMES['D'].symbol} = {size}$ ($\pm$ 1 s.e.)",
            )
        )
    return handles


def _power_of_ten(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    if -2 <= int(exponent) <= 3:
        return f"{value:.3g}"
    power = f"10^{{{int(exponent)}}}"
    return power if float(mantissa) == 1 else rf"{float(mantissa):g} \times {power}"
