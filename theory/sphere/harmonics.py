r"""Spherical harmonics on S^{d-1}: multiplicities, zonal polynomials and coefficients of powers.

Everything is for the uniform PROBABILITY measure. P_k is the Gegenbauer polynomial of dimension d with
P_k(1) = 1, and a zonal function g(x.y) = sum_k g_k N(d, k) P_k(x.y) has the eigenvalue g_k on degree k
(Funk-Hecke). Formulas in k are analytic, so that sums over degrees can be taken at nodes between them
(``ladder``); they are given as logarithms, because degrees reach 1e30.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from twinpeaks.theory.arrays import Array

__all__ = ["gegenbauer", "log_gamma_ratio", "log_multiplicity", "log_power_coefficient"]

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_FAR = 16.0  # six terms of Stirling's series have an error of 1e-17 from there on


def log_gamma_ratio(x: Array, step: float) -> Array:
    r"""ln |Gamma(x + step) / Gamma(x)| without the cancellation of two large logarithms.

    Parameters
    ----------
    x : ndarray
        Any real numbers that are no poles.
    step : float
        Shift >= 0.

    Notes
    -----
    From x = 16 on the difference of Stirling's series,
    (x - 1/2) ln(1 + step/x) + step ln(x + step) - step + S(x + step) - S(x), of relative accuracy 1e-15
    times its largest term, which is of the size of the result.
    """
    x = np.asarray(x, dtype=float)
    far = x >= _FAR
    z = np.where(far, x, _FAR)
    total = (z - 0.5) * np.log1p(step / z) + step * np.log(z + step) - step
    for power, coefficient in enumerate(_STIRLING):
        total += coefficient * ((z + step) ** -(2 * power + 1) - z ** -(2 * power + 1))
    if far.all():
        return np.asarray(total)
    near = np.where(far, 1.0, x)
    return np.where(far, total, gammaln(near + step) - gammaln(near))


def log_multiplicity(d: int, k: Array) -> Array:
    """ln N(d, k), the dimension of the harmonics of degree k: (2k+d-2) (k+d-3)! / (k! (d-2)!).

    Parameters
    ----------
    d : int
        Dimension of the ambient space, >= 2.
    k : ndarray
        Degrees >= 0, which need not be whole.
    """
    k = np.asarray(k, dtype=float)
    if d == 2:
        return np.where(k > 0, np.log(2.0), 0.0)
    z = k + 1.0
    rest = log_gamma_ratio(z, d - 3) if d > 3 else np.zeros(k.shape)
    return np.asarray(np.log(2.0 * k + d - 2) + rest - gammaln(d - 1.0))


def log_power_coefficient(d: int, power: float, k: Array) -> Array:
    r"""ln of the size of E[(t)_+^a P_k(t)] on the degrees k of one parity, in closed form.

    a! Gamma(d/2) / (pi 2^{a+1}) Gamma((k-a)/2) / Gamma((k+d+a)/2), for whole a and k = a + 1, a + 3, ...;
    it holds for k < a of that parity too, by continuation. (Twice that is |t|^a for real a up to the factor
    that ``Teacher`` gives.)

    Parameters
    ----------
    d : int
    power : float
        a >= 0.
    k : ndarray
        Degrees, which need not be whole.

    Notes
    -----
    From the integral of Rodrigues' formula by parts, with the duplication formula of Gamma
    (docs/derivations/sphere.md).
    """
    lead = gammaln(power + 1.0) + gammaln(0.5 * d) - np.log(np.pi) - (power + 1.0) * np.log(2.0)
    half = 0.5 * (np.asarray(k, dtype=float) - power)
    return np.asarray(lead - log_gamma_ratio(half, 0.5 * d + power))


def gegenbauer(d: int, t: Array, degrees: int) -> Array:
    """P_0(t) .. P_degrees(t), with P_k(1) = 1: (k+d-2) P_{k+1} = (2k+d-2) t P_k - k P_{k-1}.

    Parameters
    ----------
    d : int
    t : ndarray
        Cosines.
    degrees : int
        The last degree.

    Returns
    -------
    ndarray of shape (degrees + 1, ...)

    Examples
    --------
    >>> from twinpeaks.theory.sphere.harmonics import gegenbauer
    >>> gegenbauer(3, 0.5, 2).tolist()  # Legendre
    [1.0, 0.5, -0.125]
    """
    t = np.asarray(t, dtype=float)
    out = np.empty((degrees + 1, *t.shape))
    out[0] = 1.0
    if degrees:
        out[1] = t
    for k in range(1, degrees):
        # in the plane k + d - 2 is k, and the recurrence that of Chebyshev
        out[k + 1] = ((2 * k + d - 2) * t * out[k] - k * out[k - 1]) / (k + d - 2)
    return out
