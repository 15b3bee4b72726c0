"""Theory and simulation side by side, point by point."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from twinpeaks.theory.family import difference, same_text, settled, varied
from twinpeaks.theory.names import AXES
from twinpeaks.validate.pooled import fitted_exactly, natural_size, pooled_deviation, two_sided
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

_LATER = ("time", "scale", "alpha_prime")  # axes of training in time, and of its start
_SAME = 1e-9  # relative difference below which two axis values are one point
_RESOLUTION = 1e-9  # relative accuracy to which either side is computed at best
_SMALLEST = 1e-30  # keeps 0/0 out where both sides are exactly zero


def compare(curve: xr.Dataset, run: xr.Dataset) -> xr.Dataset:
    """Set a simulation beside the theory of the same problem.

    Parameters
    ----------
    curve : xarray.Dataset
        Theory, as ``tp.solve`` returns it.
    run : xarray.Dataset
        Simulation, as ``tp.run`` returns it, with at least two seeds. Every point of it
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
    The standard error has floors. A training error is a count among P patterns, so that few
    or no errors say little about their spread; its standard error is at least the binomial one
    at the theory's value. So is the training loss where most networks fit all patterns exactly and
    the rare others miss one or two by a loss of order 1: at least sqrt(theory / (P seeds)). No
    standard error is below 1e-9 of the value itself, the accuracy of the computation, nor below
    1e-9 for the training loss, which vanishes where data are separable.
    """
    curve, run = _of_one_problem(curve, run)
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


def _of_one_problem(curve: xr.Dataset, run: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Both sides, each said to be of its member where one was selected from a family."""
    for name, data, kind in (("curve", curve, "theory"), ("run", run, "simulation")):
        known = isinstance(data, xr.Dataset)
        found = data.attrs.get("kind") if known else type(data).__name__
        if found != kind:
            raise ValueError(f"{name} has kind = {found!r}: give a {kind} Dataset")
        if "problem" not in data.attrs:
            raise ValueError(f"{name} does not say which problem it is: its 'problem' is missing")
    curve, run = settled(curve), settled(run)
    if not same_text(curve.attrs["problem"], run.attrs["problem"]):
        raise ValueError(difference(curve, run))
    return curve, run


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
    if "beta" in curve.coords and "beta" not in run.coords and np.any(np.isinf(curve["beta"])):
        run = run.assign_coords(beta=np.inf)  # trained to the minimum of the loss
    axes = []
    for axis in dict.fromkeys((*varied(curve), *varied(run), *AXES, *_LATER)):
        if (axis in curve.coords) != (axis in run.coords):
            lacking = "simulation" if axis in curve.coords else "theory"
            raise ValueError(f"{axis}: the {lacking} lacks this axis, the other side has it")
        if axis in run.coords:
            axes.append(axis)
    for side, data, more in (("theory", curve, set()), ("simulation", run, {"seed", "D"})):
        known = more.union(*(data[axis].dims for axis in axes))
        unknown = [str(d) for d in data.dims if d not in known]
        if unknown:
            raise ValueError(
                f"{unknown[0]}: the {side} has this dimension, on which no axis lies; select one of it"
            )
    indexers: dict[Hashable, xr.DataArray] = {}
    for dims in dict.fromkeys(curve[axis].dims for axis in axes):
        index = _positions([axis for axis in axes if curve[axis].dims == dims], curve, run)
        indexers.update(dict.fromkeys(dims, index))
    at = curve.isel(indexers).drop_vars(list(curve.coords), errors="ignore")
    missing = {d: n for d, n in run.sizes.items() if d not in (*at.dims, "seed", "D")}
    points = {*at.dims, *missing}
    labels = {c: v.variable for c, v in run.coords.items() if set(v.dims) <= points and c != "D"}
    return at.expand_dims(missing).assign_coords(labels)


def _positions(axes: list[str], curve: xr.Dataset, run: xr.Dataset) -> xr.DataArray:
    """Which point of one dimension of the theory each point of the simulation is."""
    wanted = xr.broadcast(*(run[axis].reset_coords(drop=True) for axis in axes))
    gap = np.zeros((wanted[0].size, curve[axes[0]].size))
    for axis, values in zip(axes, wanted, strict=True):
        have, want = np.atleast_1d(curve[axis].values)[None], values.values.reshape(-1, 1)
        with np.errstate(
            invalid="ignore", divide="ignore"
        ):  # inf - inf, and 0 is a point of its own
            relative = np.abs(have - want) / np.abs(want)
        gap = np.maximum(gap, np.where(have == want, 0.0, np.nan_to_num(relative, nan=np.inf)))
    missing = np.flatnonzero(~(gap.min(axis=1) <= _SAME))
    if missing.size:
        some = [
            ", ".join(
                f"{axis} = {v.values.flat[i]:.12g}" for axis, v in zip(axes, wanted, strict=True)
            )
            for i in missing[:6]
        ]
        raise ValueError(
            f"{'; '.join(some)}{'; ...' if missing.size > 6 else ''}: simulated but not in the "
            "theory; solve the theory at these values too (nothing is interpolated)"
        )
    index: xr.DataArray = wanted[0].copy(data=np.argmin(gap, axis=1).reshape(wanted[0].shape))
    return index.drop_vars([*index.coords])


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
        poisson = (theory.clip(min=0.0) / (patterns * run.sizes["seed"])) ** 0.5
        x = run[[str(n) for n in theory["variable"].values]].to_dataarray("variable")
        floor = floor.clip(min=poisson.where(fitted_exactly(x), 0.0))
    return error.broadcast_like(floor).clip(min=floor)
