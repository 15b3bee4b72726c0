"""Maps of test error and mean dimension over overparameterisation, ridge penalty and temperature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from twinpeaks import theory
from twinpeaks.figures.style import TWO_COLUMNS, article
from twinpeaks.theory.names import NAMES, label

__all__ = ["maps"]

_COLOURS = {"test_error": "viridis", "bmd": "magma"}
_AXES = ("lam", "beta")
_RIM = [withStroke(linewidth=2.2, foreground="0.15")]
_LINES: dict[str, dict[str, Any]] = {
    "threshold": {"linestyle": ":", "label": label("threshold")},
    "peak": {"linestyle": "-", "label": "peak along $N/P$"},
    "optimal_lam": {"linestyle": "-.", "label": r"$\lambda$ of least test error"},
}


def maps(*rows: xr.Dataset) -> Figure:
    """Draw one row of maps per Dataset, with threshold, peaks and optimal penalty on top.

    Parameters
    ----------
    *rows : xarray.Dataset
        Theory over (overparam, lam) or (overparam, beta). Optional variables become lines:
        ``threshold`` (N/P, a number), ``peak_test_error`` and ``peak_bmd`` (N/P for each lam or
        beta) and ``optimal_lam`` (lam for each overparam).

    Returns
    -------
    matplotlib.figure.Figure
        Of two-column width.

    Raises
    ------
    ValueError
        If a Dataset has other dimensions.
    """
    if not rows:
        raise ValueError(
            "rows: give at least one Dataset over (overparam, lam) or (overparam, beta)"
        )
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 0.5 + 2.5 * len(rows)), layout="constrained")
        axes = fig.subplots(len(rows), 2, squeeze=False)
        used: list[str] = []
        for data, pair in zip(rows, axes, strict=True):
            other = _other(data)
            for name, ax in zip(_COLOURS, pair, strict=True):
                _map(fig, ax, data[name].transpose(other, "overparam"), other)
                used += _lines(ax, data, other, name)
            fixed = [k for k in ("alpha_T", "lam", "beta") if k in data.coords and not data[k].dims]
            pair[0].set_title(
                ", ".join(f"${NAMES[k].symbol} = {_number(float(data[k]))}$" for k in fixed),
                loc="left",
            )
        handles = [Line2D([], [], color="0.15", **_LINES[k]) for k in _LINES if k in used]
        if handles:
            fig.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=3.0)
    return fig


def _number(value: float) -> str:
    if np.isinf(value):
        return r"\infty"
    exponent = np.log10(value)
    return (
        f"10^{{{exponent:.0f}}}" if exponent < -2 and exponent == round(exponent) else f"{value:g}"
    )


def _other(data: xr.Dataset) -> str:
    found = [d for d in _AXES if data.dims and set(data.dims) == {"overparam", d}]
    if not found:
        raise ValueError(
            f"rows: a Dataset has dimensions {tuple(data.dims)}; give (overparam, lam) or "
            "(overparam, beta), one value of everything else"
        )
    return found[0]


def _map(fig: Figure, ax: Axes, values: xr.DataArray, other: str) -> None:
    name = str(values.name)
    x, y = values["overparam"].values, values[other].values
    mesh = ax.pcolormesh(
        x, y, values.values, cmap=_COLOURS[name], shading="gouraud", rasterized=True
    )
    fig.colorbar(mesh, ax=ax, label=label(name), pad=0.02)
    ax.set(xscale="log", yscale="log", xlabel=label("overparam"), ylabel=label(other))


def _lines(ax: Axes, data: xr.Dataset, other: str, quantity: str) -> list[str]:
    """Lines that the Dataset carries for a quantity; their names."""
    limits = ax.get_xlim(), ax.get_ylim()
    style: dict[str, Any] = {"color": "white", "linewidth": 1.2, "path_effects": _RIM}
    lines = {name: data.get(f"peak_{quantity}" if name == "peak" else name) for name in _LINES}
    used = [name for name, found in lines.items() if found is not None]
    for name in used:
        line = {"linestyle": _LINES[name]["linestyle"]}
        if name == "threshold":
            ax.axvline(float(data["threshold"]), **style, **line)
        elif name == "optimal_lam":
            ax.plot(data["overparam"], data["optimal_lam"], **style, **line)
        else:
            ax.plot(data[f"peak_{quantity}"], data[other], **style, **line)
    ax.set(xlim=limits[0], ylim=limits[1])
    return used


def data(
    progress: Callable[[int, int], None] | None = None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Square loss, tanh features, a sign teacher at P/D = 3: over lam, and over beta at lam = 1e-4."""
    problem, widths = theory.Problem(), np.geomspace(0.05, 20, 160)
    threshold = theory.interpolation_threshold(problem, alpha_T=3.0)
    steps = iter(range(1, 8))

    def step() -> None:
        if progress is not None:
            progress(next(steps), 7)

    axes: list[dict[str, Any]] = [
        {"alpha_T": 3.0, "lam": np.geomspace(1e-5, 10, 120)},
        {"alpha_T": 3.0, "lam": 1e-4, "beta": np.geomspace(1, 1e6, 120)},
    ]
    rows = []
    for at in axes:
        row = theory.solve(problem, overparam=widths, **at).assign(threshold=threshold)
        step()
        for name in ("test_error", "bmd"):
            top = theory.peak(
                problem, name, along="overparam", between=(0.01, 100), throw=False, **at
            )
            row[f"peak_{name}"] = top["location"]
            step()
        rows.append(row)
    best = theory.optimal_lam(problem, overparam=widths, alpha_T=3.0)
    rows[0]["optimal_lam"] = ("overparam", best["lam"].values)
    step()
    return rows[0], rows[1]
