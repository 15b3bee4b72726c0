"""What corrupted labels do to training error, test error and mean dimension."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks import theory
from twinpeaks.figures.style import TWO_COLUMNS, article, colours
from twinpeaks.theory.names import label

__all__ = ["label_corruption"]

_ROWS = ("train_error", "test_error", "bmd")


def label_corruption(curves: Mapping[str, xr.Dataset]) -> Figure:
    """Draw training error, test error and mean dimension against N/P for several shares of flipped labels.

    Parameters
    ----------
    curves : mapping of str to xarray.Dataset
        Of ``theory.solve`` over ``flip`` and ``overparam``, by the name of the loss.

    Returns
    -------
    matplotlib.figure.Figure
        One column for each loss, one line for each flip.

    Raises
    ------
    ValueError
        If a curve has other dimensions.
    """
    for name, curve in curves.items():
        if set(curve.dims) != {"flip", "overparam"}:
            raise ValueError(f"{name}: it has the dimensions {curve.dims}; give flip and overparam")
    with article():
        fig = Figure(figsize=(TWO_COLUMNS, 5.0), layout="constrained")
        panels = fig.subplots(3, len(curves), sharex=True, sharey="row", squeeze=False)
        for column, (name, curve) in zip(panels.T, curves.items(), strict=True):
            column[0].set_title(name)
            for value, colour in zip(curve.flip.values, colours(curve.flip.size), strict=True):
                line = curve.sel(flip=value)
                for ax, row in zip(column, _ROWS, strict=True):
                    ax.semilogx(line.overparam, line[row], color=colour, label=f"flip {value:g}")
            column[-1].set(xlabel=label("overparam"))
        for ax, row in zip(panels[:, 0], _ROWS, strict=True):
            ax.set(ylabel=label(row))
        panels[0, 0].legend()
    return fig


def data(
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, xr.Dataset]]:
    """Square, logistic and hinge loss at P/D = 3, lam = 1e-3, flips up to 1/2.

    tanh features, sign teacher whose labels are flipped.
    """
    losses = {"square": theory.Square(), "logistic": theory.Logistic(), "hinge": theory.Hinge()}
    curves = {}
    for done, (name, loss) in enumerate(losses.items(), 1):
        curves[name] = theory.solve(
            theory.Problem(teacher=theory.FlippedSign(), loss=loss),
            vary={"teacher.flip": [0.0, 0.1, 0.25, 0.5]},
            overparam=np.geomspace(0.02, 20.0, 60),
            alpha_T=3.0,
            lam=1e-3,
        )
        if progress is not None:
            progress(done, len(losses))
    return (curves,)
