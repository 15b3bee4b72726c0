"""Questions to learning curves on the sphere: the best penalty, and the peak over the width."""

from __future__ import annotations

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Axes, Given, read_axes, read_axis
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.numerics.extremum import maxima
from twinpeaks.theory.sphere.kernels import RFK, Features
from twinpeaks.theory.sphere.learning_curve import Curve, Points, learning_curve
from twinpeaks.theory.sphere.modes import Modes, modes
from twinpeaks.theory.sphere.problem import Problem
from twinpeaks.theory.sphere.solve import Status, kernel_of

__all__ = ["optimal_lam", "peak"]

_DENSITY = 4  # points of the first grid per factor e
_SHARE = (1e-12, 1e4)  # lam as a share of n times the kernel's diagonal
_WIDTHS = (1e-2, 1e2)


def optimal_lam(problem: Problem, n: Given, overparam: Given = np.inf) -> xr.Dataset:
    """The penalty of least test error, and the error there.

    Parameters
    ----------
    problem : Problem
    n, overparam
        As in ``solve``.

    Returns
    -------
    xarray.Dataset
        Over (n, overparam): ``lam`` and the variables of ``solve`` there. lam is 0 where less is better down
        to 1e-12 n K(0), and inf where more is better up to 1e4 n K(0): f^ = 0, of test error 1.

    Raises
    ------
    InvalidProblem, ValueError
        As in ``solve``.

    Examples
    --------
    >>> from twinpeaks.theory import sphere
    >>> noisy = sphere.Problem(d=20, kernel=sphere.NTK(), target=sphere.Constant(), noise=0.1)
    >>> best = sphere.optimal_lam(noisy, n=[10, 1000])
    >>> best.lam.round(4).values
    array([0.    , 4.7506])
    """
    kernel = kernel_of(problem)
    axes = read_axes(
        read_axis("n", n, "(0, inf)"),
        read_axis("overparam", overparam, "(0, inf]"),
        reserved=("lam",),
    )
    known = modes(kernel, problem.target, problem.d)
    count, width = _flat(axes)
    scale = np.log(count * known.trace)

    def value(row: Index, x: Array) -> Array:
        shape = x.shape
        take = np.broadcast_to(row[:, None], shape).ravel()
        points = Points(count[take], width[take], np.exp(x.ravel() + scale[take]))
        return -learning_curve(known, points, problem.noise).test_error.reshape(shape)

    low, high = np.log(_SHARE)
    grid = np.linspace(low, high, int(_DENSITY * (high - low)))
    inner = maxima(value, np.tile(grid, (count.size, 1)), 1e-9)
    with np.errstate(over="ignore"):
        places = [np.exp(inner.location + scale), np.zeros(count.size), np.full(count.size, np.inf)]
    curves = [_at(known, Points(count, width, lam), problem.noise) for lam in places]
    errors = np.array([np.where(np.isnan(c.test_error), np.inf, c.test_error) for c in curves])
    # ridgeless or without data only where that is better by more than rounding
    errors[0] *= 1.0 - 1e-12
    best, rows = np.argmin(errors, axis=0), np.arange(count.size)
    names = ("test_error", "train_error", "kappa", "variance_share", "ridge_share")
    values = {k: np.array([getattr(c, k) for c in curves])[best, rows] for k in names}
    values = {"lam": np.array(places)[best, rows], **values}
    return labelled("optimum", repr(problem), axes, values)


def _at(known: Modes, points: Points, noise: float) -> Curve:
    """The learning curve; at lam = inf nothing is learned, and NaN stays NaN."""
    usual = np.isfinite(points.lam)
    size = points.n.size
    out = [np.full(size, np.nan) for _ in range(6)]
    if usual.any():
        found = learning_curve(known, points.take(usual), noise)
        for array, values in zip(out, found[:6], strict=True):
            array[usual] = values
    blind = np.isinf(points.lam)
    for array, value in zip(out, (1.0, 1.0 + noise, np.inf, 0.0, 1.0, 0.0), strict=True):
        array[blind] = value
    values_by_name = dict(zip(Curve._fields, out, strict=False))
    return Curve(**values_by_name, converged=usual, no_limit=~usual)


def _flat(axes: Axes) -> tuple[Array, Array]:
    n, ratio = axes.flat("n").astype(float), axes.flat("overparam").astype(float)
    return n, np.where(np.isinf(ratio), np.inf, ratio * n)


def peak(problem: Problem, n: Given, lam: Given) -> xr.Dataset:
    """The peak of the test error over the width of random features.

    Parameters
    ----------
    problem : Problem
        With the kernel ``RFK`` or ``Features``.
    n, lam
        As in ``solve``; lam > 0, at 0 the error diverges at p = n.

    Returns
    -------
    xarray.Dataset
        Over (n, lam): ``location``, the p/n of the highest interior maximum in [0.01, 100], its ``height``,
        estimates of the errors of both, and ``status``; NaN and status no_limit where there is none.

    Raises
    ------
    InvalidProblem, ValueError
        As in ``solve``, and for lam = 0.

    Examples
    --------
    >>> from twinpeaks.theory import sphere
    >>> problem = sphere.Problem(d=20, kernel=sphere.RFK(), target=sphere.GaussianField(0.5))
    >>> top = sphere.peak(problem, n=500, lam=1e-6)
    >>> round(float(top.location), 3)
    1.0
    """
    kernel = kernel_of(problem)
    if not isinstance(kernel, RFK | Features):
        raise ValueError(f"kernel = {kernel!r} has no width: give RFK() or Features(...)")
    axes = read_axes(
        read_axis("n", n, "(0, inf)"), read_axis("lam", lam, "(0, inf)"), reserved=("overparam",)
    )
    count, penalty = axes.flat("n").astype(float), axes.flat("lam").astype(float)
    known = modes(kernel, problem.target, problem.d)

    def value(row: Index, x: Array) -> Array:
        take = np.broadcast_to(row[:, None], x.shape).ravel()
        points = Points(count[take], np.exp(x.ravel()) * count[take], penalty[take])
        return learning_curve(known, points, problem.noise).test_error.reshape(x.shape)

    # close to p = n the peak narrows with lam
    near = np.geomspace(1e-6, 0.5, 25)
    grid = np.unique([*np.log(np.geomspace(*_WIDTHS, 60)), *np.log1p(near), *np.log1p(-near), 0.0])
    top = maxima(value, np.tile(grid, (count.size, 1)), 1e-9)
    location = np.exp(top.location)
    found = np.isfinite(location)
    values = {
        "location": location,
        "height": top.height,
        "location_error": location * top.location_error,
        "height_error": top.height_error,
        "status": np.where(found, Status.CONVERGED, Status.NO_LIMIT).astype(np.int8),
    }
    return labelled("peak", repr(problem), axes, values, Status, along="overparam")
