"""Polynomials in 1/D through means of known standard error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array

__all__ = ["Fit", "fit_inverse_size"]

_CONDITIONING = 1e-3  # smallest ratio of standard errors that the weights resolve


class Fit(NamedTuple):
    """A weighted least-squares polynomial sum_k a_k / D^k, or a_k / D^(k/2), point by point.

    Attributes
    ----------
    value, error, dof : xarray.DataArray
        a_k, its standard error and the degrees of freedom of Student's law, over ``power`` = k
        instead of ``D``.
    to_value : xarray.DataArray
        The weights c of a_k = sum_D c_kD mean_D.
    misfit : xarray.DataArray
        Sum of squared residuals in units of the standard errors.
    """

    value: xr.DataArray
    error: xr.DataArray
    dof: xr.DataArray
    to_value: xr.DataArray
    misfit: xr.DataArray


def fit_inverse_size(
    mean: xr.DataArray,
    error: xr.DataArray,
    dof: xr.DataArray,
    order: int,
    slow: tuple[str, ...] = (),
) -> Fit:
    """Fit a polynomial in 1/D by weighted least squares.

    Parameters
    ----------
    mean, error, dof : xarray.DataArray
        Means, their standard errors and the degrees of freedom of these; with a dimension ``D``.
        Sizes are taken as independent.
    order : int
        Degree, below the number of sizes.
    slow : tuple of str
        Entries of ``variable`` that are fitted in powers of D^(-1/2) instead.

    Returns
    -------
    Fit
        NaN where a mean or an error is NaN.

    Notes
    -----
    With weights 1/error^2 the coefficients are linear in the means, a = sum_D c_D mean_D, so

        var(a) = sum_D c_D^2 error_D^2 [ 1 + 4 (1 - h_D) / dof_D ],
        dof(a) = (sum_D c_D^2 error_D^2)^2 / sum_D [ (c_D^2 error_D^2)^2 / dof_D ],

    the second by Welch and Satterthwaite. With more sizes than coefficients the weights depend on
    errors that are themselves estimated; the bracket, in which h_D is the leverage of D, accounts for
    it to first order in 1/dof (M. G. Kenward, J. H. Roger, Biometrics 53, 983 (1997); for a single
    coefficient P. Meier, Biometrics 9, 59 (1953)). Of right limits are then rejected at level 1e-3
    with three sizes 2 in 1000 at 8 seeds and with five 3, at 4 seeds 3 and 7, and from 16 seeds on at
    most 1.6 (without the bracket: 2.5 and 6, 4 and 14, 2.8). With as many sizes as coefficients
    h_D = 1, and no more than 1.2 in 1000 are at any number.
    """
    # Standard errors far apart would cancel in the normal equations. Only the weights are limited:
    # the fit stays unbiased, and its uncertainty is that of the limited weights.
    largest = error.max("D", skipna=False)
    weight = (largest / error.clip(min=_CONDITIONING * largest)).fillna(1.0).transpose(..., "D")
    smallest = float(mean["D"].min())
    powers = np.arange(order + 1)
    half = _exponents(weight, slow)[..., None, None] * powers
    design = weight.values[..., None] * (smallest / mean["D"].values[:, None]) ** half
    Q, R = np.linalg.qr(design)
    solved = np.linalg.solve(R, np.swapaxes(Q, -1, -2)) * weight.values[..., None, :]
    to_value = xr.DataArray(
        solved * np.swapaxes(smallest**half, -1, -2),
        {**{d: weight[d] for d in weight.dims if d in weight.coords}, "power": powers},
        (*weight.dims[:-1], "power", "D"),
    )
    value = (to_value * mean).sum("D", skipna=False)
    parts = (to_value * error) ** 2
    first_order = parts.sum("D", skipna=False)
    leverage = xr.DataArray((Q**2).sum(axis=-1), weight.coords, weight.dims)
    variance = (parts * (1 + 4 * (1 - leverage) / dof)).sum("D", skipna=False)
    exponent = xr.DataArray(_exponents(weight, slow), dims=weight.dims[:-1]) * to_value["power"]
    expected = (value / mean["D"].astype(float) ** exponent).sum("power", skipna=False)
    return Fit(
        value,
        variance**0.5,
        first_order**2 / (parts**2 / dof).sum("D", skipna=False),
        to_value,
        (((mean - expected) / error) ** 2).sum("D", skipna=False),
    )


def _exponents(weight: xr.DataArray, slow: tuple[str, ...]) -> Array:
    """The exponent of 1/D at every point: 1, or 1/2 for variables that converge slowly."""
    others = weight.isel(D=0)
    if not slow or "variable" not in others.dims:
        return np.ones(others.shape)
    exponent = 1.0 - 0.5 * others["variable"].isin(list(slow))
    return np.asarray(exponent.broadcast_like(others).transpose(*others.dims).values)
