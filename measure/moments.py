"""Means, covariances and their errors from samples that are seen once.

Blocks of samples are reduced to count, mean and scatter, and these are merged by the pairwise update of Chan,
Golub and LeVeque (The American Statistician 37, 1983, 242), which never subtracts two large sums. Memory
does not grow with the number of samples, and blocks of fixed size repeat bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array

__all__ = ["Estimate", "Moments", "binomial_error", "covariance", "host", "pairs"]


@dataclass(frozen=True)
class Estimate:
    """A Monte Carlo estimate.

    Attributes
    ----------
    value, standard_error : float or ndarray
        The estimate and the standard deviation of its sampling error.
    status : str or ndarray of str
        "converged"; else in a word why the value is NaN.
    """

    value: Any
    standard_error: Any
    status: Any = "converged"


def host(x: Any) -> Array:
    """Copy an array of any library and device to a numpy array of float64."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x, dtype=float)


@dataclass(frozen=True)
class Moments:
    """What is kept of samples of shape (..., d).

    Attributes
    ----------
    count : int
        Samples seen.
    mean : ndarray of shape (..., d)
    scatter : ndarray of shape (..., d, d)
        Sum of the outer products of the deviations from the mean.
    """

    count: int
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, rows: Any) -> Moments:
        """Reduce one block, an array of shape (count, ..., d) of any library."""
        xp = array_namespace(rows)
        mean = xp.mean(rows, axis=0)
        deviation = xp.moveaxis(rows - mean, 0, -1)
        scatter = deviation @ xp.moveaxis(deviation, -1, -2)
        return cls(len(rows), host(mean), host(scatter))

    @classmethod
    def of_blocks(cls, blocks: Iterable[Any]) -> Moments:
        """Reduce blocks one after the other; there is at least one."""
        return reduce(cls.merge, map(cls.of, blocks))

    def merge(self, other: Moments) -> Moments:
        """Moments of both sets of samples."""
        count = self.count + other.count
        step = other.mean - self.mean
        between = step[..., :, None] * step[..., None, :] * (self.count * other.count / count)
        mean = self.mean + step * (other.count / count)
        return Moments(count, mean, self.scatter + other.scatter + between)

    def map(self, matrix: Array) -> Moments:
        """Moments of matrix @ sample, for a matrix of shape (..., e, d)."""
        mean = (matrix @ self.mean[..., None])[..., 0]
        return Moments(self.count, mean, matrix @ self.scatter @ np.swapaxes(matrix, -1, -2))

    def average(self) -> Estimate:
        """Mean and its standard error, of shape (..., d); NaN for the error of a single sample."""
        variance = np.diagonal(self.scatter, axis1=-2, axis2=-1) / (self.count - 1 or np.nan)
        return Estimate(self.mean, np.sqrt(variance / self.count))


def pairs(a: Any, b: Any) -> Any:
    """Samples (a, b, a.b) of which ``covariance`` wants the moments.

    Parameters
    ----------
    a, b : array of shape (count, ..., outputs)
        Shifted by the caller to values of the order of their spread: constants do not matter to the
        covariance, but to its rounding error.

    Returns
    -------
    array of shape (count, ..., 2 outputs + 1)
    """
    xp = array_namespace(a, b)
    return xp.concat([a, b, xp.sum(a * b, axis=-1, keepdims=True)], axis=-1)


def covariance(moments: Moments) -> Estimate:
    """Sum over outputs of Cov(a, b), from the moments of ``pairs``; shape (...).

    Notes
    -----
    The estimate is unbiased. With s^2 the variance of (a - Ea).(b - Eb), that of the estimate is

        s^2 / n + [tr C_ab^2 + tr C_aa C_bb] / (n (n - 1)) ,

    (for one output Kenney & Keeping, Mathematics of Statistics II, 1951). The second term is all there is
    where s = 0, as for the variance of a balanced function of values -1 and +1. That s^2 is measured about
    the sample means makes it too large by 2 / n times the bracket, which is subtracted; where s = 0 the
    error is still too large then.
    """
    n, mean = moments.count, moments.mean
    outputs = (mean.shape[-1] - 1) // 2
    a, b = slice(0, outputs), slice(outputs, 2 * outputs)
    C = moments.scatter / (n - 1)
    slope = np.concatenate([-mean[..., b], -mean[..., a], np.ones_like(mean[..., :1])], axis=-1)
    first = np.einsum("...i,...ij,...j->...", slope, C, slope)
    ab = C[..., a, b]
    second = np.sum(ab * np.swapaxes(ab, -1, -2) + C[..., a, a] * C[..., b, b], axis=(-2, -1))
    first = np.maximum(first - 2.0 * second / n, 0.0)
    error = np.sqrt(first / n + second / (n * (n - 1)))
    return Estimate(np.trace(ab, axis1=-2, axis2=-1), error)


def binomial_error(hits: ArrayLike, count: int) -> Array:
    """Standard error of the share hits / count, also where it is 0 or 1.

    Parameters
    ----------
    hits : array_like
        Events among ``count`` independent trials.
    count : int
        Trials, >= 1.

    Returns
    -------
    ndarray
        sqrt(p (1 - p) / count) at p = (hits + 2) / (count + 4) (Agresti & Coull, The American Statistician
        52, 1998, 119).

    Notes
    -----
    The error at p = hits / count vanishes where no event was seen, and 1.96 of it cover rates above
    4 / count in as few as 85 % of all samples. With two events of either kind added, 1.96 errors cover every
    rate in at least 92 % of all samples of 64 trials, and 93 % of 256 and of 10,000.
    """
    p = (np.asarray(hits, dtype=float) + 2.0) / (count + 4.0)
    return np.asarray(np.sqrt(p * (1.0 - p) / count))
