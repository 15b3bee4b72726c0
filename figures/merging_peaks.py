"""As the ridge penalty vanishes, the peaks of test error and mean dimension merge at the threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks import theory
from twinpeaks.figures.lines import Rows, per_loss, read_lines
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import NAMES, label

__all__ = ["merging_peaks"]


def merging_peaks(
    curve: xr.Dataset | Mapping[str, tuple[xr.Dataset, xr.Dataset | None]],
) -> Figure:
    """Draw where the two peaks stand, and the distance between them, against the ridge penalty.

    Parameters
    ----------
    curve : xarray.Dataset or mapping of str to (curve, None)
        Over ``lam`` alone, with variables ``bmd`` and ``test_error`` that hold the locations of
        their peaks (``theory.peak(...).location``, NaN where there is none), and ``threshold``
        (``theory.interpolation_threshold``). Of a mapping, one colour per label.

    Returns
    -------
    matplotlib.figure.Figure
        Left, the distance of either peak from the threshold, in units of it; right, the distance
        between the peaks, with the power of lam that its last two points give.

    Raises
    ------
    ValueError
        If a Dataset has other dimensions or lacks a variable.
    """
    lines = read_lines(curve, "lam")
    for exact in lines.values():
        missing = [name for name in ("bmd", "test_error", "threshold") if name not in exact]
        if missing:
            raise ValueError(f"curve: it has no variable {missing[0]}")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 2.7), layout="constrained")
        places, gaps = fig.subplots(1, 2)
        for (loss, exact), colour in zip(lines.items(), colours(len(lines)), strict=True):
            line = exact.sortby("lam").dropna("lam", subset=["bmd", "test_error"])
            lam, threshold = line.lam.values, float(line.threshold)
            for name, style in (("bmd", "-"), ("test_error", "--")):
                distance = np.abs(line[name].values / threshold - 1)
                places.loglog(lam, distance, style, color=colour)
            gap = np.abs(line.bmd.values - line.test_error.values) / threshold
            power = np.diff(np.log(gap[:2]))[0] / np.diff(np.log(lam[:2]))[0]
            text = rf"{loss}: $\lambda^{{{power:.2f}}}$".removeprefix(": ")
            gaps.loglog(lam, gap, "o-", color=colour, label=text)
        places.plot([], [], "-", color="0.4", label=NAMES["bmd"].long_name)
        places.plot([], [], "--", color="0.4", label=NAMES["test_error"].long_name)
        places.set(ylabel="distance of the peak\nfrom the threshold, relative")
        gaps.set(ylabel="distance between the peaks,\nrelative to the threshold")
        for ax in (places, gaps):
            ax.set(xlabel=label("lam"))
            ax.legend()
    return fig


def data(progress: Callable[[int, int], None] | None = None) -> tuple[Rows]:
    """Locations of both peaks for lam from 1e-9 to 1e-5.

    tanh features, sign teacher, P/D = 3; square loss and hinge loss.
    """

    def make(problem: theory.Problem) -> xr.Dataset:
        threshold = float(theory.interpolation_threshold(problem, 3.0))
        places = {
            name: theory.peak(
                problem,
                name,
                alpha_T=3.0,
                lam=np.geomspace(1e-9, 1e-5, 9),
                between=(0.8 * threshold, 1.25 * threshold),
                throw=False,
            ).location
            for name in ("bmd", "test_error")
        }
        return xr.Dataset({**places, "threshold": threshold})

    return per_loss((theory.Square(), theory.Hinge()), make, progress)
