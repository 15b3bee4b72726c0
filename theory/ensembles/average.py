r"""The mean of K models with features of their own, trained on one data set.

Its output has the covariance Q_K = Q_1 + (Q - Q_1) / K and the alignment m of one member. Nonlinear parts
of different features are uncorrelated, so that of its squared output q kappa_star^2 / K is nonlinear:

    BMD = 1 + (kappa'_star^2 - kappa_star^2) q / (K Q_K).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from twinpeaks.theory.axes import Given, read_axis
from twinpeaks.theory.ensembles.variance import variance_terms
from twinpeaks.theory.family import each
from twinpeaks.theory.names import attributes
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.sensitivity.solved import beside
from twinpeaks.theory.solve import solve

__all__ = ["solve_ensemble"]


def solve_ensemble(
    problem: Problem,
    members: Given = (1, 2, 10, np.inf),
    *,
    overparam: Given,
    alpha_T: Given,
    lam: Given,
    vary: Mapping[str, Given] | None = None,
) -> xr.Dataset:
    """Test error and BMD of the mean of several models that share their training set.

    Parameters
    ----------
    problem : Problem
        Of square loss and Gaussian features.
    members : float, 1-d array_like or 1-d DataArray
        Numbers K >= 1 of models, each with features of its own; inf is the mean over all features. An
        array becomes the dimension ``members``.
    overparam, alpha_T, lam, vary
        As for :func:`twinpeaks.theory.solve.solve`; overparam is that of one member.

    Returns
    -------
    xarray.Dataset
        ``test_error``, ``bmd``, ``Q_d``, ``m`` of the mean and ``status`` of the point; NaN where the
        status is not converged.

    Raises
    ------
    ValueError
        If a number of members is below 1 or not whole; as ``variance_terms``.
    InvalidProblem
        As :func:`twinpeaks.theory.ensembles.variance.variance_terms`.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem()
    >>> many = theory.solve_ensemble(problem, [1, np.inf], overparam=1.0, alpha_T=3.0, lam=1e-4)
    >>> float(many.bmd.sel(members=np.inf))
    1.0
    """
    axis = read_axis("members", members, "[1, inf]")
    finite = np.asarray(axis.values)[np.isfinite(axis.values)]
    if np.any(finite % 1.0):
        raise ValueError(f"members = {members!r}: give whole numbers of models, or np.inf")
    curve = solve(problem, overparam=overparam, alpha_T=alpha_T, lam=lam, vary=vary)
    curve = beside(curve.assign(Q_1=variance_terms(problem, curve)["Q_1"]), axis)
    return each(problem, curve, _mean)


def _mean(problem: Problem, curve: xr.Dataset) -> xr.Dataset:
    """The mean of models of one problem, at the coordinate ``members``."""
    share = 1.0 / curve["members"]
    covariance = curve["Q_1"] + (curve["Q_d"] - curve["Q_1"]) * share
    m = curve["m"] + 0.0 * share
    moments = problem.activation.moments
    excess = moments.dkappa_star**2 - moments.kappa_star**2
    error = xr.apply_ufunc(problem.teacher.test_error, m, covariance)
    terms = {
        "test_error": error,
        "bmd": 1.0 + excess * curve["q_d"] * share / covariance,
        "Q_d": covariance,
        "m": m,
    }
    # the parameters of a family stay beside the answers
    answers = {name: a.assign_attrs(attributes(name)) for name, a in terms.items()}
    return xr.Dataset(
        {**answers, "status": curve["status"]}, attrs={**curve.attrs, "kind": "theory"}
    )
