"""Zonal functions of pairs of points of the sphere, from their coefficients."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from twinpeaks.theory.arrays import Array, Index

__all__ = ["angles", "draw", "multiplicity", "orthonormal", "relu_coefficients", "zonal"]


def draw(n: int, d: int, random: np.random.Generator) -> Array:
    """n independent uniform points of S^{d-1}."""
    x = random.standard_normal((n, d))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x


def angles(x: Array, y: Array) -> Array:
    """Angles between the rows of x and of y, exact where they are near each other or opposite."""
    t = x @ y.T
    u = np.arccos(np.clip(t, -1, 1))
    rows, columns = np.nonzero(abs(t) > 0.99)
    side = np.sign(t[rows, columns])
    chord = np.linalg.norm(x[rows] - side[:, None] * y[columns], axis=1)
    near = 2 * np.arcsin(np.minimum(chord / 2, 1))
    u[rows, columns] = np.where(side > 0, near, np.pi - near)
    return u


def multiplicity(d: int, degrees: Array | Index) -> Array:
    """N(d, k) = (2k+d-2) (k+d-3)! / (k! (d-2)!)."""
    k = np.asarray(degrees, dtype=float)
    if d == 2:
        return np.where(k > 0, 2.0, 1.0)
    out: Array = (2 * k + d - 2) * np.exp(gammaln(k + d - 2) - gammaln(k + 1) - gammaln(d - 1))
    return out


def zonal(d: int, t: Array, *coefficients: Array) -> list[Array]:
    """sum_k g_k N(d, k) P_k(t) for several sequences g of one length, by the recurrence of P_k."""
    size = len(coefficients[0])
    weights: list[Array] = [g * multiplicity(d, np.arange(size)) for g in coefficients]
    before, here = np.ones_like(t), np.array(t)
    sums = [w[0] * before for w in weights]
    for k in range(1, size):
        for total, w in zip(sums, weights, strict=True):
            if w[k]:
                total += w[k] * here
        before, here = here, ((2 * k + d - 2) * t * here - k * before) / (k + d - 2)
    return sums


def orthonormal(d: int, degree: int, x: Array) -> Array:
    """Orthonormal harmonics of one degree at points x, shape (points, N(d, k)).

    From the reproducing kernel at three times as many fixed points as there are harmonics.
    """
    count = round(float(multiplicity(d, np.array(float(degree)))))
    one = np.zeros(degree + 1)
    one[degree] = 1.0
    centres = draw(3 * count, d, np.random.default_rng([d, degree]))
    (gram,) = zonal(d, centres @ centres.T, one)
    size, vectors = np.linalg.eigh(gram)
    (cross,) = zonal(d, x @ centres.T, one)
    out: Array = cross @ (vectors[:, -count:] / np.sqrt(size[-count:]))
    return out


def relu_coefficients(d: int, size: int) -> Array:
    """mu_k of relu(t), k < size: E relu(t) P_k(t); 0 on odd degrees from 3 on."""
    k = np.arange(size, dtype=float)
    even = np.exp(
        gammaln(d / 2) - np.log(4 * np.pi) + gammaln(abs(k - 1) / 2) - gammaln((k + d + 1) / 2)
    )
    sign = np.where(k % 4 == 0, -1.0, 1.0)
    out: Array = np.where(k % 2 == 0, sign * even, 0.0)
    out[0] = np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / (2 * np.sqrt(np.pi))
    if size > 1:
        out[1] = 1 / (2 * d)
    return out
