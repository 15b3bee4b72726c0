"""Far past the threshold: the coefficient of 1/overparam in the mean dimension.

At beta = inf the weights of a kernel are spread so thin that q = |w|^2/N vanishes like P/N, and with it
everything nonlinear in x. Expanding the read-out in 1/overparam (docs/derivations/far-past-the-threshold.md)
gives BMD = 1 + A/overparam + O(1/overparam^2) with

    A = (dkappa_star^2 - kappa_star^2)/alpha_T
        * [1/kappa_1^2 + kappa_star^2 (1 - m^2/(rho Q)) / (lam V - kappa_star^2)^2],

where V, Q and m are those of the kernel, and m/sqrt(rho Q) = cos(pi test_error) for sign labels.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from twinpeaks.theory.axes import Given, check_number
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.feature_laws.orthogonal import Orthogonal
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.losses.constraints import constraint
from twinpeaks.theory.names import attributes
from twinpeaks.theory.problem import Problem, require
from twinpeaks.theory.solve import solve

__all__ = ["bmd_tail"]


def bmd_tail(problem: Problem, *, alpha_T: Given, lam: float) -> xr.DataArray:
    """Coefficient A of the approach BMD - 1 = A / overparam to the kernel, at beta = inf.

    Parameters
    ----------
    problem : Problem
        With Gaussian or orthogonal features, which share it.
    alpha_T : float, 1-d array_like or 1-d DataArray
        P/D, as in ``solve``.
    lam : float
        Ridge penalty; 0 is the minimum-norm interpolator or the maximum-margin classifier.

    Returns
    -------
    xarray.DataArray
        A, over the dimensions of ``solve``.

    Raises
    ------
    InvalidProblem
        For other feature laws, whose kernels have spectra of their own, and at lam = 0 for a loss that
        does not say which constraint it becomes.
    SolveError
        When the kernel did not converge.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> round(float(theory.bmd_tail(theory.Problem(), alpha_T=3.0, lam=1e-4)), 6)
    0.879918
    """
    require(problem)
    ridge = check_number("lam", lam, "[0, inf)")
    if not isinstance(problem.features, Gaussian | Orthogonal):
        raise InvalidProblem(
            f"features = {problem.features!r}: the tail is derived for Gaussian and Orthogonal; fit "
            "solve(overparam=...) at large values instead"
        )
    moments = problem.activation.moments
    if (
        ridge == 0 and moments.kappa_star > 0
    ):  # above the threshold lam V stays finite: the loss is a constraint, and lam is 1
        problem, ridge = problem.replace(loss=_constraint(problem.loss)), 1.0
    kernel = solve(problem, overparam=np.inf, alpha_T=alpha_T, lam=ridge)
    k1, ks = moments.kappa_1**2, moments.kappa_star**2
    aligned = kernel.m**2 / (problem.teacher.rho * kernel.Q_d)
    excess = (moments.dkappa_star**2 - ks) / kernel.alpha_T
    # linear features leave nothing to spread over the null space, and may never fit all patterns
    spread = ks * (1 - aligned) / (ridge * kernel.V - ks) ** 2 if ks > 0 else 0.0
    tail: xr.DataArray = excess * (1 / k1 + spread)
    tail = tail.drop_vars("overparam").assign_coords(lam=float(lam)).rename("bmd_tail")
    tail["lam"].attrs, tail.attrs = attributes("lam"), attributes("bmd_tail")
    return tail


def _constraint(loss: Loss) -> Loss:
    found = constraint(loss) if loss.convex else None
    if found is None:
        raise InvalidProblem(
            f"lam = 0 with loss = {loss!r}: it does not say which constraint it becomes; give a small lam"
        )
    return found[0]
