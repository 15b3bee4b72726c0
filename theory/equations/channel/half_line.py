"""Moments of a Gaussian cut off on one side, without loss of digits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from twinpeaks.theory.arrays import Array

__all__ = ["HalfLine", "half_line"]

_FAR = 2.5
_TERMS = 50  # of the continued fraction beyond _FAR


class HalfLine(NamedTuple):
    """The density exp(-z x - x^2 / 2) on x > 0.

    Attributes
    ----------
    mass : ndarray
        Its integral in units of its largest value: at x = 0 for z > 0, at x = -z otherwise.
    mean, variance : ndarray
        Of x.
    """

    mass: Array
    mean: Array
    variance: Array


def half_line(z: Array) -> HalfLine:
    """Mass, mean and variance to relative accuracy for every z.

    With I_n the integral of x^n exp(-z x - x^2 / 2), integration by parts gives the ratios
    R_n = I_n / I_(n-1) = n / (z + R_(n+1)). The mean is R_1 and the variance R_1 (R_2 - R_1): from
    this continued fraction of positive terms in the tail, from 1 / I_0 and erfc elsewhere.

    Parameters
    ----------
    z : ndarray
        Distance of the cut beyond the centre, in standard deviations; of any sign.
    """
    x = z / np.sqrt(2.0)
    tail = np.where(z > 0, special.erfcx(np.maximum(x, 0.0)), special.erfc(np.minimum(x, 0.0)))
    mass = np.sqrt(np.pi / 2) * tail
    hazard = np.exp(-0.5 * np.minimum(z, 0.0) ** 2) / mass
    mean = hazard - z
    variance = 1.0 - mean * hazard
    far = np.nonzero(z > _FAR)
    w = z[far]
    if w.size:
        ratio = 0.5 * (np.sqrt(w * w + 4.0 * _TERMS + 2.0) - w)  # its fixed point starts it
        for n in range(_TERMS, 1, -1):
            ratio = n / (w + ratio)
        mean[far] = 1.0 / (w + ratio)
        variance[far] = mean[far] * (ratio - mean[far])
    return HalfLine(mass, mean, variance)
