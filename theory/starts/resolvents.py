"""Traces with one and with two resolvents of the feature covariance, for every feature law.

With G_u = (u + Omega)^{-1}, u > 0, and <.> = (1/N) tr, ridge regression with penalty lam on alpha N
patterns shrinks every direction of the weights as the fixed matrix u G_u does, where

    alpha = lam / u + <Omega G_u>

fixes the effective ridge u (u = lam / Vh in the language of the read-out). Two regressions on
independent patterns but the same features meet in traces with two effective ridges u and w; partial
fractions give these in terms of the one-resolvent traces that a law supplies,

    G_u G_w = (G_u - G_w) / (w - u),   G_u^2 G_w^2 = (G_u^2 + G_w^2 - 2 G_u G_w) / (w - u)^2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.problem import Problem

__all__ = ["Pair", "Resolvents", "Single"]

_REACH = 250.0  # of ln u, either way
_STEPS = 400
_SETTLED = 1e-11
_EPS = float(np.finfo(float).eps)
# Partial fractions lose digits like |ln(w/u)|^-3. Closer than _NEAR they are replaced by a polynomial
# in ln(w/u)^2: at fixed u w the traces are even in ln(w/u), and analytic where that square is > -(2 pi)^2.
_NEAR = 0.5
_NODES = 0.25 + 5.0 * (0.5 - 0.5 * np.cos(np.pi * (np.arange(12) + 0.5) / 12))


class Single(NamedTuple):
    """Traces with one resolvent, for the matrices M_j of ``Resolvents``.

    Attributes
    ----------
    Omega : ndarray of shape (points,)
        <Omega G>.
    Omega2 : ndarray of shape (points,)
        <Omega^2 G^2>.
    thermal, noise : ndarray of shape (matrices, points)
        <M_j G> and <M_j Omega G^2>.
    """

    Omega: Array
    Omega2: Array
    thermal: Array
    noise: Array


class Pair(NamedTuple):
    """Traces with two resolvents.

    Attributes
    ----------
    forms : ndarray of shape (matrices, points)
        <M_j Omega G_u^2 G_w^2>.
    rounding : ndarray of shape (points,)
        Estimate of the largest relative error of ``forms``.
    """

    forms: Array
    rounding: Array


@dataclass(frozen=True)
class Resolvents:
    """The spectrum of a problem's features at given widths.

    Traces are taken with S first, then with the matrices M_j of the feature law (``FeatureLaw``), of
    which the variance and the influence are sums; the last is the identity.

    Parameters
    ----------
    problem : Problem
    c : ndarray of shape (points,)
        N/D. Arguments of the methods have the same shape.
    """

    problem: Problem
    c: Array

    def take(self, index: Index) -> Resolvents:
        """The points of an index array."""
        return Resolvents(self.problem, self.c[index])

    def at(self, u: Array) -> Single:
        """One-resolvent traces at ridge u; not finite where u = 0 meets a null direction."""
        moments = self.problem.activation.moments
        k1, ks = moments.kappa_1**2, moments.kappa_star**2
        law, at = (
            self.problem.features,
            (self.c, moments, self.problem.teacher.rho, u, np.ones(u.shape)),
        )
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            t, forms = law.traces(*at), law.forms(*at)
        return Single(
            t.OmegaR,
            k1 * t.SOmegaR2 + ks * t.OmegaR2,
            np.stack([t.SR, *(f.thermal for f in forms)]),
            np.stack([t.SOmegaR2, *(f.noise for f in forms)]),
        )

    def influence(self, forms: Array) -> Array:
        """The total influence E|grad f|^2 from w^T M_j w / N."""
        coefficients = self.problem.features.influences(self.problem.activation.moments)
        total = np.zeros(forms.shape[1:])
        for coefficient, form in zip(coefficients, forms[1:], strict=True):
            # kappa'_star may be infinite where nothing is left for it
            total += np.where(form > 0, coefficient, 0.0) * np.where(form > 0, form, 1.0)
        return total

    def variance(self, forms: Array) -> Array:
        """w^T Omega w / N from w^T M_j w / N."""
        moments = self.problem.activation.moments
        return np.asarray(moments.kappa_1**2 * forms[0] + moments.kappa_star**2 * forms[-1])

    def effective_ridge(self, alpha: Array, lam: Array) -> Array:
        """The root u of alpha = lam / u + <Omega G_u>, whose right-hand side falls with u.

        Returns
        -------
        ndarray of shape (points,)
            0 where lam = 0 and alpha >= 1 (least squares is unique); NaN where there is no root,
            because fewer than alpha N directions carry any variance.
        """
        u = np.where((lam == 0) & (alpha >= 1), 0.0, np.nan)
        live = np.flatnonzero(np.isnan(u))
        if live.size:
            u[live] = self.take(live)._root(alpha[live], lam[live])
        return u

    def _root(self, alpha: Array, lam: Array) -> Array:
        """Newton for ln(right-hand side) in x = ln u, with bisection where a step leaves the bracket."""
        low, high = np.full(alpha.shape, -_REACH), np.full(alpha.shape, _REACH)
        x = np.zeros(alpha.shape)
        excess = np.full(alpha.shape, np.inf)
        for _ in range(_STEPS):
            u = np.exp(x)
            t = self.at(u)
            value, slope = lam / u + t.Omega, lam / u + u * t.noise[-1]
            excess = np.log(value / alpha)
            low, high = np.where(excess >= 0, x, low), np.where(excess <= 0, x, high)
            with np.errstate(divide="ignore", over="ignore"):
                new = x + excess * value / slope
            new = np.where((new > low) & (new < high), new, 0.5 * (low + high))
            done = np.abs(new - x) <= 4.0 * _EPS * np.maximum(np.abs(x), 1.0)
            x = new
            if np.all(done):
                break
        return np.where(np.abs(excess) < _SETTLED, np.exp(x), np.nan)

    def pair(self, u: Array, w: Array) -> Pair:
        """Traces of Omega G_u^2 G_w^2 for u > 0 and w >= 0.

        Notes
        -----
        Where u and w are both far below the spectrum, the terms cancel to a part (u/Omega)^2 of them;
        ``rounding`` says what is left. It grows towards N/P = 1 met together with alpha' = 1.
        """
        with np.errstate(divide="ignore"):
            distance = np.abs(np.log(w / u))
        near = distance < _NEAR
        forms, rounding = self._partial_fractions(u, np.where(near, math.e * u, w))
        index = np.flatnonzero(near)
        if index.size:
            part = self.take(index)._interpolate(np.sqrt(u * w)[index], distance[index])
            forms[:, index], rounding[index] = part
        return Pair(forms, rounding)

    def _partial_fractions(self, u: Array, w: Array) -> Pair:
        a, b, gap = self.at(u), self.at(w), w - u
        # <M Omega G_u> = <M> - u <M G_u>, where <M> drops out of the difference
        terms = np.stack([w * b.thermal, u * a.thermal])
        # <Omega G_u> = 1 - u <G_u> is known both ways: the smaller one loses less
        small = a.Omega < 0.5
        terms[:, -1] = np.where(small, np.stack([a.Omega, b.Omega]), terms[:, -1])
        mixed = (terms[0] - terms[1]) / gap
        forms = (a.noise + b.noise - 2.0 * mixed) / gap**2
        size = a.noise + b.noise + 2.0 * np.abs(mixed) + np.abs(terms).sum(0) / np.abs(gap)
        return Pair(forms, np.max(_EPS * size / gap**2 / np.abs(forms), axis=0))

    def _interpolate(self, middle: Array, distance: Array) -> Pair:
        """Lagrange's polynomial in distance^2, through distances at which little cancels."""
        total = np.zeros(1)
        error = np.zeros(middle.shape)
        for j, node in enumerate(_NODES):
            others = np.delete(_NODES, j)
            weight = np.prod((distance[:, None] ** 2 - others) / (node - others), axis=1)
            half = np.exp(0.5 * np.sqrt(node))
            found = self._partial_fractions(middle / half, middle * half)
            total = total + weight * found.forms
            error += np.abs(weight) * found.rounding
        return Pair(total, error)
