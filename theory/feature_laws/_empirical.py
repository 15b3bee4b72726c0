"""Second moments of features over patterns, and their principal directions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem

__all__ = ["Moments", "Principal", "principal", "read_array", "read_labels", "second_moments"]

_NUMBERS = 2**24  # of a chunk of patterns, 128 MiB
_ROUNDING = 1e-12  # of the largest eigenvalue
_EXCESS = 1e-2  # of E[y^2], more than rounding in the smallest eigenvalues that count can add


class Moments(NamedTuple):
    """Averages over patterns: E[z], E[z z^T], E[z y], E[y] and E[y^2]."""

    mean: Array
    second: Array
    cross: Array
    label: float
    rho: float

    def centred(self) -> Moments:
        """The moments of z - E[z]; the labels stay."""
        second = self.second - np.outer(self.mean, self.mean)
        cross = self.cross - self.mean * self.label
        return Moments(np.zeros_like(self.mean), second, cross, self.label, self.rho)


class Principal(NamedTuple):
    """Eigenvalues of E[z z^T], eigenvectors as columns, and E[z y] along them."""

    omega: Array
    vectors: Array
    cross: Array


def read_array(name: str, given: Any, *shape: int | None, first: int = 0) -> Array:
    """Finite real numbers of a shape, in which None is any length.

    Parameters
    ----------
    first : int
        Number of the first row, of a part of a larger array.

    Raises
    ------
    InvalidProblem
    """
    found = np.shape(given)
    if len(found) != len(shape) or any(
        n == 0 or m not in (None, n) for n, m in zip(found, shape, strict=True)
    ):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise InvalidProblem(f"{name} has shape {found}: give an array of shape ({wanted})")
    try:
        values = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidProblem(f"{name} is no array of numbers ({error}): give one") from None
    if values.dtype.kind not in "buif":
        raise InvalidProblem(f"{name} has dtype {values.dtype}: give real numbers")
    values = values.astype(float)
    if not np.all(np.isfinite(values)):
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        row = [bad[0] + first, *bad[1:]] if bad else ""
        raise InvalidProblem(f"{name}{row} = {values[bad]:g}: give finite numbers")
    return values


def read_labels(labels: Any, patterns: int) -> Array:
    """Labels that are not all the same, one for each pattern.

    Raises
    ------
    InvalidProblem
    """
    y = read_array("labels", labels, patterns)
    if np.ptp(y) == 0:
        raise InvalidProblem(f"labels are all {y[0]:g}: give labels of which there is one to learn")
    return y


def second_moments(
    features: Any, labels: Any, transform: Any = None, name: str = "features"
) -> Moments:
    """Averages over the patterns, a chunk of them in memory at a time.

    Parameters
    ----------
    features : array of shape (patterns, n)
        Of numpy, a memory map, or a tensor on the host.
    labels : array of shape (patterns,)
    transform : callable, optional
        Makes the features of a chunk of patterns; by default they are given.
    name : str
        Of the first argument, for messages.
    """
    shape = np.shape(features)
    if len(shape) != 2 or 0 in shape:
        raise InvalidProblem(f"{name} have shape {shape}: give an array of shape (patterns, N)")
    y = read_labels(labels, shape[0])
    total: Any = 0.0
    rows = max(1, _NUMBERS // shape[1])
    for start in range(0, shape[0], rows):
        part = slice(start, start + rows)
        z = read_array(name, features[part], None, shape[1], first=start)
        z = z if transform is None else np.asarray(transform(z), dtype=float)
        more = np.column_stack([np.ones(len(z)), y[part]])
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            total = total + np.block([[z.T @ z, z.T @ more], [more.T @ z, more.T @ more]])
    total = total / shape[0]
    if not np.all(np.isfinite(total)):
        raise InvalidProblem(f"{name} have moments that overflow: rescale them")
    return Moments(total[:-2, -2], total[:-2, :-2], total[:-2, -1], total[-2, -1], total[-1, -1])


def principal(moments: Moments) -> Principal:
    """Principal directions; what rounding leaves of eigenvalues of 0 is 0, with nothing along them.

    Averages over patterns explain no more than E[y^2] (Cauchy-Schwarz). Where rounding in a small
    eigenvalue says otherwise, E[z y] is scaled back.

    Raises
    ------
    InvalidProblem
        If they explain more by what is no rounding: these are no averages over patterns.
    """
    omega, vectors = np.linalg.eigh(moments.second)
    dead = omega <= _ROUNDING * max(float(omega[-1]), 0.0)
    omega = np.where(dead, 0.0, omega)
    cross = np.where(dead, 0.0, vectors.T @ moments.cross)
    explained = float(np.sum(cross[~dead] ** 2 / omega[~dead]))
    if explained > (1.0 + _EXCESS) * moments.rho:
        raise InvalidProblem(
            f"E[z y] explains {explained:.6g} of E[y^2] = {moments.rho:g}: no labels do that; give the "
            "averages of one set of patterns"
        )
    if explained > moments.rho:
        cross = cross * (moments.rho / explained) ** 0.5
    return Principal(omega, vectors, cross)
