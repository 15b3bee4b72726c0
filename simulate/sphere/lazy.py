"""Kernel regression on given inputs, averaged exactly over targets, labels' noise and test points.

    E|f - f^|^2 = C(1) - 2 Tr[A KC] + Tr[A K2 A C] + sigma^2 Tr[A K2 A],  A = (K + lam)^{-1}

with K2 and KC the zonal functions of lambda_k^2 and lambda_k c_k. For smooth targets the first terms cancel.
So the degrees of the target up to some m are taken one harmonic at a time: what the predictor makes of one is
a sum of squares, and only the variance of the target above m is left to cancel.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from twinpeaks.simulate.sphere.zonal import angles, multiplicity, orthonormal, zonal
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.sphere.kernels import Kernel
from twinpeaks.theory.sphere.problem import Problem

__all__ = ["Average", "averaged_errors"]


class Average(IntEnum):
    """What became of one exact average."""

    EXACT = 0  # rounding is below a hundredth of the error
    CANCELLATION = 1  # it may not be: give a larger lam, or fewer patterns
    SINGULAR = 2  # the kernel matrix has no factor: give a larger lam


_DEGREES = 20  # of the sums, for each n^{1/(d-1)}
_TRUST = 0.01


def averaged_errors(problem: Problem, x: Array, lam: Array) -> tuple[Array, NDArray[np.int8]]:
    """Test errors and statuses for an axis of penalties; an error whose status is not EXACT is NaN."""
    kernel, d, n = problem.kernel, problem.d, len(x)
    assert isinstance(kernel, Kernel)
    u = angles(x, x)
    np.fill_diagonal(u, 0.0)
    t = np.cos(u)
    size = max(120, int(_DEGREES * n ** (1 / (d - 1))) + 1)
    if np.isfinite(problem.target.last):
        size = max(size, int(problem.target.last) + 1)
    k = np.arange(size)
    eigen, power = kernel.eigenvalues(d, k), problem.target.powers(d, k)
    counts = multiplicity(d, k)
    low = [j for j in k[power > 0] if counts[: j + 1][power[: j + 1] > 0].sum() <= max(1, n // 2)]
    above = power.copy()
    above[low] = 0.0
    K, (K2, KC, C) = kernel.value(d, u), zonal(d, t, eigen**2, eigen * above, above)
    beyond = 1.0 - float((counts * power)[low].sum()) if len(low) < (power > 0).sum() else 0.0
    known = {j: orthonormal(d, int(j), x) for j in low}
    Y = np.concatenate(list(known.values()), 1) if known else np.zeros((n, 0))
    degree = np.repeat(low, [known[j].shape[1] for j in low]).astype(int)
    rest = eigen**2
    rest[low] = 0.0
    (R2,) = zonal(d, t, rest)
    errors, statuses = np.full(len(lam), np.nan), np.zeros(len(lam), np.int8)
    spectrum = linalg.eigvalsh(K)
    for i, ridge in enumerate(lam):
        try:
            factor = linalg.cho_factor(K + ridge * np.eye(n), lower=True)
        except linalg.LinAlgError:
            statuses[i] = Average.SINGULAR
            continue
        a = linalg.cho_solve(factor, Y)
        miss = np.eye(len(degree)) - eigen[degree][:, None] * (Y.T @ a)
        error = (
            power[degree] * ((miss**2).sum(0) + np.einsum("iq,ij,jq->q", a, R2, a, optimize=True))
        ).sum()
        AK2 = linalg.cho_solve(factor, K2)
        if beyond > 0:
            AC, AKC = linalg.cho_solve(factor, C), linalg.cho_solve(factor, KC)
            error += beyond - 2 * np.trace(AKC) + (AK2 * AC.T).sum()
        if problem.noise:
            error += problem.noise * np.trace(linalg.cho_solve(factor, AK2.T))
        if not error > 0 or _doubt(
            spectrum + ridge, a, power[degree], eigen[degree], rest, beyond, error
        ) > (_TRUST * error):
            statuses[i] = Average.CANCELLATION
        else:
            errors[i] = error
    return errors, statuses


def _doubt(
    spectrum: Array,
    a: Array,
    power: Array,
    eigen: Array,
    rest: Array,
    beyond: float,
    error: float,
) -> float:
    """By how much rounding may have changed an error.

    Solving K a = Y leaves a residual r of the size eps |K| |a|. Of the squares that the error is a sum of,
    those of the harmonics change by K^-1 r seen through their eigenvalues, at most |r|^2 lambda /
    lambda_min(K) since lambda Y Y^T <= K; what the target has above enters as differences, which lose eps
    times the condition number.
    """
    eps = float(np.finfo(float).eps)
    largest, least = float(spectrum[-1]), max(float(spectrum[0]), 1e-300)
    residual = (eps * largest) ** 2 * (a**2).sum(0)
    square = float((power * residual * (eigen + np.sqrt(rest.max()))).sum()) / least
    return float(2.0 * (error * square) ** 0.5 + square + eps * beyond * largest / least)
