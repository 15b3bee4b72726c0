"""Reading a solved Dataset back: does it belong to the problem, and what is its student made of."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from twinpeaks.theory.axes import Axis
from twinpeaks.theory.equations.channel import Overlaps, channel_for
from twinpeaks.theory.equations.readout import Points, order_parameters
from twinpeaks.theory.equations.saddle_point import Tolerances
from twinpeaks.theory.errors import Status
from twinpeaks.theory.family import belongs
from twinpeaks.theory.names import AXES
from twinpeaks.theory.problem import Problem, require

__all__ = ["Student", "beside", "check", "replicas", "student_forms"]

#: A sample of the Boltzmann measure, or its mean; at beta = inf they are the same.
Student = Literal["sample", "mean"]


def check(problem: Problem, data: xr.Dataset, *names: str) -> None:
    """Refuse a Dataset of another problem, or one without what is needed.

    Raises
    ------
    InvalidProblem
        If ``problem`` is not a Problem.
    ValueError
        Names the argument, its value and the remedy.
    """
    require(problem)
    if not isinstance(data, xr.Dataset):
        raise ValueError(f"data is a {type(data).__name__}: give the Dataset of theory.solve")
    if not belongs(problem, data):
        raise ValueError(
            f"data belongs to {data.attrs.get('problem', 'no problem')}, not to {problem!r}: give the "
            "Dataset that theory.solve returned for this problem"
        )
    missing = [name for name in names if name not in data.variables]
    if missing:
        raise ValueError(f"data has no {missing[0]}: give the Dataset that theory.solve returned")


def replicas(student: Student) -> tuple[str, str]:
    """Suffixes of overlaps and of errors: ("d", "") of a sample, ("0", "_mean") of the mean.

    Raises
    ------
    ValueError
        If ``student`` is neither.
    """
    if student not in ("sample", "mean"):
        raise ValueError(f"student = {student!r}: give 'sample' or 'mean'")
    return ("d", "") if student == "sample" else ("0", "_mean")


def beside(data: xr.Dataset, axis: Axis) -> xr.Dataset:
    """The Dataset with one more axis as a coordinate: a new dimension, or a path along one of its own.

    Raises
    ------
    ValueError
        If the Dataset has something of that name, or other points along that dimension.
    """
    if axis.name in data.variables:
        raise ValueError(
            f"{axis.name}: data has a variable of that name; give data.rename({axis.name}=...)"
        )
    try:
        return data.assign_coords({**axis.array.coords})
    except ValueError:
        raise ValueError(
            f"{axis.name} has the dimension {axis.dim!r} with {axis.values.size} values, data has "
            f"other points there: select the same points of both"
        ) from None


def student_forms(
    problem: Problem, data: xr.Dataset, student: Student = "sample"
) -> tuple[xr.DataArray, ...]:
    """w^T M_j w / N for the matrices of the feature law (``FeatureLaw``).

    Parameters
    ----------
    problem : Problem
    data : xarray.Dataset
        What ``solve`` returned for it.
    student : {"sample", "mean"}
        Of one sample of the Boltzmann measure, or between two replicas, which is of its mean.

    Returns
    -------
    tuple of DataArray
        (kappa_1^2 p, q) for one layer of features. For several they are not in the Dataset, and one
        evaluation of the channel at its V, Q_0 and m gives them. NaN where the status is not
        converged, and where overlaps are infinite (lam = 0 with a loss whose weights escape).

    Raises
    ------
    ValueError
        For several layers at lam = 0 above the interpolation threshold, where V is infinite and what
        the channel needs, lam V, is not in the Dataset.
    """
    suffix, _ = replicas(student)
    names = (f"q_{suffix}", f"p_{suffix}", "V", "Q_0", "m")
    check(problem, data, *names)
    moments = problem.activation.moments
    if len(problem.features.influences(moments)) == 2:
        forms: tuple[xr.DataArray, ...] = (moments.kappa_1**2 * data[names[1]], data[names[0]])
    else:
        forms = _read_out(problem, data, suffix)
    finite = np.isfinite(data[names[0]]) & np.isfinite(data[names[1]])
    if "status" in data:
        finite = finite & (data["status"] == Status.CONVERGED)
    return tuple(form.where(finite) for form in forms)


def _read_out(problem: Problem, data: xr.Dataset, suffix: str) -> tuple[xr.DataArray, ...]:
    """The forms of every point, from its conjugates."""
    check(problem, data, *AXES)
    V, *rest = xr.broadcast(*(data[name] for name in ("V", "Q_0", "m", *AXES)))
    overlaps = Overlaps(*(np.asarray(a, dtype=float).ravel() for a in (V, *rest[:2])))
    overparam, alpha_T, lam, beta = (np.asarray(a, dtype=float).ravel() for a in rest[2:])
    points = Points(overparam, alpha_T, lam, 1.0 / beta)
    if np.any(np.isinf(overlaps.V)):
        raise ValueError(
            f"features = {problem.features!r} at lam = 0 above the interpolation threshold: the "
            "Dataset does not hold what several layers need; give a small lam, such as 1e-6"
        )
    channel = channel_for(problem, Tolerances().quadrature)
    count = len(problem.features.influences(problem.activation.moments))
    found = np.full((count, lam.size), np.nan)
    known = np.isfinite(np.sum(overlaps, axis=0))
    # the limit N/P = infinity has a read-out of its own
    for wide in (np.isfinite(overparam), np.isinf(overparam)):
        index = np.flatnonzero(known & wide)
        if index.size:
            part, T = Overlaps(*(a[index] for a in overlaps)), points.temperature[index]
            hats = channel.linearise(part, T).hats
            order = order_parameters(problem, points.take(index), hats)
            found[:, index] = order.forms_d if suffix == "d" else order.forms_0
    return tuple(V.copy(data=form.reshape(V.shape)) for form in found)
