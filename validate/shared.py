"""What points have in common: those that differ in lam or beta alone are measured on one instance."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

__all__ = ["ChiSquare", "chi_square", "shared_correlation"]

_SIZES = ("overparam", "alpha_T", "D")
_PAIR = ("first", "second")


class ChiSquare(NamedTuple):
    """A sum of squared scores, its effective degrees of freedom and its p-value."""

    value: xr.DataArray
    dof: xr.DataArray
    p_value: xr.DataArray


def _sharing(data: xr.Dataset | xr.DataArray) -> list[Hashable]:
    """Dimensions along which instances are shared: those that change no size."""
    sizes = {d for name in _SIZES if name in data.coords for d in data[name].dims}
    return sorted((d for d in data.dims if d not in {*sizes, "variable", "seed"}), key=str)


def shared_correlation(run: xr.Dataset, names: list[str]) -> xr.DataArray | None:
    """Correlation over seeds between the points that share their instances.

    Parameters
    ----------
    run : xarray.Dataset
        Simulation with a dimension ``seed``.
    names : list of str
        Its variables.

    Returns
    -------
    xarray.DataArray or None
        Over ``variable``, the dimensions that do not share, and ``first`` and ``second``, which number
        the points that do. 0 between two points of which
        one has no spread; None where no axis shares.
    """
    axes = _sharing(run)
    if not axes:
        return None
    x = run[names].astype(float).to_dataarray("variable")
    x = x.stack(point=axes).reset_index("point", drop=True).drop_vars("point", errors="ignore")
    deviation = x - x.mean("seed", skipna=False)
    first, second = (deviation.rename(point=name) for name in _PAIR)
    size = (deviation**2).sum("seed", skipna=False) ** 0.5
    scale = size.rename(point="first") * size.rename(point="second")
    product = xr.dot(first, second, dim="seed")
    correlation: xr.DataArray = (product / scale.where(scale > 0)).fillna(0.0)
    return correlation


def chi_square(
    p_value: xr.DataArray, share: xr.DataArray | None, correlation: xr.DataArray | None
) -> ChiSquare:
    """Chi-square over all points of each variable, with the law that it has under correlation.

    Parameters
    ----------
    p_value : xarray.DataArray
        Two-sided, over ``variable`` and points; NaN is left out.
    share : xarray.DataArray or None
        sqrt of the share of each ``D`` in the variance of a point; None without ``D``.
    correlation : xarray.DataArray or None
        From :func:`shared_correlation`; None for independent points.

    Returns
    -------
    ChiSquare

    Notes
    -----
    The sum X of the squares of k normal scores of correlation C has mean k and variance
    2 tr C^2. A chi-square of k^2 / tr C^2 degrees of freedom, scaled by tr C^2 / k, has the same
    mean and variance (F. E. Satterthwaite, Biometrics Bulletin 2, 110 (1946)); for independent
    points and for copies of one point it is exact. C is estimated over seeds, which makes
    tr C^2 a little too large: the test errs on the side of agreement.
    """
    points = [d for d in p_value.dims if d != "variable"]
    # Halved and floored so that neither end of the scale becomes an infinite score.
    score = xr.apply_ufunc(lambda p: stats.norm.isf(np.maximum(p, 1e-300) / 2), p_value)
    value = (score**2).sum(points)
    number = p_value.notnull().sum(points).astype(float)
    trace = number if correlation is None else _trace(score, share, correlation)
    used = number.where(number > 0)
    dof = used**2 / trace
    return ChiSquare(value, dof, xr.apply_ufunc(stats.chi2.sf, value * used / trace, dof))


def _trace(
    score: xr.DataArray, share: xr.DataArray | None, correlation: xr.DataArray
) -> xr.DataArray:
    """Tr C^2 for each variable, of the points that have a score."""
    axes = _sharing(score)

    def pairs(x: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
        flat = (
            x.stack(point=axes).reset_index("point", drop=True).drop_vars("point", errors="ignore")
        )
        return flat.rename(point="first"), flat.rename(point="second")

    if share is not None:
        one, two = pairs(share)
        correlation = (one * two * correlation).sum("D")
    used, also = pairs(score.notnull())
    squared = (correlation**2).where(used & also, 0.0)
    return squared.sum([d for d in squared.dims if d != "variable"])
