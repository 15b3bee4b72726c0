"""Theory and simulation side by side, point by point."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twinpeaks.validate.pooled import natural_size, pooled_deviation, two_sided
from twinpeaks.validate.seeds import over_seeds
from twinpeaks.validate.shared import shared_correlation

__all__ = ["PHYSICAL", "compare"]

#: Variables that mean the same thing at finite size and in the limit.
PHYSICAL = (
    "q_d",
    "p_d",
    "r",
    "Q_d",
    "m",
    "train_loss",
    "train_error",
    "test_error",
    "bmd",
    "energy",
    "q_0",
    "p_0",
    "Q_0",
    "V",
    "test_error_mean",
    "bmd_mean",
)

_AXES = ("overparam", "alpha_T", "lam", "beta")
_SAME = 1e-9  # relative difference below which two axis values are one point
_RESOLUTION = 1e-9  # relative accuracy to which either side is computed at best
_SMALLEST = 1e-30  # keeps 0/0 out where both sides are exactly zero


def compare(curve: xr.Dataset, run: xr.Dataset) -> xr.Dataset:
    """Set a simulation beside the theory of the same problem.

    Parameters
    ----------
    curve : xarray.Dataset
        Theory, as ``theory.solve`` returns it.
    run : xarray.Dataset
        Simulation, as ``simulate.run`` returns it, with at least two seeds. Every point of it
        must be a point of ``curve``: nothing is interpolated.

    Returns
    -------
    xarray.Dataset
        With dimension ``variable`` and those of ``run`` except ``seed``:

        - ``theory``, the limit; ``mean`` and ``standard_error`` over seeds;
        - ``difference`` = mean - theory and ``z`` = difference / standard_error;
        - ``dof`` = seeds - 1 and ``p_value``, two-sided, of Student's t with that many degrees
          of freedom: with few seeds the estimated error is itself uncertain;
        - ``n_seeds`` and ``n_failed``. A point with a failed seed, or where the theory did not
          converge, is NaN, and the attributes ``points_with_failed_seeds`` and
          ``points_without_theory`` count them.

        - ``pooled_mean``, ``pooled_error``, ``pooled_z`` and ``pooled_p_value``, the test of all
          points together (:func:`twinpeaks.validate.pooled.pooled_deviation`), and ``correlation`` over seeds
          of the points that share their instances (:func:`twinpeaks.validate.shared.shared_correlation`).

        Variables defined on neither side are named in the attribute ``undefined``.

    Raises
    ------
    ValueError
        If the problems differ, an axis or a point of ``run`` is missing from ``curve``, there
        are fewer than two seeds, or rounding of N and P moved a point off its nominal ratio.

    Notes
    -----
    The standard error has two floors. A training error is a count among P patterns, so that few
    or no errors say little about their spread; its standard error is at least the binomial one
    at the theory's value. No standard error is below 1e-9 of the value itself, the accuracy of
    the computation, nor below 1e-9 for the training loss, which vanishes where data are separable.
    """
    _check_same_problem(curve, run)
    _check_ratios(run)
    at = _at_points_of(curve, run)
    shared = [name for name in PHYSICAL if name in curve and name in run]
    if not shared:
        raise ValueError(f"nothing to compare: both Datasets need one of {', '.join(PHYSICAL)}")
    undefined = [n for n in shared if np.isnan(at[n]).all() and np.isnan(run[n]).all()]
    names = [n for n in shared if n not in undefined]
    if not names:
        raise ValueError("nothing to compare: every variable is NaN on both sides")

    mean, error, failed = over_seeds(run, names)
    limit = at[names].astype(float)
    if "status" in at:
        limit = limit.where(at["status"] == 0)
    theory = limit.to_dataarray("variable")
    theory = theory.where(xr.apply_ufunc(np.isfinite, theory))
    average, n_failed = mean.to_dataarray("variable"), failed.to_dataarray("variable")
    spread = _with_floors(error.to_dataarray("variable"), average, theory, run)
    difference = average - theory
    z = difference / spread
    dof = run.sizes["seed"] - 1
    points = set(z.dims) - {"variable"}
    pooled = pooled_deviation(run, theory)
    pooled_z = pooled["pooled_mean"] / pooled["pooled_error"]
    correlation = shared_correlation(run, names)
    return xr.Dataset(
        {
            "theory": theory,
            "mean": average,
            "standard_error": spread,
            "difference": difference,
            "z": z,
            "dof": xr.full_like(z, float(dof)),
            "p_value": two_sided(z, dof),
            "n_seeds": xr.full_like(n_failed, run.sizes["seed"], dtype=int),
            "n_failed": n_failed,
            **pooled,
            "pooled_z": pooled_z,
            "pooled_p_value": two_sided(pooled_z, dof),
            **({} if correlation is None else {"correlation": correlation}),
        },
        attrs={
            "kind": "comparison",
            "problem": curve.attrs["problem"],
            "seeds": ", ".join(str(s) for s in run["seed"].values) if "seed" in run.coords else "",
            "sizes": ", ".join(str(d) for d in np.atleast_1d(run["D"]))
            if "D" in run.coords
            else "",
            "undefined": ", ".join(undefined),
            "points": int(np.prod([z.sizes[d] for d in points])),
            "points_with_failed_seeds": int((n_failed > 0).any("variable").sum()),
            "points_without_theory": int(theory.isnull().any("variable").sum()),
        },
    ).transpose("variable", ...)


def _check_same_problem(curve: xr.Dataset, run: xr.Dataset) -> None:
    for name, data, kind in (("curve", curve, "theory"), ("run", run, "simulation")):
        if data.attrs.get("kind") != kind:
            raise ValueError(f"{name} has kind = {data.attrs.get('kind')!r}: give a {kind} Dataset")
        if "problem" not in data.attrs:
            raise ValueError(f"{name} does not say which problem it is: its 'problem' is missing")
    if curve.attrs["problem"] != run.attrs["problem"]:
        raise ValueError(
            f"different problems: the theory is of {curve.attrs['problem']}, the simulation of "
            f"{run.attrs['problem']}"
        )


def _check_ratios(run: xr.Dataset) -> None:
    for axis in ("overparam", "alpha_T"):
        actual = run.get(f"{axis}_actual")
        if actual is None:
            continue
        off = np.abs(actual / run[axis] - 1)
        if (worst := float(off.max())) > _SAME:
            raise ValueError(
                f"{axis}: N and P were rounded, so the simulation is {worst:.1e} (relative) off "
                f"its nominal value; choose D, alpha_T and overparam with integer N and P, or "
                f"solve the theory at {axis}_actual and relabel the simulation with it"
            )


def _at_points_of(curve: xr.Dataset, run: xr.Dataset) -> xr.Dataset:
    """Pick the theory at the points of the simulation, under the simulation's labels."""
    unknown = [str(d) for d in run.dims if d not in (*_AXES, "seed", "D")]
    if unknown:
        raise ValueError(f"the simulation has dimensions {', '.join(unknown)}, unknown here")
    indexers: dict[Hashable, Any] = {}
    if "beta" in curve.coords and "beta" not in run.coords and np.any(np.isinf(curve["beta"])):
        run = run.assign_coords(beta=np.inf)  # trained to the minimum of the loss
    for axis in _AXES:
        if (axis in curve.coords) != (axis in run.coords):
            lacking = "simulation" if axis in curve.coords else "theory"
            raise ValueError(f"{axis}: the {lacking} lacks this axis, the other side has it")
        if axis not in run.coords:
            continue
        index = _positions(axis, np.atleast_1d(curve[axis]), np.atleast_1d(run[axis]))
        if axis in curve.dims:
            indexers[axis] = index if axis in run.dims else int(index[0])
    at = curve.isel(indexers)
    for axis in _AXES:
        if axis in run.dims and axis not in at.dims:
            at = at.expand_dims(axis)
    return at.assign_coords({axis: run[axis].variable for axis in _AXES if axis in run.coords})


def _positions(
    axis: str, have: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.intp]:
    with np.errstate(invalid="ignore"):  # inf - inf
        gap = np.abs(have[None, :] - wanted[:, None])
    distance = np.where(have[None, :] == wanted[:, None], 0.0, gap)
    index: NDArray[np.intp] = np.argmin(distance, axis=1)
    scale = np.where(np.isinf(wanted), 1.0, np.abs(wanted))
    missing = wanted[~(distance.min(axis=1) <= _SAME * scale)]
    if missing.size:
        some = ", ".join(f"{v:.12g}" for v in missing[:6]) + (", ..." if missing.size > 6 else "")
        raise ValueError(
            f"{axis} = {some}: simulated but not in the theory; solve the theory at these values "
            "too (nothing is interpolated)"
        )
    return index


def _with_floors(
    error: xr.DataArray, mean: xr.DataArray, theory: xr.DataArray, run: xr.Dataset
) -> xr.DataArray:
    size = abs(mean).clip(min=abs(theory))
    size = size.clip(min=natural_size(theory))
    floor = _RESOLUTION * size + _SMALLEST
    if "P" in run:
        patterns = run["P"].max("seed") if "seed" in run["P"].dims else run["P"]
        expected = theory.clip(0, 1)
        binomial = (expected * (1 - expected) / (patterns * run.sizes["seed"])) ** 0.5
        floor = floor.clip(min=binomial.where(theory["variable"] == "train_error", 0.0))
    return error.broadcast_like(floor).clip(min=floor)
