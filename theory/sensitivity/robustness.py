r"""Adversarial robustness of a solved student: a function of its mean dimension alone.

Within a distance eps that stays fixed as D grows, f is its own tangent (docs/derivations/robustness.md):
f(x + delta) = f(x) + delta.grad f(x). The worst delta of a ball changes f by eps times the dual norm of
the gradient, whose square is self-averaging, E|grad f|^2 = BMD Q, and f(x) ~ N(0, Q). Hence, with

    l2 ball of radius eps:               h = eps sqrt(BMD),
    l_inf ball of radius eps / sqrt(D):  h = eps sqrt(2 / pi) sqrt(BMD),

(the components of the gradient are Gaussian, |grad f|_1 = sqrt(2 D / pi) |grad f|_2, where the law of
the features does not change under rotations of the inputs)

    flip rate          P(|f| < h sqrt(Q))          = erf(h / sqrt(2)),
    robust test error  P(y f < h sqrt(Q))          = ``BinaryTeacher.student_tail`` at the edge h,
                       E (|y - f| + h sqrt(Q))^2   = T + 2 h sqrt(2 Q T / pi) + h^2 Q for ``Linear``,

T = E(y - f)^2 being the test error; y is the label of the unperturbed input. Sources: Goodfellow et al.,
arXiv 1412.6572 (linearisation); Javanmard, Soltanolkotabi & Hassani, arXiv 2002.10477 (regression).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import xarray as xr
from scipy import optimize, special

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import Given, read_axis
from twinpeaks.theory.errors import Status
from twinpeaks.theory.family import each
from twinpeaks.theory.feature_laws.population import Atoms, PopulationLaw
from twinpeaks.theory.feature_laws.stack import Stack
from twinpeaks.theory.names import attributes
from twinpeaks.theory.numerics.angle import cotangent
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.sensitivity.solved import Student, beside, check, replicas
from twinpeaks.theory.teachers.base import BinaryTeacher, Teacher
from twinpeaks.theory.teachers.linear import Linear

__all__ = ["Norm", "flip_rate", "robust_test_error"]

#: The ball: |delta|_2 <= eps, or max_k |delta_k| <= eps / sqrt(D).
Norm = Literal["l2", "linf"]

_DUAL = {"l2": 1.0, "linf": float(np.sqrt(2 / np.pi))}


def flip_rate(
    problem: Problem,
    data: xr.Dataset,
    eps: Given,
    norm: Norm = "l2",
    *,
    student: Student = "sample",
) -> xr.DataArray:
    """Share of inputs whose class the worst perturbation of size eps changes.

    Parameters
    ----------
    problem : Problem
        Of binary labels, with a differentiable activation.
    data : xarray.Dataset
        What ``solve`` returned for it.
    eps : float, 1-d array_like or 1-d DataArray
        Radius >= 0 in units in which inputs have variance 1 a coordinate (whitened ones for
        correlated inputs); an array becomes the dimension ``eps``, a ``DataArray`` lies on the
        dimension that it names.
    norm : {"l2", "linf"}
        |delta|_2 <= eps, or max_k |delta_k| <= eps / sqrt(D).
    student : {"sample", "mean"}
        One sample of the Boltzmann measure, or its mean.

    Returns
    -------
    xarray.DataArray
        erf(h / sqrt(2)), h = eps sqrt(BMD), times sqrt(2 / pi) for linf. NaN where the status is not
        converged.

    Raises
    ------
    ValueError
        If the Dataset belongs to another problem, if eps is negative, for real labels, for an
        activation that jumps, and with linf for correlated inputs, where it matters which
        coordinates the ball bounds.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem()
    >>> curve = theory.solve(problem, overparam=[0.3, 1.0, 5.0], alpha_T=3.0, lam=1e-4)
    >>> theory.flip_rate(problem, curve, 0.5).round(3).values
    array([0.447, 0.565, 0.415])
    """
    data = _attacked(problem, data, eps, norm)
    if not isinstance(problem.teacher, BinaryTeacher):
        raise ValueError(
            f"teacher = {problem.teacher!r} has real labels, of which a change of sign says nothing: "
            "use theory.robust_test_error"
        )

    def ask(member: Problem, part: xr.Dataset) -> xr.DataArray:
        h = _reach(member, part, norm, student)
        rate: xr.DataArray = xr.apply_ufunc(special.erf, h / np.sqrt(2.0))
        return rate

    return _named("flip_rate", norm, each(problem, data, ask))


def _named(name: str, norm: Norm, answer: xr.DataArray) -> xr.DataArray:
    said = attributes(name)
    answer.attrs = {**said, "long_name": f"{said['long_name']} ({norm})"}
    return answer.rename(name)


def robust_test_error(
    problem: Problem,
    data: xr.Dataset,
    eps: Given,
    norm: Norm = "l2",
    *,
    student: Student = "sample",
) -> xr.DataArray:
    """Test error under the worst perturbation of size eps of every input, at the label of the clean one.

    Parameters
    ----------
    problem, data, eps, norm, student
        As for :func:`flip_rate`; the teacher may also be ``Linear``.

    Returns
    -------
    xarray.DataArray
        P(y f < h sqrt(Q)) for binary labels, E(|y - f| + h sqrt(Q))^2 for ``Linear``; at eps = 0 it is
        ``test_error`` (``test_error_mean``). NaN where the status is not converged.

    Raises
    ------
    ValueError
        As :func:`flip_rate`, with ``Linear`` labels admitted; other real labels are refused, as y - f
        is not Gaussian there.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem()
    >>> curve = theory.solve(problem, overparam=[0.3, 1.0, 5.0], alpha_T=3.0, lam=1e-4)
    >>> theory.robust_test_error(problem, curve, 0.5).round(3).values
    array([0.53 , 0.696, 0.457])
    """
    suffix, ending = replicas(student)
    error, Q = f"test_error{ending}", f"Q_{suffix}"
    check(problem, data, error, Q, "m")
    if problem.features.probes:
        raise ValueError(
            f"features = {problem.features!r}: errors are of the patterns, bmd of "
            f"{problem.features.probes[0]} inputs; use flip_rate, or a law such as Gaussian()"
        )

    def ask(member: Problem, part: xr.Dataset) -> xr.DataArray:
        h = _reach(member, part, norm, student)
        return _error(member.teacher, h, part[error], part[Q], part["m"])

    return _named(
        "robust_test_error", norm, each(problem, _attacked(problem, data, eps, norm), ask)
    )


def _error(
    teacher: Teacher, h: xr.DataArray, error: xr.DataArray, Q: xr.DataArray, m: xr.DataArray
) -> xr.DataArray:
    """The error of one teacher when f moves by h sqrt(Q)."""
    if isinstance(teacher, BinaryTeacher):
        angle = _cotangent(teacher, m, Q, error)
        out: xr.DataArray = xr.apply_ufunc(partial(_tail, teacher), h, angle)
        # the closed form of the test error is more accurate than its tail integral
        return out.where(h != 0, error)
    if isinstance(teacher, Linear):
        moved = h * np.sqrt(Q)
        return error + 2.0 * moved * np.sqrt(2.0 / np.pi * error) + moved**2
    raise ValueError(
        f"teacher = {teacher!r}: the robust error of real labels is known for Linear only, where "
        "y - f is Gaussian"
    )


def _attacked(problem: Problem, data: xr.Dataset, eps: Given, norm: Norm) -> xr.Dataset:
    """The Dataset with the radius as a coordinate."""
    check(problem, data)
    if norm not in _DUAL:
        raise ValueError(f"norm = {norm!r}: give 'l2' or 'linf'")
    return beside(data, read_axis("eps", eps))


def _reach(problem: Problem, data: xr.Dataset, norm: Norm, student: Student) -> xr.DataArray:
    """Largest change of f within the ball, in units of sqrt(Q)."""
    _, ending = replicas(student)
    check(problem, data, f"bmd{ending}")
    if np.isinf(problem.activation.moments.dkappa_star):
        raise ValueError(
            f"activation = {problem.activation!r} jumps, so the output has no gradient and any eps > 0 "
            "reaches a jump as D grows; smooth the activation"
        )
    if norm == "linf" and not _isotropic(problem):
        raise ValueError(
            f"norm = 'linf' with features = {problem.features!r}: the inputs have preferred directions, "
            "and the bound on each coordinate depends on the coordinates; use norm='l2', a ball of the "
            "whitened inputs"
        )
    bmd = data[f"bmd{ending}"]
    if "status" in data:
        bmd = bmd.where(data["status"] == Status.CONVERGED)
    reach: xr.DataArray = bmd**0.5 * (_DUAL[norm] * data["eps"])
    return reach


def _isotropic(problem: Problem) -> bool:
    """Whether the law of features and teacher does not change under rotations of the inputs."""
    if problem.features.probes:
        return False
    if not isinstance(problem.features, PopulationLaw):
        return True
    inputs = problem.features.population(problem.activation.moments)
    if isinstance(inputs, Stack):
        inputs = inputs.inputs
    if not isinstance(inputs, Atoms):
        return False
    even = np.ptp(inputs.sigma) <= 1e-12 * np.max(inputs.sigma)
    return bool(even and np.allclose(inputs.teacher, inputs.weight, rtol=0.0, atol=1e-12))


def _cotangent(
    teacher: BinaryTeacher, m: xr.DataArray, Q: xr.DataArray, error: xr.DataArray
) -> xr.DataArray:
    """Cotangent m / sqrt(rho Q - m^2), from the test error where both are infinite and the angle is not."""

    def angle(overlap: Array, variance: Array, wrong: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            out = np.atleast_1d(cotangent(teacher.rho, variance, overlap))
        wrong = np.atleast_1d(wrong)
        for i in np.ndindex(out.shape):
            if teacher.silent:
                out[i] = 0.0
            elif np.isinf(np.atleast_1d(variance)[i]) and np.isfinite(wrong[i]):
                out[i] = _invert(teacher, float(wrong[i]))
        return out.reshape(np.shape(variance))

    result: xr.DataArray = xr.apply_ufunc(angle, *xr.broadcast(m, Q, error))
    return result


def _invert(teacher: BinaryTeacher, error: float) -> float:
    """The cotangent at which the student has a given test error, which falls with it."""

    def excess(log_cotangent: float) -> float:
        tail = teacher.student_tail(np.zeros(1), np.exp([log_cotangent]))
        return float(tail[0]) - error

    return float(np.exp(optimize.brentq(excess, -30.0, 30.0, xtol=1e-13)))


def _tail(teacher: BinaryTeacher, edge: Array, cotangent: Array) -> Array:
    """P(y f < edge sqrt(Q)) where both are known, NaN elsewhere."""
    edge, cotangent = np.broadcast_arrays(edge, cotangent)
    out = np.full(edge.shape, np.nan)
    known = np.isfinite(edge) & np.isfinite(cotangent)
    if np.any(known):
        out[known] = teacher.student_tail(edge[known], cotangent[known])
    return out
