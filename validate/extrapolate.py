"""Finite-size bias told apart from noise: the simulation continued to infinite size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from validate.pooled import two_sided

__all__ = ["summarise"]

_CONDITIONING = 1e-3  # smallest ratio of standard errors that the weights resolve


def summarise(comparison: xr.Dataset) -> xr.Dataset:
    """Extrapolate every point to infinite size and set the limit beside the theory.

    Parameters
    ----------
    comparison : xarray.Dataset
        From :func:`validate.compare`, with at least two values of ``D``.

    Returns
    -------
    xarray.Dataset
        Per ``variable`` and point (dimensions of ``comparison`` except ``D``):

        - ``intercept``, ``intercept_error``: the D -> infinity limit and its standard error;
        - ``slope``, ``slope_error``: of the finite-size bias slope / D;
        - ``theory``, ``difference`` = intercept - theory, ``z``, ``dof``, ``p_value``;
        - ``fit_chi_square``: misfit of the straight line, for sizes - 2 degrees of freedom
          (attribute ``fit_dof``; with two sizes the line is exact and this is 0).

        Per ``variable``: ``pooled_z`` and ``pooled_p_value``, the test of all points together
        (:func:`validate.pooled.pooled_deviation`); ``points`` with a number, ``largest_z`` (by
        modulus), ``chi_square`` and ``chi_square_p``. Attribute ``untested`` counts what is NaN.

    Raises
    ------
    ValueError
        If it is no comparison, or has fewer than two sizes.

    Notes
    -----
    At each point, mean_D = a + b / D + noise is fitted by weighted least squares with weights
    1 / standard_error^2. The estimates are linear in the means, a = sum_D c_D mean_D, so

        var(a) = sum_D c_D^2 se_D^2,
        dof(a) = var(a)^2 / sum_D [ (c_D^2 se_D^2)^2 / dof_D ]    (Welch-Satterthwaite),

    which treats sizes as independent. ``p_value`` is that of Student's t.

    The pooled chi-square is the sum of squares of the normal scores with the same p-values. It
    is a description, not a test: points that differ only in ``lam`` share their instances, so
    that the sum is broader than chi-square. :func:`validate.agrees` decides without it.
    """
    known = isinstance(comparison, xr.Dataset)
    kind = comparison.attrs.get("kind") if known else type(comparison).__name__
    if kind != "comparison":
        raise ValueError(f"comparison has kind = {kind!r}: give what validate.compare returns")
    if comparison.sizes.get("D", 1) < 2:
        raise ValueError(
            "D: the comparison has one size, and bias cannot be told from noise; simulate at two "
            "or more sizes"
        )
    line = _fit(comparison, "mean", "standard_error", comparison["dof"])
    z = (line.intercept - comparison["theory"]) / line.intercept_error
    p_value = two_sided(z, line.dof)
    sizes = comparison.sizes["D"]
    pooled = {}
    if "pooled_mean" in comparison:
        seeds = comparison["dof"].max() + 0.0 * comparison["pooled_mean"]
        together = _fit(comparison, "pooled_mean", "pooled_error", seeds)
        pooled_z = together.intercept / together.intercept_error
        pooled = {"pooled_z": pooled_z, "pooled_p_value": two_sided(pooled_z, together.dof)}
        pooled["pooled_points"] = comparison["pooled_points"].min("D")
    points = [d for d in z.dims if d != "variable"]
    # Halved and floored so that neither end of the scale becomes an infinite score.
    score = xr.apply_ufunc(lambda p: stats.norm.isf(np.maximum(p, 1e-300) / 2), p_value)
    counted = z.notnull().sum(points)
    chi_square = (score**2).sum(points)
    return xr.Dataset(
        {
            "theory": comparison["theory"],
            "intercept": line.intercept,
            "intercept_error": line.intercept_error,
            "slope": line.slope,
            "slope_error": line.slope_error,
            "difference": line.intercept - comparison["theory"],
            "z": z,
            "dof": line.dof,
            "p_value": p_value,
            "fit_chi_square": line.misfit if sizes > 2 else xr.zeros_like(z),
            **pooled,
            "points": counted,
            "largest_z": abs(z).max(points),
            "chi_square": chi_square,
            "chi_square_p": xr.apply_ufunc(stats.chi2.sf, chi_square, counted).where(counted > 0),
        },
        attrs={
            **comparison.attrs,
            "kind": "summary",
            "fit_dof": sizes - 2,
            "untested": int(z.isnull().sum()),
        },
    ).transpose("variable", ...)


class _Line(NamedTuple):
    intercept: xr.DataArray
    intercept_error: xr.DataArray
    slope: xr.DataArray
    slope_error: xr.DataArray
    dof: xr.DataArray
    misfit: xr.DataArray


def _fit(comparison: xr.Dataset, mean_name: str, error_name: str, dof: xr.DataArray) -> _Line:
    """Weighted straight line in 1/D."""
    mean, error = comparison[mean_name], comparison[error_name]
    x = 1.0 / comparison["D"].astype(float)
    # Standard errors far apart would cancel in the normal equations. Only the weights are limited:
    # the line stays unbiased, and its uncertainty is that of the limited weights.
    largest = error.max("D", skipna=False)
    weight = (largest / error.clip(min=_CONDITIONING * largest)) ** 2
    total = weight.sum("D", skipna=False)
    centre = (weight * x).sum("D", skipna=False) / total
    spread = (weight * (x - centre) ** 2).sum("D", skipna=False)
    to_slope = weight * (x - centre) / spread
    to_intercept = weight / total - centre * to_slope
    intercept = (to_intercept * mean).sum("D", skipna=False)
    slope = (to_slope * mean).sum("D", skipna=False)
    parts = (to_intercept * error) ** 2
    variance = parts.sum("D", skipna=False)
    return _Line(
        intercept,
        variance**0.5,
        slope,
        ((to_slope * error) ** 2).sum("D", skipna=False) ** 0.5,
        variance**2 / (parts**2 / dof).sum("D", skipna=False),
        (((mean - intercept - slope * x) / error) ** 2).sum("D", skipna=False),
    )
