"""What figures of lines share: reading the curves, making them for two losses, means over networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import xarray as xr
from matplotlib.axes import Axes

from twinpeaks import theory

__all__ = ["Rows", "over_networks", "per_loss", "read_lines", "require_dims", "trained"]

Rows = dict[str, tuple[xr.Dataset, None]]


def read_lines(
    curve: xr.Dataset | Mapping[str, tuple[xr.Dataset, xr.Dataset | None]], dim: str
) -> dict[str, xr.Dataset]:
    """The curves by label, a single one without, or a ValueError if one is not over ``dim`` alone."""
    rows = {"": (curve, None)} if isinstance(curve, xr.Dataset) else dict(curve)
    lines = {label: exact.squeeze(drop=True) for label, (exact, _) in rows.items()}
    for exact in lines.values():
        if tuple(exact.dims) != (dim,):
            raise ValueError(
                f"curve: it has dimensions {tuple(exact.dims)}; this figure draws against {dim} "
                "alone, so select one value of the others"
            )
    return lines


def per_loss(
    losses: tuple[theory.Loss, ...],
    make: Callable[[theory.Problem], xr.Dataset],
    progress: Callable[[int, int], None] | None,
) -> tuple[Rows]:
    """Make the curve of each loss, with tanh features and a sign teacher."""
    rows: Rows = {}
    for done, loss in enumerate(losses, 1):
        rows[f"{type(loss).__name__.lower()} loss"] = (make(theory.Problem(loss=loss)), None)
        if progress is not None:
            progress(done, len(losses))
    return (rows,)


def over_networks(
    ax: Axes, values: xr.DataArray, x: str, colour: str, label: str = "", *, joined: bool = True
) -> None:
    """Means over seeds against ``x``, with their standard errors; points with a failed seed are left out.

    Parameters
    ----------
    ax : Axes
    values : DataArray over seed and one dimension more
    x : str
        A coordinate of that dimension.
    colour, label : str
    joined : bool
        Whether a line runs through the points.
    """
    mean = values.mean("seed", skipna=False)
    error = values.std("seed", ddof=1, skipna=False) / values.sizes["seed"] ** 0.5
    ax.errorbar(
        mean[x].values, mean.values, error.values, color=colour, label=label or None, marker="o",
        linestyle="-" if joined else "none", markersize=3.0, elinewidth=0.8, linewidth=1.0, zorder=3,
    )  # fmt: skip


def require_dims(data: xr.Dataset | xr.DataArray, name: str, *dims: str) -> None:
    """Refuse an argument of a figure that lacks a dimension to draw.

    Raises
    ------
    ValueError
        Names the argument and the dimension.
    """
    for dim in dims:
        if dim not in data.dims:
            raise ValueError(f"{name}: it has no dimension {dim} to draw; it has {[*data.dims]}")


def trained(
    experiment: Callable[..., xr.Dataset],
    progress: Callable[[int, int], None] | None,
    images: Path | None,
    full: bool,
    store: Path | None,
    scheduler: str | None,
) -> tuple[xr.Dataset]:
    """What an experiment with networks returns, on the digits of scikit-learn or on images of a file."""
    from twinpeaks.networks import Idx  # torch, for networks alone

    data = None if images is None else Idx(images, pool=2)
    resources = {"store": store, "scheduler": scheduler, "progress": progress or False}
    return (experiment(data, full=full, **resources),)
