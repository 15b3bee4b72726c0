"""Sums over the modes of a kernel that every learning curve consists of, to rounding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.sphere.harmonics import log_multiplicity
from twinpeaks.theory.sphere.kernels import Kernel, ListedKernel, NetworkKernel
from twinpeaks.theory.sphere.ladder import ladder
from twinpeaks.theory.sphere.targets import Target

__all__ = ["Modes", "Sums", "modes"]

_SMALL = 1e-5  # lambda / kappa below which three terms of a geometric series are exact to rounding
_BLOCK = 1 << 21  # numbers at a time


class Sums(NamedTuple):
    """Sums over all modes with s = lambda / (lambda + kappa), arrays of one shape.

    Attributes
    ----------
    learned : ndarray
        sum N s.
    squared : ndarray
        sum N s^2.
    mixed : ndarray
        sum N s (1 - s).
    skew : ndarray
        sum N s (1 - s) (2 s - 1), the derivative of ``mixed`` in ln kappa.
    bias : ndarray
        sum N c (1 - s)^2, with the floor.
    edge : ndarray
        sum N c s (1 - s)^2, half the derivative of ``bias``.
    cross : ndarray
        sum N c s (1 - s).
    """

    learned: Array
    squared: Array
    mixed: Array
    skew: Array
    bias: Array
    edge: Array
    cross: Array


@dataclass(frozen=True, eq=False)
class Modes:
    """Degrees of a kernel, in descending order of eigenvalue where there are infinitely many.

    Attributes
    ----------
    log_value : ndarray
        ln lambda.
    log_count : ndarray
        ln of the number of modes, N(d, k) times the weight of the node.
    log_power : ndarray
        The same with the variance c of the target.
    floor : float
        Variance of the target on degrees of which the kernel knows nothing.
    finite : bool
        Whether there are finitely many modes.
    """

    log_value: Array
    log_count: Array
    log_power: Array
    floor: float
    finite: bool

    @property
    def trace(self) -> float:
        """sum N lambda, the kernel at angle 0."""
        return float(np.sum(np.exp(self.log_count + self.log_value)))

    @property
    def rank(self) -> float:
        """Number of modes."""
        return float(np.round(np.sum(np.exp(self.log_count)))) if self.finite else np.inf

    def sums(self, kappa: Array) -> Sums:
        """All sums at some kappa > 0, of shape (points,)."""
        out = [np.empty(kappa.size) for _ in Sums._fields]
        order = np.argsort(-kappa)  # points of one block need about the same degrees
        start = 0
        while start < kappa.size:
            cut = self._cut(float(kappa[order[start]]))
            count = max(1, _BLOCK // max(cut, 1))
            rows = order[start : start + count]
            for array, values in zip(out, self._block(kappa[rows]), strict=True):
                array[rows] = values
            start += count
        return Sums(*out)

    def _cut(self, kappa: float) -> int:
        """Number of modes that are not yet in the tail."""
        if self.finite:
            return self.log_value.size
        return int(np.searchsorted(-self.log_value, -np.log(kappa * _SMALL)))

    def _block(self, kappa: Array) -> Sums:
        cut = self._cut(float(kappa.min()))
        value = np.exp(self.log_value[:cut])
        count, power = np.exp(self.log_count[:cut]), np.exp(self.log_power[:cut])
        one = 1.0 / (1.0 + value / kappa[:, None])  # 1 - s
        s = 1.0 / (1.0 + kappa[:, None] / value)
        mixed, lost = s * one, one * one
        # beyond the cut s = x - x^2 + x^3 with x = lambda / kappa
        n, c = (t[:, None] / kappa ** np.arange(4)[:, None] for t in self._tails[:, :, cut])
        return Sums(
            s @ count + n[1] - n[2] + n[3],
            (s * s) @ count + n[2] - 2.0 * n[3],
            mixed @ count + n[1] - 2.0 * n[2] + 3.0 * n[3],
            (mixed * (s - one)) @ count - n[1] + 4.0 * n[2] - 9.0 * n[3],
            lost @ power + c[0] - 2.0 * c[1] + 3.0 * c[2] + self.floor,
            (s * lost) @ power + c[1] - 3.0 * c[2],
            mixed @ power + c[1] - 2.0 * c[2],
        )

    @cached_property
    def _tails(self) -> Array:
        """Sums of N lambda^j, and of N c lambda^j, j = 0 to 3, over all modes from one on: (2, 4, modes + 1).

        The number of modes itself, N lambda^0, is left out: no sum needs it.
        """
        powers = [np.exp(self.log_power + j * self.log_value) for j in range(4)]
        counts = [np.exp(self.log_count + j * self.log_value) for j in range(1, 4)]
        return np.array(
            [[_from(t) for t in (np.zeros(counts[0].size), *counts)], [*map(_from, powers)]]
        )


def _from(terms: Array) -> Array:
    """Sums from every term to the last, small ones first."""
    return np.append(np.cumsum(terms[::-1])[::-1], 0.0)


@lru_cache(maxsize=64)
def modes(kernel: Kernel, target: Target, d: int) -> Modes:
    """The modes of a kernel, and the target on them.

    Parameters
    ----------
    kernel : Kernel
    target : Target
    d : int
    """
    if isinstance(kernel, NetworkKernel):
        return _network(kernel, target, d)
    assert isinstance(kernel, ListedKernel)
    return _listed(kernel, target, d)


def _network(kernel: NetworkKernel, target: Target, d: int) -> Modes:
    k, w, last = ladder(0, 2.0 * kernel.smoothness + d - 1.0, (target.last,))
    count = np.log(w) + log_multiplicity(d, k)
    power = np.where(k <= target.last, count + target.even(d, k), -np.inf)
    # what the target has beyond the last node, where the kernel has nothing but rounding
    end = np.append(k, 2.0 * last)
    with np.errstate(divide="ignore"):
        power = np.append(power, np.log(target.beyond(d, last)))
    count = np.append(count, -np.inf)
    one = np.ones(1)
    linear = log_multiplicity(d, one)
    known = target.odd(d, one) if target.last >= 1 else np.full(1, -np.inf)
    return Modes(
        np.insert(kernel.even(d, end), 1, np.log(kernel.first(d))),
        np.insert(count, 1, linear),
        np.insert(power, 1, linear + known),
        _variance(target, d, odd=3),
        finite=False,
    )


def _listed(kernel: ListedKernel, target: Target, d: int) -> Modes:
    known = kernel.listed(d)
    k = np.arange(known.size)
    count = log_multiplicity(d, k.astype(float))
    powers = target.powers(d, k)
    seen = known > 0
    floor = float(np.sum(np.exp(count[~seen]) * powers[~seen]))
    floor += _variance(target, d, odd=known.size, even=known.size)
    with np.errstate(divide="ignore"):
        power = count + np.log(powers)
    return Modes(np.log(known[seen]), count[seen], power[seen], floor, finite=True)


def _variance(target: Target, d: int, odd: int, even: float = np.inf) -> float:
    """Variance of a target on its odd degrees from one on, and its even degrees from another on."""
    total = 0.0
    for parity, least, law in ((0, even, target.even), (1, odd, target.odd)):
        if least > target.last:
            continue
        k, w, end = ladder(parity, 2.0, (least - 1.0, target.last))
        k, w = k[(k >= least) & (k <= target.last)], w[(k >= least) & (k <= target.last)]
        terms = np.exp(log_multiplicity(d, k) + law(d, k))
        total += float(np.sum(w * terms))
        total += target.beyond(d, end) if terms.size and terms[-1] > 0 else 0.0
    return total
