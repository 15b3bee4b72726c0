"""How a point is named in messages and tables."""

from __future__ import annotations

import xarray as xr

__all__ = ["AXES", "describe"]

#: Axes in the order in which people name them.
AXES = ("variable", "overparam", "alpha_T", "lam", "beta", "D", "seed")


def describe(point: xr.DataArray | xr.Dataset) -> str:
    """Name one point by its coordinates.

    Parameters
    ----------
    point : xarray.DataArray or xarray.Dataset
        Without dimensions.

    Returns
    -------
    str
        For example ``"bmd, overparam = 1, lam = 0.0001"``.
    """
    parts = []
    for axis in AXES:
        if axis in point.coords:
            value = point[axis].item()
            parts.append(value if isinstance(value, str) else f"{axis} = {value:.6g}")
    return ", ".join(parts)
