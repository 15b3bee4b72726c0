"""Finite-size bias told apart from noise: the simulation continued to infinite size."""

from __future__ import annotations

import numpy as np
import xarray as xr

from twinpeaks.validate.line_fit import Fit, fit_inverse_size
from twinpeaks.validate.pooled import two_sided
from twinpeaks.validate.shared import chi_square

__all__ = ["summarise"]


def summarise(comparison: xr.Dataset, order: int = 1, slow: tuple[str, ...] = ()) -> xr.Dataset:
    """Extrapolate every point to infinite size and set the limit beside the theory.

    Parameters
    ----------
    comparison : xarray.Dataset
        From :func:`tp.compare`, with at least two values of ``D``.
    order : int
        Degree in 1/D of what is fitted: 1, a straight line, or 2, a parabola, which needs at least
        three sizes. Choose it before looking at z; ``bend_p_value`` says whether a line is enough.
    slow : tuple of str
        Variables whose bias is a series in D^(-1/2) instead of 1/D: ``("bmd", "bmd_mean")`` for an
        activation with kinks, such as ReLU, of which a flip of one input in D crosses the kink with
        a probability of order D^(-1/2).

    Returns
    -------
    xarray.Dataset
        Per ``variable`` and point (dimensions of ``comparison`` except ``D``):

        - ``intercept``, ``intercept_error``: the D -> infinity limit and its standard error;
        - ``slope``, ``slope_error``: of the finite-size bias slope / D;
        - ``theory``, ``difference`` = intercept - theory, ``z``, ``dof``, ``p_value``;
        - ``fit_chi_square``: misfit of the fit, for sizes - order - 1 degrees of freedom
          (attribute ``fit_dof``; with order + 1 sizes the fit is exact and this is 0);
        - ``bend``, ``bend_error``, ``bend_p_value``: the coefficient of the next power of 1/D and
          its test against 0, the lack of fit; NaN where the fit is exact.

        Per ``variable``: ``pooled_z`` and ``pooled_p_value``, the test of all points together
        (:func:`twinpeaks.validate.pooled.pooled_deviation`), ``pooled_visible``, the smallest common relative
        shift of the theory whose expected z is 1 (0.01 means that a theory 1 % off everywhere gives
        z = 1), and ``pooled_bend_p_value``, its lack of fit; ``points`` with a number, ``largest_z``
        (by modulus), ``chi_square`` of all points, its effective degrees of freedom
        ``chi_square_dof`` and ``chi_square_p`` (:func:`twinpeaks.validate.shared.chi_square`).
        Attribute ``untested`` counts what is NaN.

    Raises
    ------
    ValueError
        If it is no comparison, or ``order`` is not 1 or 2 or wants more sizes than there are.

    Notes
    -----
    At each point, mean_D = sum_k a_k / D^k + noise is fitted by weighted least squares
    (:func:`twinpeaks.validate.line_fit.fit_inverse_size`); ``p_value`` is that of Student's t. The lack of
    fit is not part of the verdict of :func:`validate.agrees`: it speaks of the sizes, not of the
    theory.
    """
    known = isinstance(comparison, xr.Dataset)
    kind = comparison.attrs.get("kind") if known else type(comparison).__name__
    if kind != "comparison":
        raise ValueError(f"comparison has kind = {kind!r}: give what tp.compare returns")
    if order not in (1, 2):
        raise ValueError(f"order = {order!r}: give 1 (a line in 1/D) or 2 (a parabola)")
    sizes = comparison.sizes.get("D", 1)
    if sizes < 2:
        raise ValueError(
            "D: the comparison has one size, and bias cannot be told from noise; simulate at two "
            "or more sizes"
        )
    if sizes <= order:
        raise ValueError(
            f"order = {order}: the comparison has {sizes} sizes; give order = 1, or simulate at "
            f"{order + 1} or more sizes"
        )
    means = (comparison["mean"], comparison["standard_error"], comparison["dof"])
    fit = fit_inverse_size(*means, order, slow)
    limit, error, dof = (part.isel(power=0, drop=True) for part in (fit.value, fit.error, fit.dof))
    z = (limit - comparison["theory"]) / error
    p_value = two_sided(z, dof)
    points = [d for d in z.dims if d != "variable"]
    parts = abs(fit.to_value.isel(power=0, drop=True)) * comparison["standard_error"]
    share = parts / (parts**2).sum("D", skipna=False) ** 0.5
    total = chi_square(p_value, share, comparison.get("correlation"))
    return xr.Dataset(
        {
            "theory": comparison["theory"],
            "intercept": limit,
            "intercept_error": error,
            "slope": fit.value.isel(power=1, drop=True),
            "slope_error": fit.error.isel(power=1, drop=True),
            "difference": limit - comparison["theory"],
            "z": z,
            "dof": dof,
            "p_value": p_value,
            "fit_chi_square": fit.misfit if sizes > order + 1 else xr.zeros_like(z),
            **_bend(means, order, slow),
            **_pooled(comparison, order, slow),
            "points": z.notnull().sum(points),
            "largest_z": abs(z).max(points),
            "chi_square": total.value,
            "chi_square_dof": total.dof,
            "chi_square_p": total.p_value,
        },
        attrs={
            **comparison.attrs,
            "kind": "summary",
            "order": order,
            "slow": ", ".join(slow),
            "fit_dof": sizes - order - 1,
            "untested": int(z.isnull().sum()),
        },
    ).transpose("variable", ...)


_Means = tuple[xr.DataArray, xr.DataArray, xr.DataArray]


def _bend(means: _Means, order: int, slow: tuple[str, ...]) -> dict[str, xr.DataArray]:
    """The coefficient beyond the fitted ones, with its test."""
    names = ["bend", "bend_error", "bend_p_value"]
    if means[0].sizes["D"] < order + 2:
        unknown = xr.full_like(means[0].isel(D=0, drop=True), np.nan)
        return dict.fromkeys(names, unknown)
    fit = fit_inverse_size(*means, order + 1, slow)
    value, error, dof = (part.isel(power=-1, drop=True) for part in (fit.value, fit.error, fit.dof))
    return dict(zip(names, (value, error, two_sided(value / error, dof)), strict=True))


def _pooled(comparison: xr.Dataset, order: int, slow: tuple[str, ...]) -> dict[str, xr.DataArray]:
    """The test of all points together, at infinite size."""
    if "pooled_mean" not in comparison:
        return {}
    seeds = comparison["dof"].max() + 0.0 * comparison["pooled_mean"]
    means = (comparison["pooled_mean"], comparison["pooled_error"], seeds)
    fit: Fit = fit_inverse_size(*means, order, slow)
    value, error, dof = (part.isel(power=0, drop=True) for part in (fit.value, fit.error, fit.dof))
    z = value / error
    return {
        "pooled_z": z,
        "pooled_p_value": two_sided(z, dof),
        "pooled_points": comparison["pooled_points"],
        "pooled_visible": error / abs(comparison["pooled_response"]),
        "pooled_bend_p_value": _bend(means, order, slow)["bend_p_value"],
    }
