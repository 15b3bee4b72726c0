r"""Losses that are quadratic in pieces, at zero temperature: the channel in closed form.

There f(omega) is linear in pieces, so its averages are moments of the law of omega = sqrt(Q) xi on
intervals. Sign labels, clean, flipped or with Gaussian noise before the sign, give the density

    phi(xi) [floor + share Phi(k xi)],

whose moments are Owen's T, Phi and phi (D. B. Owen, *A table of normal integrals*, 1980); labels
y = nu + noise are the case share = 0 of it. On an interval of a piece f = -slope + bend x, with
x = omega - centre measured from where the loss is smallest on it, so that every term of f^2 and of l
has one sign. By the heat equation the derivatives of the averages in Q and m sit at the edges.

Moments of an interval that is short, or far out, are differences that cancel. Their digits are
counted, and a point that would lose too many is left to quadrature.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import special

from twinpeaks.theory.arrays import Array, Bools
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.numerics.angle import unexplained
from twinpeaks.theory.teachers.base import BinaryTeacher

__all__ = ["Averages", "FieldLaw", "Pieces", "averages", "field_law", "pieces"]

_REACH = 10.0  # of xi, as in the integrals along the graph
_CANCELLED = 1e3  # terms may exceed their sum by this much: 3e-12 of it, at worst, is then rounding
_ROOT = np.sqrt(2.0 * np.pi)


class Pieces(NamedTuple):
    """A loss l = value + slope (t - anchor) + curvature (t - anchor)^2 / 2 in pieces.

    Attributes
    ----------
    anchor, value, slope, curvature : ndarray of shape (pieces, 1)
        Where l is smallest on the piece, and l with its derivatives there. A kink is a piece of
        infinite curvature, in which t stands still.
    edge, edge_slope : ndarray of shape (pieces - 1, 1)
        t and dl/dt between neighbouring pieces.
    """

    anchor: Array
    value: Array
    slope: Array
    curvature: Array
    edge: Array
    edge_slope: Array


class FieldLaw(NamedTuple):
    """Density phi(xi) [floor + share Phi(k xi)] of the student field, summed over labels.

    The derivative in omega_* of the second factor is share phi(k xi) / width.
    """

    floor: float
    share: float
    k: Array
    width: Array


class Averages(NamedTuple):
    """Gaussian averages, arrays of shape (points,).

    Attributes
    ----------
    f2, minus_df, sf, df2, f2df : ndarray
        E f^2, -E df, E s f with the score s of the label, E df^2 and E f^2 df.
    f2_Q, f2_m, df_Q, df_m, sf_m : ndarray
        Derivatives in Q and m of E f^2, E df and E s f, at fixed V.
    loss, square, potential : ndarray
        E l, E t^2 (counted for share = 0), and minus the Moreau envelope.
    sure, all_sure : ndarray of bool
        Whether rounding left E f^2, E df and E s f accurate, and these with the next two.
    """

    f2: Array
    minus_df: Array
    sf: Array
    df2: Array
    f2df: Array
    f2_Q: Array
    f2_m: Array
    df_Q: Array
    df_m: Array
    sf_m: Array
    loss: Array
    square: Array
    potential: Array
    sure: Bools
    all_sure: Bools


def pieces(loss: Loss, y: float) -> Pieces:
    """The pieces of a loss that declares ``piecewise_quadratic``, seen from label y."""
    kinks = loss.kinks(y)
    cuts = sorted({*kinks, *loss.knots(y)})
    rows: list[tuple[float, ...]] = []
    edges: list[tuple[float, float]] = []
    for low, high in pairwise([-np.inf, *cuts, np.inf]):
        stretch = _Stretch.of(loss, y, low, high)
        if low in kinks:  # the stretch below ended there, on its side of the kink
            resting = min(max(0.0, edges[-1][1]), stretch.slope_at(low))
            rows.append((low, _at(loss.value, y, low), resting, np.inf))
            edges.append((low, stretch.slope_at(low)))
        anchor, slope = stretch.lowest()
        rows.append((anchor, _at(loss.value, y, anchor), slope, stretch.curvature))
        if np.isfinite(high):
            edges.append((high, stretch.slope_at(high)))
    columns = [*np.array(rows).T, *np.array(edges).reshape(-1, 2).T]
    return Pieces(*(column[:, None] for column in columns))


class _Stretch(NamedTuple):
    """A parabola between two cuts, from its derivatives at a point inside."""

    low: float
    high: float
    inside: float
    slope: float
    curvature: float

    @classmethod
    def of(cls, loss: Loss, y: float, low: float, high: float) -> _Stretch:
        """Evaluate the loss between neighbouring cuts."""
        left = low if np.isfinite(low) else min(high, 1.0) - 1.0
        right = high if np.isfinite(high) else max(low, -1.0) + 1.0
        inside = 0.5 * (left + right)
        return cls(low, high, inside, _at(loss.slope, y, inside), _at(loss.curvature, y, inside))

    def slope_at(self, t: float) -> float:
        """First derivative on the stretch."""
        return self.slope + self.curvature * (t - self.inside)

    def lowest(self) -> tuple[float, float]:
        """Where the parabola is smallest on the stretch, and its slope there."""
        if self.curvature > 0:
            vertex = self.inside - self.slope / self.curvature
            if self.low <= vertex <= self.high:
                return vertex, 0.0
            end = self.low if vertex < self.low else self.high
        elif self.slope == 0:
            return self.inside, 0.0
        else:
            end = self.low if self.slope > 0 else self.high
        return end, self.slope_at(end)


def _at(function: Callable[[float, Array], Array], y: float, t: float) -> float:
    return float(np.asarray(function(y, np.array([t])))[0])


def field_law(teacher: BinaryTeacher, Q: Array, m: Array) -> FieldLaw | None:
    """Law of the student field at a mirrored pair of labels; None for any other teacher."""
    if teacher.step is None:
        return None
    flip, noise = teacher.step
    width = np.sqrt(unexplained(teacher.rho + noise, Q, m) / Q)
    return FieldLaw(2.0 * flip, 2.0 - 4.0 * flip, m / np.sqrt(Q) / width, width)


class _Counted(NamedTuple):
    """A sum, and the sum of the absolute values of its terms."""

    value: Array
    size: Array

    @classmethod
    def between(cls, ends: Array) -> _Counted:
        """Differences of neighbouring rows."""
        size = np.abs(ends)
        return cls(np.diff(ends, axis=0), size[1:] + size[:-1])

    def plus(self, other: _Counted, factor: Array | float = 1.0) -> _Counted:
        """Self + factor * other."""
        return _Counted(self.value + factor * other.value, self.size + np.abs(factor) * other.size)

    def times(self, factor: Array) -> _Counted:
        """Self * factor."""
        return _Counted(factor * self.value, np.abs(factor) * self.size)

    def total(self) -> _Counted:
        """Over the pieces."""
        return _Counted(self.value.sum(axis=0), self.size.sum(axis=0))

    @property
    def sure(self) -> Bools:
        """Whether little cancelled."""
        return np.asarray(self.size <= _CANCELLED * np.abs(self.value))


class _Moments(NamedTuple):
    """Integrals between neighbouring ends, (pieces, points), of xi - c to the powers 0, 1 and 2.

    ``mass`` under phi(xi) [floor + share Phi(k xi)], ``score`` under share phi(xi) phi(k xi).
    """

    mass: tuple[_Counted, _Counted, _Counted]
    score: tuple[_Counted, _Counted]


def _moments(law: FieldLaw, xi: Array, c: Array, both: Array, density: Array) -> _Moments:
    """Moments between the ends xi, about the centres c.

    ``both`` and ``density`` are share phi(xi) phi(k xi) and phi(xi) [...] at the ends.
    """
    k, r = law.k, np.hypot(1.0, law.k)
    owen = special.owens_t(xi, k) if law.share else np.zeros(xi.shape)
    below, above = special.ndtr(xi), special.ndtr(-xi)
    clean = law.floor + 0.5 * law.share
    m0 = _smaller(
        clean * below - law.share * owen,
        clean * below + law.share * np.abs(owen),
        -clean * above - law.share * owen,
        clean * above + law.share * np.abs(owen),
    )
    peak = law.share / (_ROOT * r)
    lower, upper = peak * special.ndtr(r * xi), peak * special.ndtr(-r * xi)
    n0 = _smaller(lower, lower, -upper, upper)
    n1 = _Counted.between(-both / r**2)
    m1 = _Counted.between(-density).plus(n0, k)
    m2 = _Counted.between(-xi * density).plus(m0).plus(n1, k)
    return _Moments(
        (m0, m1.plus(m0, -c), m2.plus(m1, -2.0 * c).plus(m0, c * c)), (n0, n1.plus(n0, -c))
    )


def _smaller(lower: Array, lower_size: Array, upper: Array, upper_size: Array) -> _Counted:
    """Differences of one of two antiderivatives, whichever has the smaller terms."""
    first, second = lower_size[1:] + lower_size[:-1], upper_size[1:] + upper_size[:-1]
    take = first < second
    return _Counted(
        np.where(take, np.diff(lower, axis=0), np.diff(upper, axis=0)), np.minimum(first, second)
    )


def averages(p: Pieces, law: FieldLaw, V: Array, variance: Array) -> Averages:
    """Every average that the channel asks for.

    Parameters
    ----------
    p : Pieces
    law : FieldLaw
        Law of omega / sqrt(variance).
    V, variance : ndarray of shape (points,)
        Width of the prox, and variance of omega.
    """
    root = np.sqrt(variance)
    inner = np.clip((p.edge + V * p.edge_slope) / root, -_REACH, _REACH)
    ends = np.full((1, V.size), _REACH)
    xi = np.concatenate([-ends, inner, ends])
    phi = np.exp(-0.5 * xi * xi) / _ROOT
    both = law.share * phi * np.exp(-0.5 * (law.k * xi) ** 2) / _ROOT
    density = phi * (law.floor + law.share * special.ndtr(law.k * xi))

    kink = np.isinf(p.curvature)
    with np.errstate(invalid="ignore"):
        bend = np.where(kink, -1.0 / V, -p.curvature / (1.0 + V * p.curvature))
    stir = 1.0 / (1.0 + V * p.curvature)  # dt/domega
    centre = p.anchor + V * p.slope
    (m0, m1, m2), (n0, n1) = _moments(law, xi, centre / root, both, density)
    x1, x2, s1 = m1.times(root), m2.times(variance), n1.times(root)

    f2 = m0.times(p.slope**2).plus(x1, -2.0 * p.slope * bend).plus(x2, bend**2)
    sf = n0.times(-p.slope).plus(s1, bend).times(1.0 / law.width)
    df = m0.times(-bend)
    loss = m0.times(p.value).plus(x1, p.slope * stir).plus(x2, -0.5 * bend * stir)
    square = m0.times(p.anchor**2).plus(x1, 2.0 * p.anchor * stir).plus(x2, stir**2)

    # jumps of df between pieces, against the density of omega and its derivatives at the edges
    jump = np.where(np.abs(inner) < _REACH, np.diff(bend, axis=0), 0.0)
    here, lift = density[1:-1] / root, both[1:-1]
    tilt = (law.k * lift - inner * density[1:-1]) / variance
    df2 = np.sum(bend**2 * m0.value, axis=0)
    raw = -np.diff(both, axis=0) / (1.0 + law.k**2)  # integral of xi share phi(xi) phi(k xi)
    totals = [f2.total(), df.total(), sf.total(), loss.total(), square.total()]
    certain = [t.sure for t in totals]
    sure = np.all(certain[:3], axis=0)
    E_f2, minus_df, E_sf, E_loss, E_square = (t.value for t in totals)
    return Averages(
        f2=E_f2,
        minus_df=minus_df,
        sf=E_sf,
        df2=df2,
        f2df=np.sum(bend * f2.value, axis=0),
        f2_Q=df2 - np.sum(p.edge_slope * jump * here, axis=0),
        f2_m=2.0 * np.sum(bend * sf.value, axis=0),
        df_Q=-0.5 * np.sum(jump * tilt, axis=0),
        df_m=np.sum(jump * lift, axis=0) / (root * law.width),
        sf_m=-law.k * np.sum(bend * raw, axis=0) / law.width**2,
        loss=E_loss,
        square=E_square,
        potential=-0.5 * V * E_f2 - E_loss,
        sure=sure,
        all_sure=sure & certain[3] & (certain[4] | (law.share > 0)),
    )
