"""Averages over instances, in which a failed instance is never left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

__all__ = ["SeedStatistics", "over_seeds"]


class SeedStatistics(NamedTuple):
    """What the instances at each point of a simulation say together.

    Attributes
    ----------
    mean, standard_error : xarray.Dataset
        Mean over seeds and its standard error, without the ``seed`` dimension; NaN wherever at
        least one seed failed.
    failed : xarray.Dataset
        How many seeds failed, per variable and point.
    """

    mean: xr.Dataset
    standard_error: xr.Dataset
    failed: xr.Dataset


def over_seeds(run: xr.Dataset, variables: list[str]) -> SeedStatistics:
    """Mean and standard error over seeds.

    Parameters
    ----------
    run : xarray.Dataset
        A simulation, with a ``seed`` dimension.
    variables : list of str
        Which variables to average.

    Returns
    -------
    SeedStatistics
        A seed counts as failed where its ``status`` is not 0 or its value is not finite. A point
        with a failed seed is NaN: the mean over the seeds that happened to converge is a biased
        estimate, and by an unknown amount.

    Raises
    ------
    ValueError
        If there are fewer than two seeds.
    """
    seeds = run.sizes.get("seed", 1)
    if seeds < 2:
        raise ValueError(
            f"the simulation has {seeds} seed: a standard error needs at least 2; simulate again "
            "with more seeds"
        )
    values = run[variables].astype(float)
    bad: xr.Dataset = xr.apply_ufunc(lambda v: ~np.isfinite(v), values)
    if "status" in run:
        bad = bad | (run["status"] != 0)
    failed = bad.sum("seed")
    intact = failed == 0
    mean = values.mean("seed", skipna=False).where(intact)
    error = (values.std("seed", ddof=1, skipna=False) / np.sqrt(seeds)).where(intact)
    return SeedStatistics(mean, error, failed)
