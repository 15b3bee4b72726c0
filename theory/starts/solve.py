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

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from twinpeaks.theory.equations.channel import Overlaps, channel_for
from twinpeaks.theory.equations.observables import DESCRIPTIONS
from twinpeaks.theory.equations.saddle_point import Tolerances
from twinpeaks.theory.errors import InvalidProblem, SolveError, Status
from twinpeaks.theory.losses.square import Square
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.solve import read_axis, solve
from twinpeaks.theory.starts.laws import Start
from twinpeaks.theory.starts.resolvents import Resolvents

__all__ = ["START_AXES", "START_VARIABLES", "solve_from_start"]

Array = NDArray[np.float64]

_ROUNDING = 1e-7  # relative error beyond which a point is not returned

# name: (long name, definition)
START_AXES: dict[str, tuple[str, str]] = {
    "scale": ("scale of the start", "root mean square of the entries of w_init"),
    "alpha_prime": ("random patterns per weight", "P'/N of the training that made w_init"),
}

# name: (long name, units, definition)
START_VARIABLES: dict[str, tuple[str, str, str]] = {
    "start_q": ("squared norm of the start", "1", "|w_init|^2 / N"),
    "start_bmd": ("Boolean mean dimension of the start", "1", "bmd at w_init"),
    "start_overlap": ("overlap of weights and start", "1", "w . w_init / N"),
    "distance": ("squared distance travelled", "1", "|w - w_init|^2 / N"),
}

_VARIABLES = (
    *("q_d", "q_0", "p_d", "p_0", "r", "Q_d", "Q_0", "m", "V"),
    *("train_loss", "train_error", "test_error", "bmd"),
)


def solve_from_start(
    problem: Problem,
    start: Start,
    *,
    overparam: ArrayLike,
    alpha_T: ArrayLike,
    lam: ArrayLike = 0.0,
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
    overparam, alpha_T : float or 1-d array_like
        N/P (finite) and P/D.
    lam : float or 1-d array_like
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
        Dimensions overparam, alpha_T, lam, scale, alpha_prime, less those given as numbers.
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
    if not isinstance(problem, Problem):
        raise InvalidProblem(f"problem = {problem!r}: give an instance of theory.Problem")
    if not isinstance(problem.loss, Square):
        raise InvalidProblem(
            f"loss = {problem.loss!r}: the point that gradient descent reaches from a start is known "
            "in closed form for the square loss only; give loss=Square()"
        )
    if not isinstance(start, Start):
        raise InvalidProblem(
            f"start = {start!r}: give a theory.GaussianStart, RandomLabelsStart or SameInputsStart"
        )
    read_axis("overparam", overparam)
    start.check(read_axis("lam", lam, zero=True))
    base = solve(
        problem,
        overparam=overparam,
        alpha_T=alpha_T,
        lam=lam,
        throw=throw,
        tolerances=tolerances,
    )
    axes = {name: _coordinate(name, values) for name, values in start.axes.items()}
    left = _left(problem, start, base, {k: v for k, v in axes.items() if k != "scale"})
    start_q = axes["scale"] ** 2 if "scale" in axes else left["natural"]
    result = _observe(problem, base, left, start_q).assign_coords(axes)
    order = [name for name in (*base.dims, *axes) if name in result.dims]
    result = _describe(result.transpose(*order), base, start)
    failed = result["status"] != Status.CONVERGED
    if throw and bool(failed.any()):
        status = Status(int(result["status"].values[failed.values].flat[0]))
        raise SolveError(
            f"{int(failed.sum())} of {failed.size} points failed; the first is {status.label}. "
            f"{status.sentence} With throw=False the others are returned.",
            result,
        )
    return result


def _coordinate(name: str, values: Array) -> xr.DataArray:
    """An axis of the start as a dimension, or as a scalar coordinate."""
    dims = [name] if values.ndim else []
    return xr.DataArray(values, {name: (dims, values)}, dims)


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
    problem: Problem, base: xr.Dataset, left: xr.Dataset, start_q: xr.DataArray
) -> xr.Dataset:
    """Every variable of the result, NaN where ``status`` is not 0."""
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


def _describe(result: xr.Dataset, base: xr.Dataset, start: Start) -> xr.Dataset:
    """Names, units and definitions; variables in a fixed order."""
    result = result[[*_VARIABLES, *START_VARIABLES, "status"]]
    known = {**DESCRIPTIONS, **START_VARIABLES}
    for name in (*_VARIABLES, *START_VARIABLES):
        keys = ("long_name", "units", "definition")
        result[name].attrs = dict(zip(keys, known[name], strict=True))
    result["status"].attrs = base["status"].attrs
    for name, (long_name, definition) in START_AXES.items():
        if name in result.coords:
            result[name].attrs = {"long_name": long_name, "units": "1", "definition": definition}
    result.attrs = {**base.attrs, "start": repr(start)}
    return result
