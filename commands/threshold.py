"""The interpolation threshold, carried by a theory Dataset to the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from twinpeaks import theory

__all__ = ["with_threshold"]


def with_threshold(problem: theory.Problem, curve: xr.Dataset) -> xr.Dataset:
    """Add the variable ``threshold`` over alpha_T, where the problem has one."""
    from twinpeaks import theory

    try:
        values = theory.interpolation_threshold(problem, curve["alpha_T"].values)
    except theory.InvalidProblem:
        return curve
    attrs = {
        "long_name": "interpolation threshold",
        "units": "1",
        "definition": "N / P above which the training error vanishes for lam -> 0",
    }
    return curve.assign(threshold=(curve["alpha_T"].dims, values, attrs))
