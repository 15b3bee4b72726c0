r"""The NTK on the circle, exactly: between random points its interpolant is a straight line.

In d = 2 the even part of the NTK's interpolant solves, away from the data, the differential equation of a
linear spline up to terms of the order of the gaps squared, so that its error is that of linear interpolation
between the points of a Poisson process on the half circle (docs/derivations/sphere.md). The Gaussian theory
has equal gaps in its stead, and another amplitude.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gamma, gammaln

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import is_number
from twinpeaks.theory.errors import InvalidProblem

__all__ = ["amplitude_ratio", "constant_error"]


def amplitude_ratio(smoothness: float) -> float:
    r"""What the NTK's ridgeless error in d = 2 tends to, over that of the Gaussian theory.

    Parameters
    ----------
    smoothness : float
        nu_t > 0 of an even target; inf for a constant.

    Returns
    -------
    float
        (2/pi) (-Gamma(-2 nu_t) cos(pi nu_t)) Gamma(2 nu_t + 2) [2/((2 nu_t+1) (2 nu_t+2)) - 1/6] 2^{2 nu_t}
        pi / (Gamma(2 - nu_t) Gamma(nu_t)) for nu_t < 2, and 8 from 2 on.

    Raises
    ------
    InvalidProblem
        If it is not > 0.

    Examples
    --------
    >>> from twinpeaks.theory.sphere.plane import amplitude_ratio
    >>> amplitude_ratio(0.5), amplitude_ratio(1.5)  # 4/3 and 64/15
    (1.333..., 4.266...)
    """
    if not ((is_number(smoothness) or smoothness == np.inf) and smoothness > 0):
        raise InvalidProblem(f"smoothness = {smoothness!r}: give a number > 0")
    if smoothness >= 2.0:
        return 8.0
    s = 2.0 * smoothness
    # -Gamma(-s) cos(pi s/2) [2/((s+1)(s+2)) - 1/6] by the reflection Gamma(-s) Gamma(s+1) = -pi / sin(pi s):
    # cos(pi s/2) / sin(pi s) = 1 / (2 sin(pi s/2)), and the bracket is (2 - s)(s + 5) / (6 (s+1) (s+2))
    half = 0.5 * math.pi * s
    # sin(pi s/2) = sin(pi (2 - s)/2): the zero at s = 2 goes with that of the bracket
    edge = (2.0 - s) / math.sin(half) if s != 2.0 else 2.0 / math.pi
    front = 0.5 * math.pi * edge * (s + 5.0) / (6.0 * (s + 1.0) * (s + 2.0) * gamma(s + 1.0))
    ratio = (2.0 / math.pi) * front * gamma(s + 2.0) * 2.0**s * math.pi
    return float(ratio / (gamma(2.0 - smoothness) * gamma(smoothness)))


def constant_error(n: ArrayLike) -> Array:
    """Mean error of the NTK's ridgeless interpolant of f = 1 in d = 2, from n points.

    Parameters
    ----------
    n : int or array of int
        At least 4.

    Returns
    -------
    ndarray
        (pi^4 / 9) n! / (n + 4)!, to leading order in the gaps h between neighbours on the half circle, of
        which E[h^5] = pi^5 5! (n-1)! / (n+4)!: in a gap the interpolant has the second derivative 1/3.

    Raises
    ------
    InvalidProblem
        If n is no whole number from 4 on.

    Examples
    --------
    >>> from twinpeaks.theory.sphere.plane import constant_error
    >>> float(constant_error(128))  # simulated: 3.61(14)e-08
    3.7323...e-08
    """
    count = np.asarray(n, dtype=float)
    if not np.all((count >= 4) & (count == np.floor(count))):
        raise InvalidProblem(f"n = {n!r}: give whole numbers from 4 on")
    return np.asarray(np.pi**4 / 9.0 * np.exp(gammaln(count + 1.0) - gammaln(count + 5.0)))
