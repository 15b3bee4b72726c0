"""Covariance and influence of hidden units, under a law of independent inputs.

Units are z_a = sigma(h_a), h = F^T x / sqrt(D), and for any weights

    Var w.z = w^T K w,    sum_i E Var[w.z | all inputs but x_i] = w^T L w.

For inputs of variances v_i, skewness g_i and excess kurtosis k_i, with s_a^2 = Var h_a,
u_ia = F_ia sqrt(v_i/D) / s_a and rho_ab = sum_i u_ia u_ib, averages of products of derivatives at Gaussian
h are, by Mehler's formula,

    E_jm = E[(s_a d)^j sigma(h_a) (s_b d)^m sigma(h_b)] = sum_k c_k^(j)(a) c_k^(m)(b) rho_ab^k,
    c_k^(j)(a) = sqrt((k + j)! / k!) c_{k+j}(a),   c_k(a) = E[sigma(E h_a + s_a g) He_k(g)] / sqrt(k!).

At leading order in 1/D, K = E_00 less the means and L = rho E_11. The next order (derived in
docs/derivations/real-features.md) is a sum of such E_jm with coefficients sum_i u_ia^j u_ib^m times 1, g_i or
k_i, here an ``Operator``.
"""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np

from twinpeaks.theory.activations import Activation
from twinpeaks.theory.arrays import Array, Index
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.cumulants import Cumulants
from twinpeaks.theory.numerics.piecewise import PiecewisePolynomial, approximate

__all__ = ["kernels"]

_CUTOFF = 9.0  # standard deviations; Gaussian mass beyond: 2e-19
_TOLERANCE = 1e-12  # of the variance of a unit, what the last degrees hold between two units
_DEGREES = 160, 400  # fewest, for the derivatives of one unit with itself, and most
_DERIVATIVES = 7
_SMOOTH = 1e-2  # share of the last quarter of the degrees below which a derivative has a variance
_UNITS = 2**20  # numbers of an array over units and nodes, or over units and units

#: Coefficients of E_jm, matrices by (j, m).
Operator = dict[tuple[int, int], Array]


class _Units(NamedTuple):
    """Hermite coefficients of every unit, its variance, and E[s^2 sigma'^2]."""

    c: Array
    variance: Array
    slope: Array

    def derivative(self, j: int, degrees: int | None = None) -> Array:
        """c_k^(j) for k < degrees, by default as many as are known of all, shape (units, degrees)."""
        degrees = self.c.shape[1] - _DERIVATIVES if degrees is None else degrees
        k = np.arange(degrees)[:, None] + np.arange(1, j + 1)
        return np.asarray(np.prod(k, axis=1) ** 0.5 * self.c[:, j : j + degrees])


def kernels(F: Array, activation: Activation, law: Cumulants) -> tuple[Array, Array]:
    """K and L for one layer F of shape (D, N), to relative order 1/D.

    Where a derivative of the activation has no variance, as of one with kinks, to leading order.

    Raises
    ------
    InvalidProblem
        If a unit does not vary, or the activation jumps: its influence is then infinite as D grows.
    """
    D, N = F.shape
    mean, variance, skewness, kurtosis = law.spread(D)
    u = F * (variance[:, None] / D) ** 0.5
    s = np.sum(u**2, axis=0) ** 0.5
    if not np.min(s) > 0:
        raise InvalidProblem(
            f"F: unit {int(np.argmin(s))} has a pre-activation of variance 0 under a law; "
            "leave out units without inputs that vary"
        )
    u = u / s
    rho = u.T @ u
    largest = float(np.max(np.abs(rho - np.diag(np.diag(rho)))))
    least, most = _DEGREES
    needed = np.log(_TOLERANCE) / np.log(np.clip(largest, 1e-3, 1 - 1e-9))
    degrees = int(np.clip(needed, 2, most))
    units = _units(activation, F.T @ mean / D**0.5, s, max(least, degrees) + _DERIVATIVES)
    order = _Order(u, skewness, kurtosis) if _smooth(units) else None
    K, L = np.empty((N, N)), np.empty((N, N))
    rows = max(1, _UNITS // (16 * N))
    for start in range(0, N, rows):
        part = np.arange(start, min(start + rows, N))
        K[part], L[part] = _block(units, rho[part], part, degrees, order)
    return 0.5 * (K + K.T), 0.5 * (L + L.T)


class _Order(NamedTuple):
    """The next order in 1/D: what it takes of the inputs."""

    u: Array
    skewness: Array
    kurtosis: Array

    def sums(self, part: Index, weight: Array, j: int, m: int) -> Array:
        """sum_i weight_i u_ia^j u_ib^m for the units a of a part and all b."""
        return np.asarray((weight * self.u.T[part] ** j) @ self.u**m)

    def operators(self, part: Index, rho: Array) -> tuple[Operator, Operator]:
        """What acts on sigma_a sigma_b for K and L, beside 1 and rho d_a d_b."""
        A: Operator = {}
        half: Operator = {}
        if np.any(self.skewness):
            A = {
                (j, 3 - j): comb(3, j) / 6 * self.sums(part, self.skewness, j, 3 - j)
                for j in range(4)
            }
            half = {at: self.sums(part, self.skewness, *at) / 2 for at in ((1, 2), (2, 1))}
        B = {
            (j, 4 - j): comb(4, j) / 24 * self.sums(part, self.kurtosis, j, 4 - j) for j in range(5)
        }
        two = {
            (2, 2): self.sums(part, self.kurtosis - 2.0, 2, 2) / 4,
            (1, 3): self.sums(part, self.kurtosis, 1, 3) / 6,
            (3, 1): self.sums(part, self.kurtosis, 3, 1) / 6,
        }
        edgeworth = _add(A, _times(A, A, 0.5), B)
        return edgeworth, _add(_times({(1, 1): rho}, edgeworth), half, _times(half, A), two)

    def means(self, units: _Units) -> Array:
        """E z_a beyond its Gaussian value."""
        third, fourth = self.skewness @ self.u**3, self.kurtosis @ self.u**4
        first = [units.derivative(j, 1)[:, 0] for j in range(7)]
        return third * first[3] / 6 + third**2 * first[6] / 72 + fourth * first[4] / 24


def _block(
    units: _Units, rho: Array, part: Index, degrees: int, order: _Order | None
) -> tuple[Array, Array]:
    """Rows of K and L."""
    own = np.arange(part.size), part
    more: tuple[Operator, Operator] = ({}, {}) if order is None else order.operators(part, rho)
    K = _averages(units, rho, part, degrees, {(0, 0): np.ones_like(rho)}, more[0])
    L = _averages(units, rho, part, degrees, {(1, 1): rho}, more[1])
    gaussian = units.c[:, 0]
    mean = gaussian if order is None else gaussian + order.means(units)
    K -= mean[part, None] * mean
    K[own] += units.variance[part] + gaussian[part] ** 2
    L[own] += units.slope[part]
    return K, L


def _averages(
    units: _Units, rho: Array, part: Index, degrees: int, first: Operator, more: Operator
) -> Array:
    """Sum of coefficient times E_jm: of both operators between units, of ``more`` for a unit by itself."""
    own = np.arange(part.size), part
    between = rho.copy()
    between[own] = 0.0
    whole = _add(first, more)
    derived = [units.derivative(j, degrees) for j in range(_DERIVATIVES + 1)]
    total, power = np.zeros_like(rho), np.ones_like(rho)
    for k in range(degrees):
        term = np.zeros_like(rho)
        # the next order needs fewer digits
        for (j, m), coefficient in (whole if 2 * k < degrees else first).items():
            term += coefficient * (derived[j][part, k, None] * derived[m][:, k])
        total += power * term
        power *= between
    long = [units.derivative(j)[part] for j in range(_DERIVATIVES + 1)]
    total[own] = sum(
        (c[own] * np.sum(long[j] * long[m], axis=1) for (j, m), c in more.items()),
        start=np.zeros(part.size),
    )
    return total


def _add(*operators: Operator) -> Operator:
    out: Operator = {}
    for operator in operators:
        for at, matrix in operator.items():
            out[at] = out[at] + matrix if at in out else matrix
    return out


def _times(one: Operator, other: Operator, factor: float = 1.0) -> Operator:
    return _add(
        *(
            {(j + i, m + n): factor * a * b}
            for (j, m), a in one.items()
            for (i, n), b in other.items()
        )
    )


def _smooth(units: _Units) -> bool:
    """Whether all derivatives that the next order takes have a variance."""
    # products have six derivatives in all, of skewed inputs eight
    power = units.derivative(4) ** 2
    last = power[:, 3 * power.shape[1] // 4 :].sum(axis=1)
    return bool(np.all(last <= _SMOOTH * power.sum(axis=1)))


def _units(activation: Activation, at: Array, s: Array, degrees: int) -> _Units:
    """Averages over the Gaussian pre-activation of every unit."""
    pieces = _resolved(activation, at, s)
    x, weight = pieces.nodes.ravel(), pieces.weights.ravel()
    value, derivative = pieces.values.ravel(), pieces.slopes.ravel()
    variance, slope = np.empty_like(s), np.empty_like(s)
    c = np.empty((s.size, degrees))
    rows = max(1, _UNITS // x.size)
    for start in range(0, s.size, rows):
        part = slice(start, start + rows)
        t = (x - at[part, None]) / s[part, None]
        density = weight * np.exp(-0.5 * t * t) / (s[part, None] * (2.0 * np.pi) ** 0.5)
        weighted = density * value
        before, now = np.zeros_like(t), np.ones_like(t)
        for k in range(degrees):
            c[part, k] = np.sum(weighted * now, axis=1)
            before, now = now, (t * now - k**0.5 * before) / (k + 1) ** 0.5
        variance[part] = np.sum(density * (value - c[part, :1]) ** 2, axis=1)
        slope[part] = s[part] ** 2 * np.sum(density * derivative**2, axis=1)
    return _Units(c, variance, slope)


def _resolved(activation: Activation, at: Array, s: Array) -> PiecewisePolynomial:
    """The activation over all that its units see, on pieces no wider than the narrowest Gaussian."""
    low, high = float(np.min(at - _CUTOFF * s)), float(np.max(at + _CUTOFF * s))
    steps = int(np.ceil(2 * (high - low) / np.min(s)))
    edges = (*activation.kinks, *np.linspace(low, high, steps + 1)[1:-1])
    try:
        pieces = approximate(
            lambda x: np.asarray(activation(x), dtype=float), low, high, edges, gaussian=False
        )
    except ValueError as error:
        raise InvalidProblem(f"activation = {activation!r}: {error}") from error
    if pieces.jumps:
        raise InvalidProblem(
            f"activation = {activation!r} jumps at {pieces.jumps[0]:.4g}, so the influence of its inputs "
            "is infinite as D grows; smooth the activation"
        )
    return pieces
