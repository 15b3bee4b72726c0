"""The error of the Bayes-optimal learner: the floor under every curve of ``solve``.

A learner that knows the law of the labels and the prior of w_T, and that sees the raw inputs x, has
a posterior overlap q = E[w_T . <w>] / D with the teacher. In the limit D -> infinity at fixed
alpha_T = P/D, q solves

    q = int dmu(v) rho^2 v^2 qh / (1 + rho v qh),
    qh = alpha_T sum_y int Dxi Z_*'(y; sqrt(q) xi, rho - q)^2 / Z_*(y; sqrt(q) xi, rho - q),

where rho v is the prior variance of a component of w_T (v = 1 for an isotropic prior), and is the
solution of largest free entropy

    (1/2) [ qh (rho - q) - int dmu ln(1 + rho v qh) ] + alpha_T sum_y int Dxi Z_* ln Z_*

(Barbier, Krzakala, Macris, Miolane & Zdeborova, PNAS 116, 5451 (2019), arXiv 1708.03395). The
features play no part: whatever is learned through them is a function of x, so no student is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from scipy import optimize

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.axes import Given, read_axes, read_axis
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.family import read_family
from twinpeaks.theory.labelled import labelled
from twinpeaks.theory.numerics.quadrature import integrate, panels
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import BinaryTeacher, RealTeacher

__all__ = ["bayes_error"]

_REACH = 10.0  # in xi: beyond, the Gaussian weight is below rounding
_RATIO = 2.0  # of successive conjugates in the search for sign changes
_LARGEST = 1e26  # rho qh: there 1 - q/rho has left float64
_ACCURACY = 1e-10  # of an average, relative
_NOISE = 1e-14  # of an average, absolute


def bayes_error(
    problem: Problem, alpha_T: Given, *, vary: Mapping[str, Given] | None = None
) -> xr.DataArray:
    """Test error of the Bayes-optimal learner of the problem's teacher from the raw inputs.

    Parameters
    ----------
    problem : Problem
        Its teacher, and the prior of w_T that its feature law draws from. Activation and loss play
        no part.
    alpha_T : float, 1-d array_like or 1-d DataArray
        P/D, patterns per input dimension, finite and >= 0.
    vary : dict, optional
        Numbers of components as further axes, as in ``solve``.

    Returns
    -------
    xarray.DataArray
        Binary teachers: the fraction of fresh labels that the best guess misses,
        E[1 - max_y Z_*(y; sqrt(q) xi, rho - q)]. Linear teachers: the mean squared error of the
        posterior mean on fresh labels, rho - q + noise.

    Raises
    ------
    InvalidProblem
        For real labels other than y = nu + noise, and for feature laws that tie w_T to F.
    ValueError
        For axes that ``solve`` refuses; alpha_T may be 0.

    Notes
    -----
    The overlap equation has one root for sign-like teachers. Others, such as an even P(y | nu), may
    have several or the root q = 0 alone; all are found on a grid of conjugates (steps of a factor 2)
    and compared by their free entropy, so the result is information-theoretically optimal even where
    no fast algorithm is known to reach it.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> problem = theory.Problem(teacher=theory.Linear(noise=0.1))
    >>> theory.bayes_error(problem, [0.5, 2.0]).round(4).values
    array([0.6742, 0.1844])
    """
    family = read_family(problem, vary)
    axes = read_axes(*family.axes, read_axis("alpha_T", alpha_T, "[0, inf)"))
    values = np.empty(axes.size)
    for member, parts in family.blocks(axes):
        index = axes.index(parts)
        values[index] = _errors(member, axes.flat("alpha_T")[index])
    return labelled("bayes", family.text, axes, {"bayes_error": values})["bayes_error"]


def _errors(problem: Problem, alpha_T: Array) -> Array:
    """The error of one problem at flat values of P/D."""
    teacher, prior = problem.teacher, _Prior(problem)
    if isinstance(teacher, BinaryTeacher):
        return _binary(teacher, prior, alpha_T)
    if isinstance(teacher, RealTeacher) and teacher.noise is not None:
        return np.array([_linear(teacher.noise, prior, a) for a in alpha_T])
    raise InvalidProblem(
        f"teacher = {teacher!r}: the Bayes-optimal error is known for labels -1 and +1 and for "
        "y = nu + noise; give a BinaryTeacher, or teacher=Linear()"
    )


class _Prior:
    """N(0, rho v) components of the teacher, in coordinates where the inputs are white."""

    def __init__(self, problem: Problem) -> None:
        self.rho = problem.teacher.rho
        self.weight, variance = problem.features.teacher_prior()
        self.variance = self.rho * variance

    def overlap(self, qh: Array) -> Array:
        """Overlap q."""
        x = qh[..., None] * self.variance
        return np.asarray(np.sum(self.weight * self.variance * (x / (1.0 + x)), -1))

    def rest(self, qh: Array) -> Array:
        """What is left of rho - q, without the cancellation."""
        x = qh[..., None] * self.variance
        return np.asarray(np.sum(self.weight * self.variance / (1.0 + x), -1))

    def entropy(self, qh: float) -> float:
        """(1/2) [qh (rho - q) - int dmu ln(1 + rho v qh)]."""
        log = np.sum(self.weight * np.log1p(qh * self.variance))
        return 0.5 * float(qh * self.rest(np.full(1, qh))[0] - log)


def _root(residual: Callable[[float], float], low: float, high: float) -> float:
    """The sign change of a residual, in the logarithm of qh."""
    return float(np.exp(optimize.brentq(residual, np.log(low), np.log(high), xtol=1e-13)))


def _linear(noise: float, prior: _Prior, alpha_T: float) -> float:
    """Solve qh = alpha_T / (noise + rho - q)."""
    if alpha_T == 0:
        return prior.rho + noise
    if noise == 0 and alpha_T >= 1:
        return 0.0  # as many equations as unknowns

    def residual(log_qh: float) -> float:
        qh = np.exp(np.full(1, log_qh))
        return float(np.log(alpha_T / (noise + prior.rest(qh)[0])) - log_qh)

    low = alpha_T / (noise + prior.rho)
    high = 2.0 * low
    while residual(np.log(high)) > 0:
        high *= 4.0
    return float(noise + prior.rest(np.full(1, _root(residual, 0.5 * low, high)))[0])


def _binary(teacher: BinaryTeacher, prior: _Prior, alpha_T: Array) -> Array:
    """Every overlap of the grid of alpha_T, from one scan of the channel: it knows no alpha_T."""
    out = np.empty(alpha_T.shape)
    out[alpha_T == 0] = _average(_error, teacher, prior, np.zeros(1))[0]
    positive = alpha_T[alpha_T > 0]
    if not positive.size:
        return out
    # The information grows with q, so every root has qh >= alpha_T information(0).
    blind = float(_average(_information, teacher, prior, np.zeros(1))[0])
    scale = max(blind, 1e-4 / prior.rho)
    low, high = 0.5 * positive.min() * scale, 4.0 * positive.max() * scale
    grid = [low * (high / low) ** np.linspace(0, 1, 2 + int(np.log(high / low) / np.log(_RATIO)))]
    values = [_average(_information, teacher, prior, grid[0])]
    while np.any(positive.max() * values[-1][-1] >= grid[-1][-1]):
        if grid[-1][-1] * prior.rho > _LARGEST:
            raise InvalidProblem(
                f"alpha_T = {positive.max():g}: teacher = {teacher!r} is known to all digits of "
                "float64; give a smaller alpha_T"
            )
        grid.append(grid[-1][-1] * _RATIO ** np.arange(1, 7))
        values.append(_average(_information, teacher, prior, grid[-1]))
    qh, information = np.concatenate(grid), np.concatenate(values)
    found = [_conjugate(teacher, prior, a, blind, qh, information) for a in positive]
    out[alpha_T > 0] = _average(_error, teacher, prior, np.array(found))
    return out


def _conjugate(
    teacher: BinaryTeacher, prior: _Prior, alpha_T: float, blind: float, qh: Array, scan: Array
) -> float:
    """The root qh of largest free entropy."""

    def residual(log_qh: float) -> float:
        value = _average(_information, teacher, prior, np.exp(np.full(1, log_qh)))[0]
        return float(np.log(max(alpha_T * value, 1e-300)) - log_qh)

    above = alpha_T * scan > qh
    # From above to below: a maximum of the free entropy; the other way round, a minimum.
    places = np.flatnonzero(above[:-1] & ~above[1:])
    roots = [_root(residual, qh[i], qh[i + 1]) for i in places]
    if not above[0] or blind * prior.rho < 1e-12:
        roots.append(0.0)  # labels that say nothing of w_T until something of it is known
    if len(roots) == 1:
        return roots[0]
    channel = _average(_negentropy, teacher, prior, np.array(roots))
    free = [prior.entropy(r) + alpha_T * c for r, c in zip(roots, channel, strict=True)]
    return roots[int(np.argmax(free))]


def _information(teacher: BinaryTeacher, omega: Array, V: Array) -> Array:
    """sum_y Z'^2 / Z."""
    total = np.zeros(omega.shape)
    labels, weight = teacher.representatives
    for y in labels:
        z = teacher.partition(y, omega, V)
        seen = z.value > 1e-290
        total += weight * np.where(seen, z.first * (z.first / np.where(seen, z.value, 1.0)), 0.0)
    return total


def _negentropy(teacher: BinaryTeacher, omega: Array, V: Array) -> Array:
    """sum_y Z ln Z."""
    labels, weight = teacher.representatives
    values = (np.maximum(teacher.partition(y, omega, V).value, 0.0) for y in labels)
    return np.asarray(weight * sum(z * np.log(np.where(z > 0, z, 1.0)) for z in values))


def _error(teacher: BinaryTeacher, omega: Array, V: Array) -> Array:
    """1 - max_y Z, as the smaller Z."""
    return np.minimum(*(teacher.partition(y, omega, V).value for y in (1.0, -1.0)))


def _average(
    function: Callable[[BinaryTeacher, Array, Array], Array],
    teacher: BinaryTeacher,
    prior: _Prior,
    qh: Array,
) -> Array:
    """Int Dxi function(sqrt(q) xi, rho - q), for an array of conjugates."""
    root, rest = np.sqrt(prior.overlap(qh)), prior.rest(qh)
    # Wherever P(y | nu) jumps, the integrand varies over xi ~ sqrt((rho - q)/q): graded panels.
    width = np.sqrt(rest) / np.maximum(root, 1e-100)
    jumps = np.unique([0.0, *teacher.breakpoints])
    jumps = jumps[np.diff(jumps, prepend=-np.inf) > 1e-6 * np.sqrt(prior.rho)]
    grade = np.concatenate([[0.0], 4.0 ** np.arange(0, 24)])
    grade = np.concatenate([-grade, grade])
    centres = jumps / np.maximum(root, 1e-100)[:, None]
    edges = (centres[:, :, None] + width[:, None, None] * grade).reshape(qh.size, -1)
    uniform = np.broadcast_to(np.linspace(-_REACH, _REACH, 11), (qh.size, 11))
    mesh = panels(np.concatenate([np.clip(edges, -_REACH, _REACH), uniform], axis=1))

    def integrand(owner: Index, _: Index, xi: Array) -> Array:
        V = np.broadcast_to(rest[owner][:, None], xi.shape)
        value = function(teacher, root[owner][:, None] * xi, V)
        return np.asarray((value * np.exp(-0.5 * xi * xi) / np.sqrt(2 * np.pi))[None])

    found = integrate(integrand, mesh, qh.size, judged=1, tol=1e-13)
    # Every average is of order 1 in units of rho, or vanishes with q and is rounding noise there.
    floor = _NOISE / np.maximum(np.abs(found.values[0]), 1e-300) / prior.rho
    if not np.all(found.error <= _ACCURACY + floor):  # NaN too
        raise InvalidProblem(
            f"teacher = {teacher!r}: its Gaussian integrals reach a relative accuracy of only "
            f"{np.max(found.error):.1e}; declare the breaks of its probability"
        )
    return np.asarray(found.values[0])
