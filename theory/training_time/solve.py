"""``solve_flow``: the model at every time of its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import Axes, Given, check_flag, read_axes, read_axis
from twinpeaks.theory.errors import InvalidProblem, SolveError, Status
from twinpeaks.theory.family import Family, read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.starts.laws import GaussianStart, Start
from twinpeaks.theory.teachers.base import RealTeacher
from twinpeaks.theory.training_time.flow import Flow, Moments

__all__ = ["check_flow", "flow_on", "solve_flow"]

_LEAST = 1e-5  # of E[y^2]: a smaller squared error has fewer than eight digits
_FROM_ZERO = ("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error", "test_error", "bmd")
_OF_START = ("start_q", "start_bmd", "start_overlap", "distance")


def solve_flow(
    problem: Problem,
    *,
    time: Given,
    overparam: Given,
    alpha_T: Given,
    lam: Given = 0.0,
    start: Start | None = None,
    vary: Mapping[str, Given] | None = None,
    throw: bool = True,
) -> xr.Dataset:
    """Solve for the weights at given times of gradient flow on the square loss.

    Parameters
    ----------
    problem : Problem
        With ``loss=Square()``, any activation and teacher, and features that are ``Gaussian``,
        ``Orthogonal``, ``Spectrum``, ``PowerLaw``, ``Deep`` or another law with averages of two
        resolvents (``FeatureLaw.pairs``).
    time : float, 1-d array_like or 1-d DataArray
        t > 0 of dw/dt = -grad(sum_mu (y_mu - t_mu)^2 / 2 + lam |w|^2 / 2), the loss summed over the
        patterns; gradient descent of step size h has done t / h steps.
    overparam, alpha_T, vary
        As in ``solve``; N/P is finite, and may be 1.
    lam : float, 1-d array_like or 1-d DataArray
        Ridge penalty, 0 by default.
    start : GaussianStart, optional
        Law of w(0), which brings the axis ``scale``; w(0) = 0 by default.
    throw : bool
        Raise ``SolveError`` if any point fails. With False, failed points are NaN and ``status``
        says why.

    Returns
    -------
    xarray.Dataset
        Dimensions (overparam, alpha_T, lam, time), less those given as numbers, then those of the
        start. Variables q_d p_d r Q_d m train_loss train_error test_error bmd as in ``solve``,
        ``status``, and with a start ``start_q``, ``start_bmd``, ``start_overlap`` and ``distance``.

    Raises
    ------
    ValueError
        For an axis out of range, and as ``InvalidProblem`` for another loss, a law of features
        without averages of two resolvents, or a start that has no formula here.
    SolveError
        When a point failed and ``throw`` is True (``diverged``: rounding hides the effective ridge
        at some complex penalty). Its ``solution`` is the Dataset with NaN at those points.

    Notes
    -----
    The Laplace transform of w(t) is the ridge solution at complex penalties, inverted on a hyperbola
    (docs/derivations/training-time.md). All times of a point share its nodes.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> flow = theory.solve_flow(
    ...     theory.Problem(), time=[0.1, 10.0, 1e3], overparam=1.0, alpha_T=3.0
    ... )
    >>> flow.test_error.round(4).values
    array([0.2489, 0.1744, 0.3243])
    >>> flow.bmd.round(4).values
    array([1.0492, 1.1167, 2.126 ])
    """
    family = read_family(problem, vary)
    check_flow(problem, start)
    check_flag("throw", throw)
    extra = [] if start is None else [read_axis(k, v) for k, v in start.axes.items()]
    axes = read_axes(
        *family.axes,
        read_axis("overparam", overparam, "(0, inf)"),
        read_axis("alpha_T", alpha_T),
        read_axis("lam", lam),
        read_axis("time", time),
        *extra,
    )
    result = flow_on(family, axes, start)
    status = result["status"].values.ravel()
    if throw and np.any(status != Status.CONVERGED):
        raise SolveError(_complaint(axes, status), result)
    return result


def check_flow(problem: Problem, start: Start | None) -> None:
    """Refuse what has no closed form in time.

    Raises
    ------
    InvalidProblem
        Names the argument, its value and the remedy.
    """
    if problem.loss.quadratic != 1.0:
        raise InvalidProblem(
            f"loss = {problem.loss!r}: training in time is known in closed form for the square loss only; "
            "give loss=Square(), or solve the end of training with solve"
        )
    if problem.features.probes:
        raise InvalidProblem(
            f"features = {problem.features!r}: the mean dimension of these is under laws of inputs that "
            "training in time knows nothing of; give their spectrum, features.spectrum"
        )
    if not (start is None or isinstance(start, GaussianStart)):
        raise InvalidProblem(
            f"start = {start!r}: training in time is solved from zero (None) and from a GaussianStart; "
            "solve_from_start has the end of training from other starts, run_flow simulates them"
        )


def flow_on(family: Family, axes: Axes, start: Start | None = None) -> xr.Dataset:
    """``solve_flow`` on axes that have been read; failed points are NaN."""
    names = _FROM_ZERO if start is None else (*_FROM_ZERO, *_OF_START)
    values: dict[str, NDArray[Any]] = {name: np.full(axes.size, np.nan) for name in names}
    status = np.full(axes.size, int(Status.CONVERGED), dtype=np.int8)
    scale = axes.flat("scale") if "scale" in axes else np.zeros(axes.size)
    time = axes.flat("time")
    ratios = np.stack([axes.flat(name) for name in ("overparam", "alpha_T", "lam")])
    for member, parts in family.blocks(axes):
        block = axes.index(parts)
        points, owner = np.unique(ratios[:, block], axis=1, return_inverse=True)
        for number, point in enumerate(points.T):
            index = block[owner.ravel() == number]
            times, when = np.unique(time[index], return_inverse=True)
            found = _at_point(member, point, times, start, when.ravel(), scale[index])
            good = np.isfinite(np.stack([found[name] for name in names])).all(0)
            for name in names:
                values[name][index] = np.where(good, found[name], np.nan)
            status[index] = np.where(good, Status.CONVERGED, Status.DIVERGED)
    attrs = {} if start is None else {"start": repr(start)}
    return labelled("theory", family.text, axes, {**values, "status": status}, Status, **attrs)


def _at_point(
    problem: Problem,
    point: Array,
    times: Array,
    start: Start | None,
    when: NDArray[np.intp],
    scale: Array,
) -> dict[str, Array]:
    """Every variable at times[when] and the scales of a start; NaN where the equations were not solved."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        overparam, alpha_T, lam = map(float, point)
        flow = Flow(problem, overparam, alpha_T, lam, times)
        more: dict[str, Array] = {}
        m, label, seen = flow.covariance()
        learned = flow.learned()
        if start is None:
            found = Moments(*(_take(part, when) for part in learned))
        else:
            found, more = _with_start(flow, learned, when, scale)
        m, label, seen = (a[when] for a in (m, label, seen))
        coefficients = problem.features.influences(problem.activation.moments)
        influence = sum(
            np.where(form > 0, k, 0.0) * form
            for k, form in zip(coefficients, found.forms, strict=True)
        )
        out = {
            "q_d": found.forms[-1],
            "p_d": found.p,
            "r": m / problem.activation.moments.kappa_1,
            "Q_d": found.Q,
            "m": m,
            "train_loss": found.loss,
            "bmd": influence / problem.features.output_variance(found.forms, found.Q),
            **more,
        }
        solved = flow.accurate and np.all(np.isfinite(found.Q)) and bool(np.all(found.Q > 0))
        if not solved:
            none = np.full(when.shape, np.nan)
            return {**dict.fromkeys((*_FROM_ZERO, *_OF_START), none), **more}
        out["train_error"] = flow.train_error(label, seen, found.fit, found.loss)
        error = problem.teacher.test_error(m, found.Q)
        if isinstance(
            problem.teacher, RealTeacher
        ):  # what is learned to the last digit has none left
            error = np.where(error > _LEAST * problem.teacher.second_moment, error, np.nan)
        out["test_error"] = error
    return {name: np.asarray(a) for name, a in out.items()}


def _take(part: Any, when: NDArray[np.intp]) -> Any:
    return tuple(a[when] for a in part) if isinstance(part, tuple) else part[when]


def _with_start(
    flow: Flow, learned: Moments, when: NDArray[np.intp], scale: Array
) -> tuple[Moments, dict[str, Array]]:
    """What is learned and what is kept of the start, which add up in every quadratic form."""
    kept, overlap = flow.kept(), scale**2 * flow.overlap()[when]

    def total(a: Any, b: Any) -> Any:
        if isinstance(a, tuple):
            return tuple(total(x, y) for x, y in zip(a, b, strict=True))
        return a[when] + scale**2 * b[when]

    both = Moments(*(total(a, b) for a, b in zip(learned, kept, strict=True)))
    bmd = start_dimension(flow)
    more = {
        "start_q": scale**2,
        "start_bmd": np.where(scale >= 0, bmd, np.nan),
        "start_overlap": overlap,
        "distance": both.forms[-1] - 2.0 * overlap + scale**2,
    }
    return both, more


def start_dimension(flow: Flow) -> float:
    """Mean dimension of independent weights: <M_j> from a resolvent far from the spectrum."""
    problem, far = flow.problem, 1e20
    moments = problem.activation.moments
    law, c = problem.features, np.array([flow.penalties.c])
    forms = law.forms(c, moments, problem.teacher.rho, np.array([far]), np.ones(1))
    means = [far * float(form.thermal[0]) for form in forms]
    k1 = moments.kappa_1**2
    linear = far * float(
        law.traces(c, moments, problem.teacher.rho, np.array([far]), np.ones(1)).SR[0]
    )
    variance = k1 * linear + moments.kappa_star**2 * means[-1]
    influence = sum(k * m for k, m in zip(law.influences(moments), means, strict=True) if m > 0)
    return float(influence / variance)


def _complaint(axes: Axes, status: NDArray[np.int8]) -> str:
    bad = np.flatnonzero(status != Status.CONVERGED)
    first = Status(int(status[bad[0]]))
    return (
        f"{bad.size} of {status.size} points failed; the first is at {axes.place(int(bad[0]))} "
        f"({first.label}). {first.sentence} With throw=False the others are returned."
    )
