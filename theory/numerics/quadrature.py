"""Batched adaptive Gauss-Kronrod quadrature that returns its error estimate.

Many integrals (one per grid point, several components each) are refined together: the panels of all
of them form one flat list, and only the panels that miss the tolerance are bisected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Bools, Index

__all__ = ["Integrals", "Panels", "integrate", "panels"]

# The 10-point Gauss rule inside the 21-point Kronrod rule (R. Piessens et al., QUADPACK, 1983).
_HALF_NODES = np.array(
    [
        0.995657163025808080735527280689003,
        0.973906528517171720077964012084452,
        0.930157491355708226001207180059508,
        0.865063366688984510732096688423493,
        0.780817726586416897063717578345042,
        0.679409568299024406234327365114874,
        0.562757134668604683339000099272694,
        0.433395394129247190799265943165784,
        0.294392862701460198131126603103866,
        0.148874338981631210884826001129720,
    ]
)
_HALF_KRONROD = np.array(
    [
        0.011694638867371874278064396062192,
        0.032558162307964727478818972459390,
        0.054755896574351996031381300244580,
        0.075039674810919952767043140916190,
        0.093125454583697605535065465083366,
        0.109387158802297641899210590325805,
        0.123491976262065851077958109585166,
        0.134709217311473325928054001771707,
        0.142775938577060080797094273138717,
        0.147739104901338491374841515972068,
    ]
)
_HALF_GAUSS = np.array(
    [
        0.066671344308688137593568809893332,
        0.149451349150580593145863396957658,
        0.219086362515982043995534934228163,
        0.269266719309996355091226921569469,
        0.295524224714752870173815619188769,
    ]
)
NODES = np.concatenate([-_HALF_NODES, [0.0], _HALF_NODES[::-1]])
KRONROD = np.concatenate(
    [_HALF_KRONROD, [0.149445554002916905664936468389821], _HALF_KRONROD[::-1]]
)
GAUSS = np.zeros(21)
GAUSS[1:10:2] = _HALF_GAUSS
GAUSS[11::2] = _HALF_GAUSS[::-1]
_RULES = np.stack([KRONROD, KRONROD - GAUSS], axis=1)

_BLOCK = 1024  # panels at a time: arrays of 172 kB stay in the second-level cache


class Panels(NamedTuple):
    """A flat list of intervals, each belonging to one integral (its owner).

    ``piece`` tells which branch of a piecewise integrand an interval lies on.
    """

    owner: Index
    piece: Index
    left: Array
    right: Array


class Integrals(NamedTuple):
    """Values of shape (components, owners), relative error estimate and success per owner."""

    values: Array
    error: Array
    accurate: Bools


def panels(*edges: Array) -> Panels:
    """Panels between the sorted finite edges of each row; empty ones are dropped.

    Parameters
    ----------
    *edges : ndarray of shape (owners, edges)
        Mesh points of each integral, in any order; repetitions are allowed. One array for each
        piece of the integrand.
    """
    parts = []
    for piece, array in enumerate(edges):
        mesh = np.sort(array, axis=1)
        left, right = mesh[:, :-1], mesh[:, 1:]
        owner, column = np.nonzero(right > left)
        label = np.full(owner.size, piece, np.intp)
        parts.append((owner, label, left[owner, column], right[owner, column]))
    return Panels(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def integrate(
    integrand: Callable[[Index, Index, Array], Array],
    mesh: Panels,
    owners: int,
    judged: int,
    tol: float = 2e-14,
    max_rounds: int = 40,
) -> Integrals:
    """Integrate a vector-valued function for every owner.

    Parameters
    ----------
    integrand : callable
        ``integrand(owner, piece, x)`` with owner and piece of shape (panels,) and x of shape
        (panels, 21) returns shape (components, panels, 21).
    mesh : Panels
        Starting panels.
    owners : int
        Number of integrals.
    judged : int
        The first ``judged`` components decide on refinement; the rest (derivatives that only
        steer an iteration) ride along.
    tol : float
        A panel is accepted when its error estimate is below ``tol`` times its owner's integral
        of the absolute value, for each judged component.
    max_rounds : int
        Bisections after which a panel is accepted as it is and its owner marked inaccurate.

    Returns
    -------
    Integrals

    Notes
    -----
    Error estimate of QUADPACK: with delta = |K21 - G10| and the integral of |f - mean| as the scale
    A, the error of K21 is put at A min(1, (200 delta / A)^{3/2}), and never below rounding.
    """
    owner, piece, left, right = mesh
    total: Array | None = None
    spent = np.zeros(owners, np.intp)
    budget = 20 * np.bincount(owner, minlength=owners) + 200
    error = np.zeros((judged, owners))
    for round_ in range(max_rounds + 1):
        kept, delta, size, spread = _evaluate(integrand, owner, piece, left, right, judged)
        if total is None:
            total = np.zeros((kept.shape[0], owners))
            magnitude = np.zeros((judged, owners))
        here = _sum_by_owner(size, owner, owners)
        scale = (magnitude + here)[:, owner]
        with np.errstate(invalid="ignore", divide="ignore"):
            sharp = spread * np.minimum(1.0, (200.0 * delta / spread) ** 1.5)
        sharp = np.where(spread > 0, sharp, 0.0)
        # Written so that NaN counts as a failure; bisecting cannot mend NaN, so it is dropped.
        done = np.all(sharp <= np.maximum(tol * scale, 2e-15 * size), axis=0)
        hopeless = ~np.all(np.isfinite(kept), axis=0) | (right - left <= 1e-14 * np.abs(left))
        # Noise in the integrand would be bisected without end: an owner has a budget of panels.
        spent += np.bincount(owner, minlength=owners)
        hopeless |= (spent > budget)[owner]
        if round_ == max_rounds:
            hopeless[:] = True
        done |= hopeless
        total += _sum_by_owner(kept[:, done], owner[done], owners)
        magnitude += _sum_by_owner(size[:, done], owner[done], owners)
        error += _sum_by_owner(sharp[:, done], owner[done], owners)
        if np.all(done):
            break
        owner, piece, left, right = (a[~done] for a in (owner, piece, left, right))
        middle = 0.5 * (left + right)
        owner, piece = np.concatenate([owner, owner]), np.concatenate([piece, piece])
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    assert total is not None
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.max(np.where(error > 0, error / magnitude, 0.0), axis=0)
    finite = np.all(np.isfinite(total[:judged]), axis=0)
    return Integrals(total, relative, finite & (relative <= 100 * tol))


def _evaluate(
    integrand: Callable[[Index, Index, Array], Array],
    owner: Index,
    piece: Index,
    left: Array,
    right: Array,
    judged: int,
) -> tuple[Array, Array, Array, Array]:
    """Kronrod values, |Kronrod - Gauss|, integral of |f| and of |f - mean| on each panel."""
    parts: list[tuple[Array, Array, Array, Array]] = []
    for start in range(0, max(owner.size, 1), _BLOCK):  # once also where there is nothing
        part = slice(start, start + _BLOCK)
        half = 0.5 * (right[part] - left[part])
        x = 0.5 * (right[part] + left[part])[:, None] + half[:, None] * NODES
        f = integrand(owner[part], piece[part], x)
        both = f @ _RULES
        kept, delta = both[..., 0] * half, np.abs(both[:judged, :, 1]) * half
        judged_f = f[:judged]
        mean = 0.5 * both[:judged, :, 0]
        size = (np.abs(judged_f) @ KRONROD) * half
        spread = (np.abs(judged_f - mean[..., None]) @ KRONROD) * half
        parts.append((kept, delta, size, spread))
    kept, delta, size, spread = (np.concatenate(p, axis=1) for p in zip(*parts, strict=True))
    return kept, delta, size, spread


def _sum_by_owner(values: Array, owner: Index, owners: int) -> Array:
    return np.stack([np.bincount(owner, row, owners) for row in values])
