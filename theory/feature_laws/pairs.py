"""Averages with two resolvents of one spectrum, for every law that has those with one.

With G_u = (u + Omega)^{-1} and <.> = (1/N) tr, what two trainings on the same features and patterns
have in common is a sum of <M G_u G_v>, <M Omega G_u G_v> and tr T G_u M G_v. Differences of averages
with one resolvent give them too, (G_u - G_v) / (v - u), but lose all digits where u and v are close or
far below the spectrum. Here nothing is subtracted: every product of two equal factors in the formulas
of ``population`` becomes one factor at u and one at v. Arguments may be complex.

Arrays of u have shape (..., m), those of v (..., n), and results (..., m, n).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "PairForm",
    "PairFormSums",
    "PairGram",
    "PairSums",
    "Pairs",
    "Ridge",
    "cross",
    "discrete",
    "paired",
    "spectrum_pair",
]


class Ridge(NamedTuple):
    """Effective ridges u, and the coordinate in which a law's averages are explicit."""

    u: Any
    inner: Any


class PairForm(NamedTuple):
    """plain = <M G_u G_v>, noise = <M Omega G_u G_v>, signal = tr T G_u M G_v for a matrix M."""

    plain: Any
    noise: Any
    signal: Any


class Pairs(NamedTuple):
    """``linear`` is M = S; ``forms`` the matrices M_j of the law, of which the last is 1."""

    linear: PairForm
    forms: tuple[PairForm, ...]


class PairFormSums(NamedTuple):
    """<M K K'>, <M C K K'> and tau(K M K')."""

    second: Any
    product: Any
    teacher: Any


class PairSums(NamedTuple):
    """Averages over a population C with K = (1 + k C)^{-1} and K' at k'.

    B = <C K K'>, A2 = <C^2 K K'>, TB = tau(K K'), TA2 = tau(C K K').
    """

    B: Any
    A2: Any
    TB: Any
    TA2: Any
    forms: tuple[PairFormSums, ...]


class PairGram(NamedTuple):
    """Averages over a Gram matrix S with G = (S + z)^{-1} and G' at z'."""

    g2: Any
    sg2: Any
    s2g2: Any
    tg2: Any
    tsg2: Any
    forms: tuple[PairFormSums, ...]


def cross(a: Any, b: Any) -> Any:
    """The products of every entry of a with every entry of b: shape (..., m, n)."""
    return np.asarray(a)[..., :, None] * np.asarray(b)[..., None, :]


def spectrum_pair(p: PairSums, g: Any, other: Any, z: Any, c: Any) -> PairGram:
    """Averages over S from those over C, at resolvents g = <G> and <G'>.

    From 1/g = z + <C K>, k = c g: <G G'> = (g - g') / (z' - z) = g' / (z + <C K K'>), and so on.
    """
    both = c * cross(g, other)
    g2 = np.asarray(other)[..., None, :] / (np.asarray(z)[..., :, None] + p.B)
    sg2 = g2 * p.B
    forms = tuple(
        PairFormSums(
            second=g2 * m.second,
            product=sg2 * m.second + both * m.product,
            teacher=c * (g2 * m.second * p.TB + both * m.teacher),
        )
        for m in p.forms
    )
    return PairGram(
        g2=g2,
        sg2=sg2,
        s2g2=sg2 * p.B + both * p.A2,
        tg2=c * g2 * p.TB,
        tsg2=c * (sg2 * p.TB + both * p.TA2),
        forms=forms,
    )


def paired(s: PairGram, k1: float, ks: float, rho: float) -> Pairs:
    """Averages over Omega = k1 S + ks, where G_u = (S + z)^{-1} / k1, and T = rho k1 tau."""
    carried = tuple(
        PairForm(m.second / k1, (k1 * m.product + ks * m.second) / k1, rho * m.teacher)
        for m in s.forms
    )
    square = k1 * k1
    identity = PairForm(s.g2 / square, (k1 * s.sg2 + ks * s.g2) / square, rho * s.tg2 / k1)
    linear = PairForm(s.sg2 / square, (k1 * s.s2g2 + ks * s.sg2) / square, rho * s.tsg2 / k1)
    return Pairs(linear, (*carried, identity))


def discrete(omega: Any, s: Any, weight: Any, aligned: Any, k1: float, u: Any, v: Any) -> Pairs:
    """Averages over a discrete spectrum.

    Parameters
    ----------
    omega, s : ndarray of shape (atoms,)
        Eigenvalues of Omega and of S.
    weight, aligned : ndarray of shape (atoms,)
        Weights of <.> and of tr T .
    k1 : float
        kappa_1^2, the factor of S among the M_j.
    """
    G, H = (1.0 / (np.asarray(a)[..., None] + omega) for a in (u, v))

    def total(atoms: Any) -> Any:
        return (G * atoms) @ np.swapaxes(H, -1, -2)

    def form(M: Any) -> PairForm:
        return PairForm(total(weight * M), total(weight * M * omega), total(aligned * M))

    linear, identity = form(s), form(np.ones_like(s))
    return Pairs(linear, (PairForm(*(k1 * a for a in linear)), identity))
