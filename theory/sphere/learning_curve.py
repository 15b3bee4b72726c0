r"""The learning curve of kernel regression from its modes.

    n = sum_k N lambda_k / (lambda_k + kappa) + lam / kappa,
    gamma = (1/n) sum_k N (lambda_k / (lambda_k + kappa))^2,
    test = [sum_k N c_k (kappa / (lambda_k + kappa))^2 + sigma^2] / (1 - gamma) - sigma^2,
    train = (lam / (n kappa))^2 (test + sigma^2),

for the predictor k(x)^T (K + lam)^{-1} y (Bordelon, Canatar & Pehlevan, arXiv 2002.02561; Simon et al.,
2110.03922). Modes of eigenvalue 0 are noise. 1 - gamma is sum N s (1 - s) + lam / kappa over n, which has no
cancellation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Bools
from twinpeaks.theory.sphere.modes import Modes, Sums

__all__ = ["Curve", "effective_penalty", "learning_curve"]

_STEPS = 60
_ROUNDING = 4e-15  # relative step in kappa that is none
_RESIDUAL = 1e-11  # relative, of n
_GRID = 240


class Curve(NamedTuple):
    """Values at every point, arrays of one shape; NaN where there is no limit."""

    test_error: Array
    train_error: Array
    kappa: Array
    variance_share: Array
    ridge_share: Array
    exponent: Array
    converged: Bools
    no_limit: Bools


def learning_curve(modes: Modes, n: Array, lam: Array, noise: float) -> Curve:
    """Test and training error, and what they are made of.

    Parameters
    ----------
    modes : Modes
    n, lam : ndarray of shape (points,)
        Numbers of patterns > 0 and penalties >= 0.
    noise : float
        Variance of the labels' noise.
    """
    n, lam = np.asarray(n, dtype=float), np.asarray(lam, dtype=float)
    full = (lam == 0) & (n >= modes.rank)  # everything is learned, and kappa = 0
    regular = ~full
    kappa, converged = np.zeros(n.size), np.ones(n.size, dtype=bool)
    values = [np.full(n.size, np.nan) for _ in range(4)]
    if regular.any():
        kappa[regular], converged[regular] = effective_penalty(modes, n[regular], lam[regular])
        part = _errors(modes.sums(kappa[regular]), n[regular], lam[regular], kappa[regular], noise)
        for array, found in zip(values, part, strict=True):
            array[regular] = found
    above = full & (n > modes.rank)
    if above.any():
        total = (modes.floor + noise) / (1.0 - modes.rank / n[above])
        test = total - noise
        values[0][above], values[1][above] = test, total * (1.0 - modes.rank / n[above]) ** 2
        values[2][above] = modes.rank / n[above]
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = total / test * modes.rank / (n[above] - modes.rank)
        values[3][above] = np.where(total > 0, slope, np.nan)
    test, train, share, exponent = values
    edge = full & (n == modes.rank)
    ridge = np.where(lam > 0, lam / np.where(kappa > 0, n * kappa, 1.0), 0.0)
    ok = converged & ~edge
    clean = [np.where(ok, v, np.nan) for v in (test, train, kappa, share, ridge, exponent)]
    return Curve(*clean, converged, edge)


def _errors(sums: Sums, n: Array, lam: Array, kappa: Array, noise: float) -> tuple[Array, ...]:
    free = sums.mixed + lam / kappa  # n (1 - gamma)
    total = (sums.bias + noise) * n / free
    test = total - noise if noise else total
    ridge = lam / (n * kappa)
    if noise:  # without the cancellation of the noise where little is left beside it
        test = (sums.bias * n + noise * sums.squared) / free
    # along the curve d ln kappa = -d ln n n / free
    inner = 2.0 * sums.edge / np.where(sums.bias + noise > 0, sums.bias + noise, 1.0)
    outer = (sums.skew - lam / kappa) / free
    slope = 1.0 - (inner - outer) * n / free
    with np.errstate(invalid="ignore", divide="ignore"):
        exponent = -slope * np.where(test > 0, total / test, np.nan)
    return test, ridge**2 * total, sums.squared / n, exponent


def effective_penalty(modes: Modes, n: Array, lam: Array) -> tuple[Array, Bools]:
    """kappa of every point, and whether Newton's step came down to rounding.

    Newton in (ln kappa, ln n), where the equation is nearly a straight line, kept between bounds: the
    solution lies above that for lam = 0 plus lam/n, and below (K(0) + lam)/n.
    """
    size = modes.trace
    grid = _grid(modes, float(n.max()), size / float(n.min()) if n.min() < modes.rank else size)
    counts = modes.sums(grid).learned
    ridgeless = n < modes.rank * (1.0 - 1e-9)
    start = np.exp(np.interp(np.log(n), np.log(counts), np.log(grid)))
    low = np.where(ridgeless, 0.5 * start, 0.0) + lam / n
    high = (size + lam) / n
    x = np.log(np.clip(np.where(ridgeless, start, 0.0) + lam / n, low, high))
    done = np.zeros(n.size, dtype=bool)
    bottom, top = np.log(low) - 1.0, np.log(high) + 1e-9
    for _ in range(_STEPS):
        active = np.flatnonzero(~done)
        if not active.size:
            break
        at = x[active]
        kappa = np.exp(at)
        sums = modes.sums(kappa)
        share = lam[active] / kappa
        total = sums.learned + share
        gap = np.log(total / n[active])
        # above the solution the count is too small
        top[active] = np.where(gap < 0, np.minimum(top[active], at), top[active])
        bottom[active] = np.where(gap > 0, np.maximum(bottom[active], at), bottom[active])
        step = gap * total / (sums.mixed + share)
        new = at + step
        outside = (new > top[active]) | (new < bottom[active])
        new = np.where(outside, 0.5 * (top[active] + bottom[active]), new)
        x[active] = new
        small = np.abs(new - at) <= _ROUNDING * np.maximum(1.0, np.abs(at))
        done[active] = small & (np.abs(gap) < _RESIDUAL)
    return np.exp(x), done


def _grid(modes: Modes, most: float, high: float) -> Array:
    """Values of kappa, descending, between which the number of learned modes passes ``most``."""
    low = high
    for _ in range(400):
        low *= 1e-3
        if modes.sums(np.array([low])).learned[0] >= min(most, 0.999 * modes.rank):
            break
    return np.geomspace(high, low, _GRID)
