"""Random features on real data: curves over their number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from twinpeaks.theory.activations import Activation, Identity
from twinpeaks.theory.axes import Given, check_flag
from twinpeaks.theory.data import Design, read_design
from twinpeaks.theory.equations.saddle_point import Tolerances
from twinpeaks.theory.feature_laws.measured import BOOLEAN, MeasuredFeatures
from twinpeaks.theory.losses.square import Square
from twinpeaks.theory.names import attributes
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.sensitivity.solved import student_forms
from twinpeaks.theory.solve import solve
from twinpeaks.theory.teachers.linear import Linear

__all__ = ["solve_on_data"]


def solve_on_data(
    F: Any,
    inputs: Any,
    labels: Any,
    *,
    P: int,
    overparam: Given,
    lam: Given,
    activation: Activation | None = None,
    laws: Mapping[str, Any] = BOOLEAN,
    throw: bool = True,
    tolerances: Tolerances | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Predict ridge regression of real labels on random features of real inputs.

    The features z = sigma(F^T x / sqrt(D)), less their mean over the patterns, enter by their covariance
    and by E[z y] over all patterns, of which P are drawn at random for training.

    Parameters
    ----------
    F : array of shape (D, N)
        First layer; a point of N' features has the first N' of them.
    inputs : array of shape (patterns, D)
        Such as images, with entries of order 1; a memory map is read in chunks.
    labels : array of shape (patterns,)
        Real labels; -1 and +1 of a classifier.
    P : int
        Size of a training set.
    overparam : float, 1-d array_like or 1-d DataArray
        N/P, of whole N that F has.
    lam : float, 1-d array_like or 1-d DataArray
        Ridge penalty, > 0.
    activation : Activation, optional
        sigma; ``Tanh()`` by default.
    laws : mapping of str to Cumulants or InputLaw
        Laws of independent inputs for the mean dimension; -1 and +1 by default.
    throw, tolerances
        As in ``solve``.
    progress : callable, optional
        Called with (widths done, widths in all).

    Returns
    -------
    xarray.Dataset
        What ``solve`` says, over ``overparam`` (N/P as it is, beside the coordinate ``N``), with
        ``train_error`` and ``test_error`` mean square errors on the patterns that were drawn and on all
        others; ``bmd`` over the further dimension ``law``; and for labels of -1 and +1
        ``classification_error`` on all others, which is approximate.

    Raises
    ------
    ValueError
        As ``solve``; for two ratios of one width; and as ``InvalidProblem`` for what
        ``MeasuredFeatures.of`` refuses, for more features than F has and no pattern to test on.
    SolveError
        When a point did not converge and ``throw`` is True.

    Notes
    -----
    The deterministic equivalent of ridge regression is exact for Gaussian features as P grows. How far real
    ones depart from it, and the classification error from its Gaussian form, is measured in
    docs/derivations/real-features.md.

    Examples
    --------
    >>> import numpy as np
    >>> from twinpeaks import theory
    >>> rng = np.random.default_rng(0)
    >>> x, F = rng.normal(size=(2000, 30)), rng.normal(size=(30, 100))
    >>> curve = theory.solve_on_data(
    ...     F, x, np.sign(x @ F[:, 0]), P=50, overparam=[0.5, 1.0, 2.0], lam=1e-2,
    ...     laws={"binary": theory.Cumulants(kurtosis=-2.0), "normal": theory.Cumulants()},
    ... )
    >>> curve.bmd.round(2).sel(law="binary").values
    array([1.21, 1.22, 1.14])
    """
    check_flag("throw", throw)
    design = read_design(F, inputs, labels, P, overparam, lam)
    widest = MeasuredFeatures.of(design.F, design.inputs, design.labels, activation, laws)
    parts = []
    for N in np.atleast_1d(design.N):
        part = _at(widest.first(int(N)), design, throw, tolerances)
        parts.append(part.assign_coords(N=((), int(N), attributes("N"))))
        if progress is not None:
            progress(len(parts), design.N.size)
    if design.overparam.dim is None:
        return parts[0]
    found = xr.concat(
        parts, design.overparam.dim, data_vars="all", coords="different", compat="equals"
    )
    found.attrs["problem"] = repr(_problem(widest))
    return found


def _problem(features: MeasuredFeatures) -> Problem:
    """Square loss and the labels of the data, of which nothing is noise."""
    return Problem(Identity(), Linear(noise=0.0, rho=features.rho), Square(), features)


def _at(
    features: MeasuredFeatures, design: Design, throw: bool, tolerances: Tolerances | None
) -> xr.Dataset:
    """The curve of one width over lam."""
    problem = _problem(features)
    curve = solve(
        problem,
        overparam=features.N / design.P,
        alpha_T=design.P / design.D,
        lam=design.lam.array,
        throw=throw,
        tolerances=tolerances,
    ).drop_vars(["bmd_mean", "test_error_mean"])
    names = list(features.probes)
    law = xr.DataArray(names, {"law": names}, ["law"], attrs=attributes("law"))
    forms = features.mean_dimensions(student_forms(problem, curve))
    dimensions = xr.concat(forms, law).transpose(..., "law")
    errors = {"test_error": (curve["test_error"], curve["train_error"])}
    if design.classes:
        errors["classification_error"] = _classification(curve)
    drawn = design.P / len(design.labels)
    found = {name: (all_ - drawn * own) / (1.0 - drawn) for name, (all_, own) in errors.items()}
    found["bmd"] = dimensions
    for name, values in found.items():
        values.attrs = attributes(name)
    return curve.assign(found)


def _classification(data: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """P(y f < 0) over all patterns and over those trained on, if f is Gaussian given y = +-1.

    f | y is normal of mean m y and variance Q - m^2: approximate, as real classes are not Gaussian. A
    pattern that is trained on has (f + V y)/(1 + V) in the place of f.
    """
    m, V = data["m"], data["V"]
    spread = np.sqrt(np.maximum(data["Q_d"] - m**2, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        whole, own = (xr.apply_ufunc(special.ndtr, -a / spread) for a in (m, m + V))
    return whole, own
