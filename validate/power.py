"""What a comparison can see: the smallest error of the theory that the verdict would notice."""

from __future__ import annotations

import xarray as xr
from scipy import stats

__all__ = ["detectable"]


def detectable(
    summary: xr.Dataset, level: float = 1e-3, tests: int = 1, power: float = 0.9
) -> xr.DataArray:
    """Common relative error of the theory that is rejected with a given probability.

    Parameters
    ----------
    summary : xarray.Dataset
        From :func:`tp.summarise`.
    level : float
        Rate of false alarms of the verdict.
    tests : int
        Tests of the verdict, ``Verdict.tests``; Holm's first step asks for level / tests.
    power : float
        Probability of rejection.

    Returns
    -------
    xarray.DataArray
        Over ``variable``: 0.02 means that a theory 2 % off at every point is rejected with
        probability ``power`` by the test of all points together; NaN where no point counts.

    Raises
    ------
    ValueError
        If it is no summary, or a number is out of range.

    Notes
    -----
    (z_reject + z_power) ``pooled_visible`` with normal quantiles: a little too small where the
    degrees of freedom are few.
    """
    if not isinstance(summary, xr.Dataset) or "pooled_visible" not in summary:
        raise ValueError("summary: give what validate.summarise returns")
    for name, value in (("level", level), ("power", power)):
        if not 0 < value < 1:
            raise ValueError(f"{name} = {value}: give a number between 0 and 1")
    if tests < 1:
        raise ValueError(f"tests = {tests}: give a number of tests, at least 1")
    quantile = float(stats.norm.isf(level / tests / 2) + stats.norm.ppf(power))
    return summary["pooled_visible"] * quantile
