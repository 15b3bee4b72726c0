"""How a point is named in messages and tables."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from twinpeaks.theory.family import varied
from twinpeaks.theory.names import AXES

__all__ = ["axes_of", "describe"]


def axes_of(data: xr.DataArray | xr.Dataset) -> tuple[str, ...]:
    """Coordinates that tell points apart, in the order in which people name them."""
    known = ("variable", *varied(data), *AXES, "D", "seed")
    return tuple(axis for axis in known if axis in data.coords)


def describe(point: xr.DataArray | xr.Dataset, axes: Sequence[str] = ()) -> str:
    """Name one point by its coordinates.

    Parameters
    ----------
    point : xarray.DataArray or xarray.Dataset
        Without dimensions.
    axes : sequence of str, optional
        The coordinates, by default :func:`axes_of` the point; stacking forgets which are varied.

    Returns
    -------
    str
        For example ``"bmd, overparam = 1, lam = 0.0001"``.
    """
    values = {axis: point[axis].item() for axis in axes or axes_of(point)}
    return ", ".join(v if isinstance(v, str) else f"{k} = {v:.6g}" for k, v in values.items())
