r"""The degree spectrum and the noise stability of a solved student.

f = w.z / sqrt(N) has E[f(x) f(y)] - E[f]^2 = sum_j s_j(rho) w^T M_j w / N on inputs x, y of correlation
rho, a sum over the ways j in which a feature depends on the inputs (``FeatureLaw``). One layer of
features, with n(rho) = sum_{k >= 2} kappa_k^2 rho^k, has the covariance

    E[z_i(x) z_j(y)] - kappa_0^2 = sum_{k >= 1} kappa_k^2 (rho F_i.F_j / D)^k
                                 ~ kappa_1^2 rho S_ij + n(rho) delta_ij

(Mehler; the powers k >= 2 of the off-diagonal overlaps, of order D^{-1/2}, do not add up), hence

    Stab_rho = kappa_1^2 p rho + n(rho) q,   W_1 = kappa_1^2 p,   W_k = kappa_k^2 q (k >= 2),

W_k being the coefficient of rho^k, the Fourier weight of degree k on the hypercube and the Hermite weight
for Gaussian inputs. Sum rules: sum_k W_k = Stab_1 = Q, sum_k k W_k = Stab'_1 = E|grad f|^2 = BMD Q. The
constant, degree 0, is left out. Source: O'Donnell, *Analysis of Boolean Functions*, chapters 2 and 11.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import Given, check_count, read_axis
from twinpeaks.theory.family import each
from twinpeaks.theory.names import attributes
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.sensitivity.solved import Student, beside, check, student_forms

__all__ = ["fourier_weights", "noise_stability"]

_HIGHEST = 1000  # coefficients of ReLU are right to 1e-9 there, and to 1e-1 at 3000


def fourier_weights(
    problem: Problem, data: xr.Dataset, degrees: int = 8, *, student: Student = "sample"
) -> xr.DataArray:
    """Fourier weight W_k of the student at every degree up to ``degrees``.

    Parameters
    ----------
    problem : Problem
    data : xarray.Dataset
        What ``solve`` returned for it.
    degrees : int
        Highest degree wanted, 1 to 1000.
    student : {"sample", "mean"}
        One sample of the Boltzmann measure (sum Q_d), or its mean (sum Q_0).

    Returns
    -------
    xarray.DataArray
        The dimensions of the Dataset and ``degree`` = 1 .. degrees, in the units of Q_d. The coordinate
        ``remainder`` is the weight of all higher degrees together: the two add up to Q_d (Q_0). NaN
        where the status is not converged or the overlaps are infinite.

    Raises
    ------
    ValueError
        If ``degrees`` is not an integer from 1 to 1000, if the Dataset belongs to another problem, and as
        :func:`twinpeaks.theory.sensitivity.solved.student_forms`.

    Notes
    -----
    For deep features s_j is a composition of n with itself, and W_k sums the coefficients of rho^k of
    that power series.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem()
    >>> peak = theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=1e-4)
    >>> weights = theory.fourier_weights(problem, peak, degrees=5)
    >>> (weights / peak.Q_d).round(3).values
    array([0.438, 0.   , 0.452, 0.   , 0.08 ])
    """
    degrees = check_count("degrees", degrees, 1)
    if degrees > _HIGHEST:
        raise ValueError(
            f"degrees = {degrees}: give {_HIGHEST} at most, to which the integrals are accurate; the weight "
            "beyond is the coordinate remainder"
        )
    check(problem, data)
    return each(problem, data, lambda member, part: _weights(member, part, degrees, student))


def _weights(problem: Problem, data: xr.Dataset, degrees: int, student: Student) -> xr.DataArray:
    """Fourier weights of one problem."""
    forms = student_forms(problem, data, student)
    moments = problem.activation.moments
    kappa2 = problem.activation.hermite(degrees) ** 2

    def bend(series: Array) -> Array:
        """n(.) of a power series without constant term, to the degree asked for: Horner's scheme."""
        total = np.zeros_like(series)
        for coefficient in kappa2[:1:-1]:
            total = np.convolve(total, series)[: series.size]
            total[0] += coefficient
        for _ in range(2):
            total = np.convolve(total, series)[: series.size]
        return total

    identity = np.zeros(degrees + 1)
    identity[1] = 1.0
    series = problem.features.stabilities(bend, moments, identity)
    # at rho = 1 every layer is perfectly correlated
    whole = problem.features.stabilities(lambda _: moments.kappa_star**2, moments, 1.0)
    degree = xr.DataArray(np.arange(1, degrees + 1), dims="degree")
    weights, remainder = xr.zeros_like(forms[0]), xr.zeros_like(forms[0])
    for form, coefficients, total in zip(forms, series, whole, strict=True):
        weights = weights + form * xr.DataArray(coefficients[1:], {"degree": degree}, ("degree",))
        # rounding alone can make the difference negative
        remainder = remainder + form * max(total - float(np.sum(coefficients)), 0.0)
    weights = weights.assign_coords(remainder=remainder)
    for name in ("degree", "remainder"):
        weights[name].attrs = attributes(name)
    weights.attrs = attributes("fourier_weight")
    return weights.rename("fourier_weight")


def noise_stability(
    problem: Problem, data: xr.Dataset, rho: Given, *, student: Student = "sample"
) -> xr.DataArray:
    """Covariance of the outputs on two inputs of correlation rho.

    Parameters
    ----------
    problem : Problem
    data : xarray.Dataset
        What ``solve`` returned for it.
    rho : float, 1-d array_like or 1-d DataArray
        Correlations in [-1, 1]; an array becomes the dimension ``rho``, a ``DataArray`` lies on the
        dimension that it names. On the hypercube each
        coordinate is kept with probability rho and else drawn again.
    student : {"sample", "mean"}
        One sample of the Boltzmann measure, or its mean.

    Returns
    -------
    xarray.DataArray
        Stab_rho = E[f(x) f(y)] - E[f]^2 = sum_k rho^k W_k, in the units of Q_d; at rho = 1 it is Q_d
        (Q_0). NaN where the status is not converged or the overlaps are infinite.

    Raises
    ------
    ValueError
        If a correlation is outside [-1, 1] or repeated, if the Dataset belongs to another problem, and
        as :func:`twinpeaks.theory.sensitivity.solved.student_forms`.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem()
    >>> peak = theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=1e-4)
    >>> (theory.noise_stability(problem, peak, [0.5, 0.9, 1.0]) / peak.Q_d).round(3).values
    array([0.278, 0.784, 1.   ])
    """
    check(problem, data)
    return each(
        problem,
        beside(data, read_axis("rho", rho)),
        lambda member, part: _stability(member, part, student),
    )


def _stability(problem: Problem, data: xr.Dataset, student: Student) -> xr.DataArray:
    """Noise stability of one problem at the coordinate ``rho``."""
    at = data["rho"]
    forms = student_forms(problem, data, student)
    activation, moments = problem.activation, problem.activation.moments

    def nonlinear(t: Array) -> Array:
        # correlations of hidden layers reach 1 up to rounding
        t = np.clip(t, -1.0, 1.0)
        return activation.correlation(t) - moments.kappa_0**2 - moments.kappa_1**2 * t

    parts = problem.features.stabilities(nonlinear, moments, at.values)
    stability = xr.zeros_like(forms[0])
    for form, part in zip(forms, parts, strict=True):
        stability = stability + form * at.copy(data=part)
    stability.attrs = attributes("noise_stability")
    return stability.rename("noise_stability")
