"""The least-variation network of one set of inputs and one draw of the target, and its exact error."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from twinpeaks.simulate.sphere.variation import Certificate, least_variation
from twinpeaks.simulate.sphere.zonal import angles, relu_coefficients, zonal
from twinpeaks.theory.arrays import Array
from twinpeaks.theory.sphere.problem import Problem

__all__ = ["sparse_features"]

_DEGREES = 400
_JITTER = 1e-10


def sparse_features(
    problem: Problem, x: Array, random: np.random.Generator, tolerance: float
) -> dict[str, Any]:
    """test_error, tv, atoms, gap and status.

    The labels are drawn from their joint Gaussian law C; given them, the target has mean c(x) C^{-1} y and
    a variance, and the error is averaged over both that and test points. A target of one degree, 0, is 1.
    """
    d, n = problem.d, len(x)
    last = problem.target.last
    k = np.arange(_DEGREES + 1 if not np.isfinite(last) else int(last) + 1)
    power = problem.target.powers(d, k)
    mu = relu_coefficients(d, len(k))
    constant = not power[1:].any()
    if constant:
        y, half, open_ = np.ones(n), np.zeros(n), 0.0
    else:
        C, C2 = zonal(d, np.cos(angles(x, x)), power, power**2)
        factor = linalg.cholesky(C + _JITTER * np.eye(n), lower=True)
        y = factor @ random.standard_normal(n)
        half = linalg.cho_solve((factor, True), y)
        solved = linalg.cho_solve((factor, True), C2)
        open_ = float(zonal(d, np.ones(1), power)[0][0] - np.trace(solved) + half @ C2 @ half)
    found = least_variation(x, y, tol=tolerance)
    good = found.status in (Certificate.CERTIFIED, Certificate.MULTISTART)
    error = float("nan")
    if good:
        w, u = found.weights, angles(found.atoms, found.atoms)
        np.fill_diagonal(u, 0.0)
        own = w @ ((np.sin(u) + (np.pi - u) * np.cos(u)) / (2 * np.pi * d)) @ w
        if constant:
            error = float(own - 2 * mu[0] * w.sum() + 1)
        else:
            (cross,) = zonal(d, found.atoms @ x.T, mu * power)
            error = float(own - 2 * w @ cross @ half + open_)
    return {
        "test_error": error,
        "tv": found.total_variation,
        "atoms": float(len(found.weights)) if good else float("nan"),
        "gap": found.gap,
        "status": int(found.status),
    }
