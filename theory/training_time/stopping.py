"""``best_stopping``: when to stop training, against the best ridge penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Axes, Axis, Given, read_axes, read_axis
from twinpeaks.theory.family import Family, read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.landmarks.optimal import optimal_lam
from twinpeaks.theory.numerics.extremum import maxima
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.training_time.solve import check_flow, flow_on

__all__ = ["best_stopping"]

_RANGE = (1e-4, 1e10)
_GRID = 113  # eight times a decade
_CHOICES = {"test_error": -1.0, "bmd": 1.0}
_VARIABLES = ("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error", "test_error", "bmd")


def best_stopping(
    problem: Problem,
    *,
    overparam: Given,
    alpha_T: Given,
    lam: Given = 0.0,
    vary: Mapping[str, Given] | None = None,
    variable: str = "test_error",
) -> xr.Dataset:
    """Find the time of least test error, or that of the largest mean dimension.

    Parameters
    ----------
    problem, overparam, alpha_T, lam, vary
        As in ``solve_flow``, from w = 0.
    variable : str
        "test_error", which is minimised, or "bmd", which is maximised.

    Returns
    -------
    xarray.Dataset
        ``time``, ``time_error``, every variable of ``solve_flow`` there, and for the test error
        ``ridge_lam`` and ``ridge_value``: the best ridge penalty of ``optimal_lam``, trained to the end,
        and its test error. All of the first are NaN where the variable has no interior extremum between
        t = 1e-4 and 1e10: training is then best stopped at an end.

    Raises
    ------
    ValueError
        For what ``solve_flow`` or ``optimal_lam`` refuse, and for another variable.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> best = theory.best_stopping(theory.Problem(), overparam=1.0, alpha_T=3.0)
    >>> round(float(best.test_error), 4), round(float(best.ridge_value), 4)
    (0.1725, 0.1739)
    """
    if variable not in _CHOICES:
        raise ValueError(f"variable = {variable!r}: give one of {', '.join(_CHOICES)}")
    family = read_family(problem, vary)
    check_flow(problem, None)
    axes = read_axes(
        *family.axes,
        read_axis("overparam", overparam, "(0, inf)"),
        read_axis("alpha_T", alpha_T),
        read_axis("lam", lam),
        reserved=("time",),
    )
    sign = _CHOICES[variable]
    names = ("time", "time_error", *_VARIABLES)
    found = {name: np.full(axes.size, np.nan) for name in names}
    grid = np.linspace(np.log(_RANGE[0]), np.log(_RANGE[1]), _GRID)
    for index in range(axes.size):
        point = {axis.name: float(axes.flat(axis.name)[index]) for axis in axes}
        member = Family(family.member(point))

        def at(x: Array, point: dict[str, float] = point, member: Family = member) -> xr.Dataset:
            read = (read_axis(name, point[name]) for name in ("overparam", "alpha_T", "lam"))
            return flow_on(member, Axes((*read, Axis("time", np.exp(x), "time"))))

        def rise(_: Index, x: Array, at: object = at) -> Array:
            values = at(x.ravel())[variable].values  # type: ignore[operator]
            return sign * np.asarray(values).reshape(x.shape)

        top = maxima(rise, grid[None])
        if np.isfinite(top.location[0]):
            there = at(top.location)
            found["time"][index] = np.exp(top.location[0])
            found["time_error"][index] = np.exp(top.location[0]) * top.location_error[0]
            for name in _VARIABLES:
                found[name][index] = there[name].values[0]
    if variable == "test_error":
        ratios: dict[str, Any] = {
            a.name: a.array for a in axes if a.name in ("overparam", "alpha_T")
        }
        ridge = optimal_lam(problem, vary=vary, **ratios)
        like = xr.Dataset(coords=axes.coords)
        shape = xr.DataArray(np.zeros(axes.shape), dims=axes.dims, coords=like.coords)
        for name, of in (("ridge_lam", "lam"), ("ridge_value", "test_error")):
            value = ridge[of].drop_vars(["lam", "beta"], errors="ignore")
            full = value.broadcast_like(shape).transpose(*axes.dims)
            found[name] = full.values.ravel()
    return labelled("stopping", family.text, axes, found, extremum=variable)
