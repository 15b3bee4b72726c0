"""Scores of theory against simulation, beside the normal law that they follow when both are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from twinpeaks import theory, validate
from twinpeaks.figures.style import ONE_COLUMN, article, colours
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.names import NAMES

__all__ = ["qq"]

_SHOWN = ("test_error", "bmd", "q_d", "train_loss")
_BAND = 0.95


def qq(summary: xr.Dataset | Mapping[str, xr.Dataset]) -> Figure:
    """Draw the quantiles of z-scores against those of the normal law.

    Parameters
    ----------
    summary : xarray.Dataset or mapping of str to Dataset
        From ``validate.summarise`` or ``validate.compare``; of a mapping, the points of all are taken
        together. One line for each of test error, mean dimension, weight norm and training loss, of
        normal scores with the p-values of Student's law.

    Returns
    -------
    matplotlib.figure.Figure
        Of one-column width, with a band that each order statistic of as many independent scores leaves
        with probability 0.05. Points that share instances are not independent: their line may leave
        the band as a whole, by its offset or slope.

    Raises
    ------
    ValueError
        If there is no finite z.
    """
    several = [summary] if isinstance(summary, xr.Dataset) else list(summary.values())
    scores = {name: _scores(several, name) for name in _SHOWN}
    scores = {name: z for name, z in scores.items() if z.size}
    if not scores:
        raise ValueError("summary: it has no finite z of any variable shown here")
    with article():
        fig = Figure(figsize=(ONE_COLUMN, ONE_COLUMN), layout="constrained")
        ax = fig.subplots()
        expected, low, high = _band(max(z.size for z in scores.values()))
        ax.fill_between(expected, low, high, color="0.9", linewidth=0)
        ax.plot(expected, expected, color="0.4", linewidth=0.8)
        for (name, z), colour in zip(scores.items(), colours(len(scores)), strict=True):
            ax.plot(_band(z.size)[0], z, ".", color=colour, label=NAMES[name].long_name)
        ax.set(xlabel="quantile of the normal law", ylabel=r"score $z$ of theory and simulation")
        ax.legend()
    return fig


def _scores(several: list[xr.Dataset], name: str) -> Array:
    """Sorted normal scores of one variable."""
    found = [np.empty(0)]
    for data in several:
        if name in data["variable"]:
            z, p = (data[key].sel(variable=name).values.ravel() for key in ("z", "p_value"))
            known = np.isfinite(z)
            size = stats.norm.isf(np.maximum(p[known], 1e-300) / 2)
            found.append(np.sign(z[known]) * size)
    return np.sort(np.concatenate(found))


def _band(count: int) -> tuple[Array, ...]:
    """Medians and central intervals of the order statistics of normal scores."""
    rank = np.arange(1, count + 1)
    law = stats.beta(rank, count + 1 - rank)
    return tuple(
        np.asarray(stats.norm.ppf(law.ppf(share)))
        for share in (0.5, (1 - _BAND) / 2, (1 + _BAND) / 2)
    )


def data(progress: Callable[[int, int], None] | None = None) -> tuple[dict[str, xr.Dataset]]:
    """Square and logistic loss, tanh features: nine ratios, two ridge penalties, two small sizes."""
    from twinpeaks import simulate  # torch, for the default data alone

    out = {}
    at: dict[str, Any] = {"overparam": (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0, 1.5, 2.0)}
    at |= {"alpha_T": 3.0, "lam": (1e-2, 1.0)}
    for done, loss in enumerate((theory.Square(), theory.Logistic())):
        problem = theory.Problem(loss=loss)
        run = simulate.run(
            problem, **at, D=(40, 80), seeds=16, n_test=5000, n_flip=32, n_variance=4096
        )
        name = type(loss).__name__.lower()
        out[name] = validate.summarise(validate.compare(theory.solve(problem, **at), run))
        if progress is not None:
            progress(done + 1, 2)
    return (out,)
