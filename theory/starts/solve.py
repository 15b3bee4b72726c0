r"""Training with square loss from a start w_init, in the limit: what of the start remains.

Gradient descent ends at the interpolator nearest to its start, w = w_init + X^+ (y - X w_init), which
is the limit lam -> 0 of the penalty (lam/2) |w - w_init|^2. With G = (X^T X + lam)^{-1},

    w = G X^T y + lam G w_init,

and as the start has no preferred sign the two parts add up in every quadratic form. With
C = E[w_init w_init^T | F], K = u G_u, the effective ridge u from alpha = lam/u + <Omega G_u>
(theory/starts/resolvents.py) and M any matrix that the features define,

    delta Q = <C K^2 Omega> / (1 - <Omega^2 G_u^2> / alpha),
    w^T M w / N = (the same from w_init = 0) + <C K^2 M> + (delta Q / alpha) <M Omega G_u^2>,

where the last term is the noise that the start adds to the training labels. The covariance m with the
teacher does not change. Derivation: docs/derivations/adversarial-initialisation.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twinpeaks.theory.axes import Axes, Given, check_flag, read_axes, read_axis
from twinpeaks.theory.equations.channel import Overlaps, channel_for
from twinpeaks.theory.equations.saddle_point import Tolerances
from twinpeaks.theory.errors import InvalidProblem, SolveError, Status
from twinpeaks.theory.family import each, read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.solve import solve_on
from twinpeaks.theory.starts.laws import Start
from twinpeaks.theory.starts.resolvents import Resolvents

__all__ = ["solve_from_start"]

_ROUNDING = 1e-7  # relative error beyond which a point is not returned
_VARIABLES = (
    *("q_d", "q_0", "p_d", "p_0", "r", "Q_d", "Q_0", "m", "V"),
    *("train_loss", "train_error", "test_error", "bmd"),
    *("start_q", "start_bmd", "start_overlap", "distance", "status"),
)


def solve_from_start(
    problem: Problem,
    start: Start,
    *,
    overparam: Given,
    alpha_T: Given,
    lam: Given = 0.0,
    vary: Mapping[str, Given] | None = None,
    throw: bool = True,
    tolerances: Tolerances | None = None,
) -> xr.Dataset:
    """Solve for the weights that training reaches from a given start.

    Parameters
    ----------
    problem : Problem
        With ``loss=Square()``; any activation, teacher and feature law.
    start : Start
        ``GaussianStart``, ``RandomLabelsStart`` or ``SameInputsStart``, which brings the axes
        ``scale`` and ``alpha_prime``.
    overparam, alpha_T, vary
        As in ``solve``; N/P is finite.
    lam : float, 1-d array_like or 1-d DataArray
        0, the default, is gradient descent to the end: for N/P < 1 it forgets the start. With
        lam > 0 the training minimises the summed loss and lam |w - w_init|^2 / 2.
    throw : bool
        Raise ``SolveError`` if any point fails. With False, failed points are NaN and ``status``
        says why.
    tolerances : Tolerances, optional
        Of the problem without a start.

    Returns
    -------
    xarray.Dataset
        Dimensions of ``solve``, then scale and alpha_prime, less those given as numbers.
        Variables q_d q_0 p_d p_0 r Q_d Q_0 m V train_loss train_error test_error bmd as in
        ``theory.solve``, ``start_q``, ``start_bmd``, ``start_overlap``, ``distance``, and ``status``.

    Raises
    ------
    ValueError
        For an axis out of range, and as ``InvalidProblem`` for another loss or no Start.
    SolveError
        When a point failed and ``throw`` is True: N/P = 1 or alpha' = 1 without ridge penalty
        (``no_limit``), fewer directions of variance than random patterns (``nonfinite``), or
        N/P and alpha' both so close to 1 that rounding hides the result (``diverged``). Its
        ``solution`` is the Dataset with NaN at those points.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> start = theory.RandomLabelsStart(alpha_prime=0.5, scale=[0.0, 1.0, 3.0])
    >>> curve = theory.solve_from_start(theory.Problem(), start, overparam=2.0, alpha_T=3.0)
    >>> curve.test_error.round(4).values
    array([0.2441, 0.2474, 0.2699])
    """
    family = read_family(problem, vary)
    if problem.loss.quadratic != 1.0:
        raise InvalidProblem(
            f"loss = {problem.loss!r}: the point that gradient descent reaches from a start is known "
            "in closed form for the square loss only; give loss=Square()"
        )
    if not isinstance(start, Start):
        raise InvalidProblem(
            f"start = {start!r}: give a theory.GaussianStart, RandomLabelsStart or SameInputsStart"
        )
    if problem.features.probes:
        raise InvalidProblem(
            f"features = {problem.features!r}: the mean dimension of these is under laws of inputs that "
            "the start knows nothing of; give their spectrum, features.spectrum"
        )
    check_flag("throw", throw)
    model = Axes(
        (
            *family.axes,
            read_axis("overparam", overparam, "(0, inf)"),
            read_axis("alpha_T", alpha_T),
            read_axis("lam", lam),
            read_axis("beta", np.inf),
        )
    )
    extra = [read_axis(name, values) for name, values in start.axes.items()]
    axes = read_axes(*model, *extra)
    start.check(axes["lam"].values)
    base = solve_on(family, model, throw=throw, tolerances=tolerances)

    def ask(member: Problem, part: xr.Dataset) -> xr.Dataset:
        return _observe(member, part, start, {axis.name: axis.array for axis in extra})

    found = each(problem, base, ask).transpose(*axes.dims)
    values = {name: found[name].values for name in _VARIABLES}
    result = labelled("theory", family.text, axes, values, Status, start=repr(start))
    if throw and np.any(values["status"] != Status.CONVERGED):
        raise SolveError(_complaint(axes, values["status"].ravel()), result)
    return result


def _complaint(axes: Axes, status: NDArray[np.int8]) -> str:
    bad = np.flatnonzero(status != Status.CONVERGED)
    first = Status(int(status[bad[0]]))
    return (
        f"{bad.size} of {status.size} points failed; the first is at {axes.place(int(bad[0]))} "
        f"({first.label}). {first.sentence} With throw=False the others are returned."
    )


def _left(
    problem: Problem, start: Start, base: xr.Dataset, extra: dict[str, xr.DataArray]
) -> xr.Dataset:
    """What a start of |w_init|^2 = N leaves in every quadratic form, at every point."""
    grid = xr.broadcast(base["overparam"], base["alpha_T"], base["lam"], *extra.values())
    overparam, alpha_T, lam, *given = (np.asarray(a, dtype=float).ravel() for a in grid)
    alpha = 1.0 / overparam
    features = Resolvents(problem, alpha_T * overparam)
    u = features.effective_ridge(alpha, lam)
    live = u > 0  # elsewhere nothing is left, or there is no solution and the base says so
    seen = start.imprint(
        features, alpha, np.where(live, u, 0.0), **dict(zip(extra, given, strict=True))
    )
    some = np.where(live, u, 1.0)
    t = features.at(some)
    # 1 - <Omega^2 G^2> / alpha without cancellation
    gain = alpha / (lam / some + some * t.noise[-1])
    Q = np.where(live, features.variance(seen.kept) * gain, 0.0)
    forms = seen.kept + Q / alpha * t.noise
    found = {
        "q": forms[-1],
        "p": forms[0],
        "Q": Q,
        "influence": features.influence(forms),
        "overlap": seen.overlap,
        "natural": seen.natural,
        "start_bmd": features.influence(seen.forms) / features.variance(seen.forms),
        "rounding": seen.rounding,
    }
    shape, dims, coords = grid[0].shape, grid[0].dims, grid[0].coords
    return xr.Dataset({k: (dims, v.reshape(shape)) for k, v in found.items()}, coords)


def _observe(
    problem: Problem, base: xr.Dataset, start: Start, axes: dict[str, xr.DataArray]
) -> xr.Dataset:
    """Every variable of the result, NaN where ``status`` is not 0."""
    left = _left(problem, start, base, {k: v for k, v in axes.items() if k != "scale"})
    start_q = axes["scale"] ** 2 if "scale" in axes else left["natural"]
    moments = problem.activation.moments
    q, p = base["q_d"] + start_q * left["q"], base["p_d"] + start_q * left["p"]
    Q = base["Q_d"] + start_q * left["Q"]
    influence = base["bmd"] * base["Q_d"] + start_q * left["influence"]
    overlap = start_q * left["overlap"]
    # rounding of what the start leaves, beside all there is
    error = (
        left["rounding"] * start_q * xr.concat([left["q"] / q, left["Q"] / Q], "form").max("form")
    )
    status = base["status"].broadcast_like(Q)
    for failed, why in (
        (np.isinf(start_q), Status.NO_LIMIT),
        (~np.isfinite(Q), Status.NONFINITE),
        (error > _ROUNDING, Status.DIVERGED),
    ):
        status = status.where((status != 0) | ~failed, int(why)).astype(np.int8)
    values = {
        "q_d": q,
        "q_0": q,
        "p_d": p,
        "p_0": p,
        "r": base["m"] / moments.kappa_1,
        "Q_d": Q,
        "Q_0": Q,
        "m": base["m"],
        "V": base["V"],
        "bmd": influence / Q,
        "start_q": start_q,
        "start_bmd": left["start_bmd"],
        "start_overlap": overlap,
        "distance": q - 2.0 * overlap + start_q,
    }
    values |= _errors(problem, values, status)
    good = status == Status.CONVERGED
    return xr.Dataset({**{k: v.where(good) for k, v in values.items()}, "status": status})


def _errors(
    problem: Problem, values: dict[str, xr.DataArray], status: xr.DataArray
) -> dict[str, xr.DataArray]:
    """Training and test errors, which depend on V, Q and m alone."""
    V, Q, m, good = xr.broadcast(values["V"], values["Q_d"], values["m"], status == 0)
    found = {k: np.full(Q.shape, np.nan) for k in ("train_loss", "train_error", "test_error")}
    at = good.values
    overlaps = Overlaps(V.values[at], Q.values[at], m.values[at])
    found["test_error"][at] = problem.teacher.test_error(overlaps.m, overlaps.Q)
    fitted = at & np.isinf(V.values)  # interpolation
    found["train_loss"][fitted] = found["train_error"][fitted] = 0.0
    rest = at & ~fitted
    overlaps = Overlaps(V.values[rest], Q.values[rest], m.values[rest])
    _, training = channel_for(problem, 1.0).observe(overlaps, np.zeros(int(rest.sum())))
    found["train_loss"][rest], found["train_error"][rest] = training.loss, training.error
    return {k: Q.copy(data=v) for k, v in found.items()}
