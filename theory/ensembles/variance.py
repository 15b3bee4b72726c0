r"""Covariances of two trained models that share data, features, both or neither.

Square loss, Gaussian features, zero temperature. With Q_ab = E[f_a f_b] over inputs,

    Q_3 = m^2 / rho,   Q_2 = mh^2 c rho kappa_1^2 <S Omega R^2>,
    Q_1 = Q_3 + Qh_1 kappa_1^4 c <S R>^2,   Qh_1 = alpha E[(y - omega_1)(y - omega_2)] / (1 + V)^2.

Qh_1 differs from Qh by the covariance of the two fields alone, Qh_1 = Qh + Vh^2 (Q_1 - Q) / alpha as
Vh = alpha / (1 + V), and m = mh c rho kappa_1^2 <S R> removes the trace: with
k = kappa_1^4 c <S R>^2 = m^2 / (c rho^2 mh^2) the fixed point is linear,

    Q_1 = (Q_3 + k (Qh - Vh^2 Q / alpha)) / (1 - k Vh^2 / alpha).

Sources: d'Ascoli et al., arXiv 2003.01054; Adlam and Pennington, arXiv 2011.03321.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.family import each
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.losses.square import Square
from twinpeaks.theory.names import attributes
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.sensitivity.solved import check

__all__ = ["variance_terms"]


def variance_terms(problem: Problem, data: xr.Dataset) -> xr.Dataset:
    """Covariances of two models of one problem, and the variance that each source brings.

    Parameters
    ----------
    problem : Problem
        Of square loss and Gaussian features.
    data : xarray.Dataset
        What ``solve`` returned for it at zero temperature.

    Returns
    -------
    xarray.Dataset
        ``Q_1``, ``Q_2``, ``Q_3``: output covariance of two models that share the data, the features,
        neither. ``variance_features`` = Q_2 - Q_3, ``variance_data`` = Q_1 - Q_3 (inputs and label
        noise together) and ``variance_interaction`` = Q - Q_1 - Q_2 + Q_3 add up to Q - Q_3. NaN where
        the status is not converged.

    Raises
    ------
    InvalidProblem
        For other losses or feature laws, and labels that the teacher field does not tell.
    ValueError
        If the Dataset belongs to another problem, if beta is finite, or if V or overparam is
        infinite (lam = 0 above the threshold).

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem()
    >>> curve = theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=1e-2)
    >>> round(float(theory.variance_terms(problem, curve).Q_1), 4)
    0.7013
    """
    check(problem, data)
    if np.any(np.isfinite(data["beta"])):
        raise ValueError("beta is finite: variance_terms holds at zero temperature, beta=np.inf")
    endless = (data["status"] == 0) & ~(np.isfinite(data["V"]) & np.isfinite(data["overparam"]))
    if endless.any():
        raise ValueError(
            "V or overparam is infinite, a limit that variance_terms does not take: give lam > 0 "
            "above the interpolation threshold, and a finite overparam"
        )
    return each(problem, data, _terms)


def _terms(problem: Problem, data: xr.Dataset) -> xr.Dataset:
    """The terms of one problem."""
    if type(problem.loss) is not Square:
        raise InvalidProblem(f"loss = {problem.loss!r}: variance_terms needs loss=Square()")
    if type(problem.features) is not Gaussian:
        raise InvalidProblem(
            f"features = {problem.features!r}: variance_terms needs features=Gaussian()"
        )
    if problem.teacher.silent:
        raise InvalidProblem(
            f"teacher = {problem.teacher!r}: its labels say nothing of the field, which variance_terms "
            "divides by; give labels with E[y nu] != 0"
        )
    moments, rho = problem.activation.moments, problem.teacher.rho
    linear, rest = moments.kappa_1**2, moments.kappa_star**2
    data = data.where(data["status"] == 0)
    c = data["alpha_T"] * data["overparam"]
    q, m = data["Q_d"], data["m"]
    teacher, width = problem.teacher, 1.0 + data["V"]
    vh = 1.0 / (data["overparam"] * width)
    mh = teacher.correlation * vh
    residual = teacher.second_moment - 2.0 * teacher.correlation * m + q
    qh = residual / (data["overparam"] * width**2)
    neither = m**2 / rho
    k = m**2 / (c * rho**2 * mh**2)
    fields = vh**2 * data["overparam"]
    same_data = (neither + k * (qh - fields * q)) / (1.0 - k * fields)
    z = (data["lam"] + vh * rest) / (vh * linear)
    b = z + 1.0 - c
    root = np.sqrt(b**2 + 4.0 * c * z)
    # the form of the positive root that does not cancel
    g = xr.where(b > 0.0, 2.0 / (b + root), (root - b) / (2.0 * c * z))  # type: ignore[no-untyped-call]
    square = (c * g**2 + g) / root
    trace = linear * (1.0 - 2.0 * z * g + z**2 * square) + rest * (g - z * square)
    same_features = mh**2 * c * rho * trace / (vh**2 * linear)
    terms = {
        "Q_1": same_data,
        "Q_2": same_features,
        "Q_3": neither,
        "variance_features": same_features - neither,
        "variance_data": same_data - neither,
        "variance_interaction": q - same_data - same_features + neither,
    }
    return xr.Dataset({name: a.assign_attrs(attributes(name)) for name, a in terms.items()})
