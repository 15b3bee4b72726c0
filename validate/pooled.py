"""One test a variable over all points: a theory that is off by the same few per cent everywhere."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import stats

__all__ = ["fitted_exactly", "natural_size", "pooled_deviation", "two_sided"]

_RESOLUTION = 1e-9  # relative spread below which a point says nothing
_COUNTS = 10.0  # training errors expected per instance, below which their law is too skew


def pooled_deviation(run: xr.Dataset, theory: xr.DataArray) -> xr.Dataset:
    """Mean over points of the deviation from theory, in units of its root mean square at each point.

    Parameters
    ----------
    run : xarray.Dataset
        Simulation with a dimension ``seed``.
    theory : xarray.DataArray
        Theory at the points of ``run``, with a dimension ``variable``.

    Returns
    -------
    xarray.Dataset
        ``pooled_mean`` and ``pooled_error`` over ``variable`` and, if there, ``D``. NaN where a
        seed failed; where no point counts, NaN as well and ``pooled_points`` is 0. Over ``variable``
        ``pooled_points``, and ``pooled_response``: by how much a common relative change of the theory
        lowers the mean, that is the mean of theory / rms(x - theory).

    Notes
    -----
    For seed s, T_s is the mean over points of (x_s - theory) / rms(x - theory). Seeds are independent,
    whatever the points of one seed share, so the mean of T_s over seeds has the standard error
    sd(T) / sqrt(seeds) and Student's law: unlike a chi-square summed over points, this needs no
    independence between points, and unlike single points it sees a small common shift.

    The unit of a point is the root mean square of x - theory, not the spread of x about its own mean.
    Deviations from a theory that is right have, of all seeds together, a law that no rotation of the
    seeds changes. Their sum of squares does not change either, so it may choose the weights of the
    points and leave Student's law exact, of two seeds as of many, for normal x of any covariance
    (J. Laeuter, Biometrics 52, 964 (1996)). With the spread, right theories of two points are
    rejected at level 1e-3 in half of all runs of 2 seeds, and in 7 of 1000 of 4.

    One unit serves all sizes, the root mean square over ``D``: a bias b/D in units of a spread that
    itself falls with D is no polynomial in 1/D, and its extrapolation would not vanish.
    """
    x = run[[str(n) for n in theory["variable"].values]].astype(float).to_dataarray("variable")
    deviation = x - theory
    sd = x.std("seed", ddof=1, skipna=False)
    counts = theory.notnull() & ~(sd <= _RESOLUTION * abs(theory).clip(min=natural_size(theory)))
    if "P" in run:
        patterns = run["P"].max("seed") if "seed" in run["P"].dims else run["P"]
        rare = (theory["variable"] == "train_error") & (theory * patterns < _COUNTS)
        counts = counts & ~rare & ~fitted_exactly(x)
    if "D" in sd.dims:
        counts = counts.all("D")
    unit = (deviation**2).mean([d for d in ("D", "seed") if d in x.dims], skipna=False) ** 0.5
    points = [d for d in x.dims if d not in ("variable", "D", "seed")]
    number = counts.broadcast_like(unit).sum(points)
    response = (theory / unit).where(counts, 0.0).sum(points) / number
    each = (deviation / unit).where(counts, 0.0).sum(points, skipna=False) / number.where(
        number > 0
    )
    seeds = x.sizes["seed"]
    return xr.Dataset(
        {
            "pooled_mean": each.mean("seed", skipna=False),
            "pooled_error": each.std("seed", ddof=1, skipna=False) / np.sqrt(seeds),
            "pooled_points": number,
            "pooled_response": response,
        }
    )


def two_sided(z: xr.DataArray, dof: xr.DataArray | float) -> xr.DataArray:
    """Two-sided p-value of Student's t."""
    found: xr.DataArray = xr.apply_ufunc(lambda t, n: 2 * stats.t.sf(np.abs(t), n), z, dof)
    return found


def fitted_exactly(x: xr.DataArray) -> xr.DataArray:
    """Where at least half of the networks have no training loss, and a few patterns make up the mean.

    Parameters
    ----------
    x : xarray.DataArray
        Over ``variable``, ``seed`` and others; False where ``variable`` is another one.
    """
    lossless = x.median("seed", skipna=False) <= _RESOLUTION
    found: xr.DataArray = lossless & (x["variable"] == "train_loss")
    return found


def natural_size(theory: xr.DataArray) -> xr.DataArray:
    """What a variable that may vanish is small against: 1 for the training loss, nothing for others."""
    size: xr.DataArray = (theory["variable"] == "train_loss").astype(float)
    return size
