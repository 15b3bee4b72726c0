r"""The Laplace transform inverted on a hyperbola, for many times on the same nodes.

With F analytic off the negative real axis and F(conj s) = conj F(s),

    f(t) = (1 / 2 pi i) int e^{st} F(s) ds,   s(theta) = (mu / t_1) (1 + sin(i theta - a)),

by the trapezoidal rule in theta (Weideman & Trefethen, Math. Comp. 76, 1341, 2007, whose a is kept).
The nodes are those of the largest time t_1 of a window [t_1 / SPAN, t_1]; what they cost is paid once for
all times in it. Three errors limit the step h, the factor mu and the number of nodes:

    singularities on the negative axis    exp(-2 pi (pi/2 - a) / h)
    growth of e^{st} to the right          exp(mu - 2 pi a / h)
    the end of the sum, at the smallest t  exp(-(mu / SPAN) (sin a cosh(n h) - 1)),

all of them e^{-31} = 3e-14 with the numbers below, and e^{st} reaches e^{mu (1 - sin a)} = 96, by which
rounding grows. All errors are relative to F at |s| ~ 1/t, so that powers of t keep their relative
accuracy at every t.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinpeaks.theory.arrays import Array, Index

__all__ = ["SPAN", "Complex", "Windows", "once", "twice"]

Complex = NDArray[np.complex128]

SPAN = 4.0
_ANGLE = 1.1721
_STEP = 0.08
_MU = 58.0
_COUNT = 25  # arcosh((1 + 31 SPAN / mu) / sin a) / h
_THETA = (np.arange(_COUNT) + 0.5) * _STEP
_NODES = _MU * (1.0 + np.sin(1j * _THETA - _ANGLE))
_WEIGHTS = _STEP / (2.0 * np.pi) * _MU * np.cos(1j * _THETA - _ANGLE)


class Windows(NamedTuple):
    """Times in groups, each with its nodes.

    Attributes
    ----------
    nodes : ndarray of shape (windows, nodes)
        Those in the upper half plane; the others are their conjugates.
    members : list of ndarray
        For each window, which of the times are in it.
    weights : list of ndarray of shape (times, nodes)
        For each window, of every time in it.
    """

    nodes: Complex
    members: list[Index]
    weights: list[Complex]

    @staticmethod
    def of(times: Array) -> Windows:
        """Windows over times > 0, in any order."""
        order = np.argsort(times)
        members, largest, weights = [], [], []
        while order.size:
            # from the largest time down, so that windows over several decades are the same
            top = times[order[-1]]
            inside = times[order] >= top / SPAN
            part = order[inside]
            order = order[~inside]
            members.append(part)
            largest.append(top)
            ratio = times[part] / top
            weights.append(np.exp(ratio[:, None] * _NODES) * (_WEIGHTS / top))
        return Windows(_NODES / np.array(largest)[:, None], members, weights)

    @property
    def total(self) -> int:
        """Of times."""
        return sum(part.size for part in self.members)


def once(windows: Windows, F: Complex) -> Array:
    """f at all times, from F at the nodes."""
    out = np.empty(windows.total)
    for part, weight, value in zip(windows.members, windows.weights, F, strict=True):
        out[part] = 2.0 * np.real(weight @ value)
    return out


def twice(windows: Windows, F: Complex) -> Array:
    """f(t, t) of a transform in two variables.

    Parameters
    ----------
    windows : Windows
    F : ndarray of shape (windows, nodes, 2 nodes)
        At s in the upper half plane and s' there, then conjugated.
    """
    out = np.empty(windows.total)
    for part, weight, value in zip(windows.members, windows.weights, F, strict=True):
        both = np.concatenate([weight, weight.conj()], axis=1)
        out[part] = 2.0 * np.real(np.sum((weight @ value) * both, axis=1))
    return out
