r"""The learning curve of kernel regression, and of random features of finite width, from the modes.

With n patterns, p features, s_k = lambda_k / (lambda_k + kappa), T = sum_k N s_k, A = sum_k N s_k (1 - s_k),

    g = n - T,   h = p - T,   g h = p lam / kappa,
    F = g + h A / (h + A)                                   (n times 1 - the variance share),
    test = {[sum_k N c_k (1 - s_k)^2 + A/(h + A) sum_k N c_k s_k (1 - s_k)] n + sigma^2 (n - F)} / F,
    train = (g / n)^2 (test + sigma^2).

This is the deterministic equivalent of Defilippis, Loureiro & Misiakiewicz (arXiv 2405.15699), in a form in
which nothing cancels (docs/derivations/sphere.md). For p -> infinity, g = lam / kappa and F = g + A: that is
kernel regression with the predictor k(x)^T (K + lam)^{-1} y (Bordelon, Canatar & Pehlevan, arXiv 2002.02561;
Simon et al., 2110.03922). Modes of eigenvalue 0 are noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Bools
from twinpeaks.theory.sphere.modes import Modes, Sums

__all__ = ["Curve", "Points", "learning_curve"]

_STEPS = 80
_ROUNDING = 4e-15  # step in ln kappa that is none
_RESIDUAL = 1e-11  # relative, of n
_GRID = 240


class Points(NamedTuple):
    """Where: numbers of patterns and of features (inf for the kernel), and penalties; all of one shape."""

    n: Array
    p: Array
    lam: Array

    def take(self, index: Bools) -> Points:
        """Some of them."""
        return Points(*(a[index] for a in self))

    def surplus(self, kappa: Array) -> tuple[Array, Array]:
        """g = n - T and h = p - T at a solution, without a difference of large numbers."""
        n, p, lam = self
        wide = np.isinf(p)
        width = np.where(wide, n, p)
        with np.errstate(divide="ignore", invalid="ignore"):
            load = np.where(lam > 0, lam / kappa, 0.0)
        product, gap = width * load, width - n
        root = np.hypot(gap, 2.0 * np.sqrt(product))
        small = 0.5 * (np.abs(gap) + root)
        small = np.divide(product, small, out=np.zeros(n.size), where=small > 0)
        large = np.abs(gap) + small
        g = np.where(wide, load, np.where(gap >= 0, small, large))
        return g, np.where(wide, np.inf, np.where(gap >= 0, large, small))


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


def learning_curve(modes: Modes, points: Points, noise: float) -> Curve:
    """Test and training error, and what they are made of.

    Parameters
    ----------
    modes : Modes
    points : Points
    noise : float
        Variance of the labels' noise.
    """
    n, p, lam = points
    least = np.minimum(n, p)
    full = (lam == 0) & (least >= modes.rank)  # every mode is learned, and kappa = 0
    kappa, converged = np.zeros(n.size), np.ones(n.size, dtype=bool)
    sums = Sums(*(np.zeros(n.size) for _ in Sums._fields))
    sums.bias[:], sums.learned[:], sums.squared[:] = modes.floor, modes.rank, modes.rank
    if not full.all():
        part = points.take(~full)
        kappa[~full], converged[~full] = _effective_penalty(modes, part)
        for array, found in zip(sums, modes.sums(kappa[~full]), strict=True):
            array[~full] = found
    g, h = points.surplus(kappa)
    if full.any():
        g[full], h[full] = n[full] - modes.rank, p[full] - modes.rank
    no_limit = (g == 0) & ((h == 0) | (sums.mixed == 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        test, spread, exponent = _errors(sums, n, p, g, h, noise)
        train = (g / n) ** 2 * (test + noise)
    ok = converged & ~no_limit
    values = (test, train, kappa, spread / n, g / n, exponent)
    known = {name: np.where(ok, v, np.nan) for name, v in zip(Curve._fields, values, strict=False)}
    return Curve(**known, converged=converged, no_limit=no_limit)


def _errors(
    sums: Sums, n: Array, p: Array, g: Array, h: Array, noise: float
) -> tuple[Array, Array, Array]:
    """Test error, n - F, and the local exponent -d ln test / d ln n along fixed p/n and lam."""
    A, T = sums.mixed, sums.learned
    wide, tight = np.isinf(h), h == 0
    share = np.where(wide, 1.0, np.where(tight, 0.0, h / (h + A)))  # h / (h + A)
    rest = np.where(wide, 0.0, np.where(tight, 1.0, A / (h + A)))
    free = g + share * A
    lost = sums.bias + rest * sums.cross
    spread = share * sums.squared + rest * T  # n - F
    test = (lost * n + noise * spread) / free
    # along the curve, with ' for d / d ln n: T' = -A k', k = ln kappa
    over = np.where(wide, 0.0, g / h)
    across = np.where(wide, 1.0, p / h)
    k = np.where(tight, -p / A, (g - g * across - n) / (A * (1.0 + over) + g))
    A_, T_ = sums.skew * k, -A * k
    h_ = np.where(wide, 1.0, (p - T_) / h)
    share_ = np.where(share * rest > 0, share * rest * (h_ - A_ / A), 0.0)
    g_ = n - T_
    g_ = np.where(g > 0, g_, 0.0)
    free_ = g_ + share_ * A + share * A_
    lost_ = 2.0 * sums.edge * k - share_ * sums.cross + rest * (sums.cross - 2.0 * sums.edge) * k
    total, total_ = lost * n + noise * spread, (lost_ + lost) * n + noise * (n - free_)
    return test, spread, free_ / free - np.where(total > 0, total_ / total, np.nan)


def _effective_penalty(modes: Modes, points: Points) -> tuple[Array, Bools]:
    """kappa of every point, and whether Newton's step came down to rounding.

    T(kappa) + min(g, h) = min(n, p) has one solution, since both fall. Newton in logarithms, where it is
    nearly a straight line, kept between bounds: above the solution of T = min(n, p), below 2 K(0) /
    min(n, p) or 4 lam / n, where T is at most half of min(n, p).
    """
    n, p, lam = points
    least = np.minimum(n, p)
    size, ridgeless = modes.trace, least < modes.rank
    high = 2.0 * size / float(least.min())
    grid = _grid(modes, float(least.max()), high)
    counts = modes.sums(grid).learned
    start = np.exp(np.interp(np.log(least), np.log(counts), np.log(grid)))
    x = np.log(np.where(ridgeless, start, 0.0) + lam / n)
    top = np.log(np.maximum(2.0 * size / least, 4.0 * lam / n)) + 1e-9
    x = np.minimum(x, top)
    bottom = np.where(ridgeless, np.log(0.5 * start), np.log(grid[-1]) - 300.0)
    done = np.zeros(n.size, dtype=bool)
    for _ in range(_STEPS):
        active = ~done
        if not active.any():
            break
        at = x[active]
        kappa = np.exp(at)
        sums = modes.sums(kappa)
        part = points.take(active)
        g, h = part.surplus(kappa)
        total = sums.learned + np.minimum(g, h)
        gap = np.log(total / least[active])
        # above the solution the count is too small
        top[active] = np.where(gap < 0, np.minimum(top[active], at), top[active])
        bottom[active] = np.where(gap > 0, np.maximum(bottom[active], at), bottom[active])
        with np.errstate(divide="ignore", invalid="ignore"):
            fall = np.where(np.isinf(h), g, np.where(g > 0, g / (1.0 + g / h), 0.0))
        new = at + gap * total / (sums.mixed + fall)
        outside = ~((new <= top[active]) & (new >= bottom[active]))
        new = np.where(outside, 0.5 * (top[active] + bottom[active]), new)
        x[active] = new
        small = np.abs(new - at) <= _ROUNDING * np.maximum(1.0, np.abs(at))
        done[active] = small & (np.abs(gap) < _RESIDUAL)
    return np.exp(x), done


def _grid(modes: Modes, most: float, high: float) -> Array:
    """Values of kappa, descending, between which the number of learned modes passes ``most``."""
    low = high
    for _ in range(100):
        low *= 1e-3
        if modes.sums(np.array([low])).learned[0] >= min(most, 0.999 * modes.rank):
            break
    return np.geomspace(high, low, _GRID)
