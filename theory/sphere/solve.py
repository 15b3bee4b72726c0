"""Learning curves on the sphere as a labelled Dataset: axes in, Dataset out."""

from __future__ import annotations

import warnings
from enum import IntEnum

import numpy as np
import xarray as xr

from twinpeaks.theory.axes import Axes, Given, read_axes, read_axis
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.sphere.kernels import RFK, Features, Kernel, SparseFeatures
from twinpeaks.theory.sphere.learning_curve import Points, learning_curve
from twinpeaks.theory.sphere.modes import modes
from twinpeaks.theory.sphere.problem import Problem

__all__ = ["AmplitudeWarning", "Status", "kernel_of", "solve"]

_TRUSTED = 0.1  # variance share up to which simulations agree within 1.5 % (docs/sphere.md)


class AmplitudeWarning(UserWarning):
    """The Gaussian theory has the right exponent here, and in low dimension a wrong amplitude."""


class Status(IntEnum):
    """How the solution of one point ended; every point but a converged one is NaN."""

    CONVERGED = 0
    NO_LIMIT = 1
    MAX_STEPS = 2


def solve(problem: Problem, n: Given, lam: Given = 0.0, overparam: Given = np.inf) -> xr.Dataset:
    """Errors of kernel regression, or of random features, averaged over inputs, target and noise.

    Parameters
    ----------
    problem : Problem
        With a kernel; there is no such theory of sparse features.
    n : number, 1-d sequence or DataArray
        Patterns > 0; they need not be whole.
    lam : number, 1-d sequence or DataArray
        Penalty >= 0: the predictor is k(x)^T (K + lam)^{-1} y, at 0 the interpolant of least norm. The
        kernel's scale, said in its docstring, matters.
    overparam : number, 1-d sequence or DataArray
        p/n > 0, features per pattern, for ``RFK`` and ``Features``: z_j(x) = sigma(theta_j.x) / sqrt(p),
        theta uniform on the sphere of radius sqrt(d). inf is the kernel.

    Returns
    -------
    xarray.Dataset
        Over (n, lam, overparam), less those given as numbers: ``test_error`` E (f - f^)^2 without the noise,
        ``train_error``, ``kappa``, ``variance_share``, ``ridge_share``, ``exponent`` (along fixed p/n and
        lam, from the derivative of the formulas) and ``status``. The attribute ``floor`` is the variance of
        the target on degrees of which the kernel knows nothing: no n removes it.

    Raises
    ------
    InvalidProblem, ValueError
        Names the argument, its value and the remedy.

    Warns
    -----
    AmplitudeWarning
        Where ``variance_share`` > 0.1 and d <= 10. Gaps between few inputs on a sphere of low dimension
        fluctuate, which a theory of Gaussian features leaves out: the exponent is right and the amplitude
        is not, by factors up to 2 and more without ridge (docs/sphere.md).

    Notes
    -----
    Equations and sources: ``theory/sphere/learning_curve.py``. Sums over degrees go up to 1e30, so that
    nothing is truncated.

    Examples
    --------
    >>> from twinpeaks.theory import sphere
    >>> problem = sphere.Problem(d=20, kernel=sphere.NTK(), target=sphere.GaussianField(1.5))
    >>> curve = sphere.solve(problem, n=[10, 1000], lam=0.1)
    >>> curve.test_error.round(6).values
    array([0.147967, 0.00314 ])
    """
    kernel = kernel_of(problem)
    axes = read_axes(
        read_axis("n", n, "(0, inf)"),
        read_axis("lam", lam, "[0, inf)"),
        read_axis("overparam", overparam, "(0, inf]"),
    )
    count, penalty, ratio = (axes.flat(name).astype(float) for name in ("n", "lam", "overparam"))
    if not isinstance(kernel, RFK | Features) and np.isfinite(ratio).any():
        finite = ratio[np.isfinite(ratio)][0]
        raise ValueError(
            f"overparam = {finite:g}: {kernel!r} is no kernel of random features; give inf, or RFK()"
        )
    known = modes(kernel, problem.target, problem.d)
    points = Points(count, np.where(np.isinf(ratio), np.inf, ratio * count), penalty)
    curve = learning_curve(known, points, problem.noise)
    status = np.where(curve.converged, Status.CONVERGED, Status.MAX_STEPS)
    status = np.where(curve.no_limit, Status.NO_LIMIT, status).astype(np.int8)
    data = _dataset(problem, axes, known.floor, curve._asdict(), status)
    _warn(problem, data)
    return data


def kernel_of(problem: Problem) -> Kernel:
    """The kernel of a problem.

    Raises
    ------
    InvalidProblem
        If it is no problem on the sphere, or learns features.
    """
    if not isinstance(problem, Problem):
        raise InvalidProblem(f"problem = {problem!r}: give a sphere.Problem")
    if isinstance(problem.kernel, SparseFeatures):
        raise InvalidProblem(
            "kernel = SparseFeatures(): no theory of its learning curve is known; sphere.exponents has its "
            "exponent and sphere.run finds the networks"
        )
    return problem.kernel


def _dataset(
    problem: Problem, axes: Axes, floor: float, values: dict[str, object], status: object
) -> xr.Dataset:
    names = ("test_error", "train_error", "kappa", "variance_share", "ridge_share", "exponent")
    arrays = {name: np.asarray(values[name]) for name in names} | {"status": np.asarray(status)}
    data = labelled("theory", repr(problem), axes, arrays, Status)
    return data.assign_attrs(floor=floor)


def _warn(problem: Problem, data: xr.Dataset) -> None:
    share = float(data["variance_share"].max()) if data["variance_share"].notnull().any() else 0.0
    if share > _TRUSTED and problem.d <= 10:
        warnings.warn(
            f"variance_share is up to {share:.2f} in d = {problem.d}: the exponents are right, but simulated "
            "errors exceed these by factors up to 2 and more where lam is 0 or small (docs/sphere.md)",
            AmplitudeWarning,
            stacklevel=3,
        )
