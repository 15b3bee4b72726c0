r"""Gradient flow on the square loss at one point of the model, for many times.

w(t) = (1 - e^{-t (A + lam)}) (A + lam)^{-1} X^T y with A = X^T X has the Laplace transform w_{lam + s} / s,
w_l = (A + l)^{-1} X^T y. With y of second moment sy and correlation k = E[y nu] / rho, and the effective
ridges u, u' of two penalties l, l' (penalties.py), G = G_u, G' = G_u',

    m(l)             = k tr T G,
    E(l, l')         = (sy - k (m + m') + k^2 tr T G Omega G') / D,
    D                = 1 - <Omega^2 G G'> / alpha = (Vh + u' <Omega G G'>) / alpha,
    w_l^T M w_l' / N = (E / alpha) <M Omega G G'> + k^2 tr T G M G',

where E is the covariance of the errors y - f of both on a fresh pattern. On a pattern of the training set
the residual is (Vh / alpha) (y - omega), omega the field of a student that did not see it. The errors of
training follow from the measure d nu(x) of the labels over the eigenvalues x of X X^T,

    g(z) = int d nu / (x + z) = (sy - k^2 tr T G) / (alpha u),
    2 train_loss = int d nu(x) ((lam + x e^{-t (x + lam)}) / (x + lam))^2,

whose three terms are positive. Derivation: docs/derivations/training-time.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.feature_laws.pairs import PairForm, Pairs
from twinpeaks.theory.numerics.angle import cotangent
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import BinaryTeacher
from twinpeaks.theory.training_time.contour import Complex, Windows, once, twice
from twinpeaks.theory.training_time.penalties import Penalties, Ridges

__all__ = ["Flow", "Moments"]


class Moments(NamedTuple):
    """What is linear or quadratic in the weights, at every time.

    Attributes
    ----------
    p, Q : ndarray
        |F w|^2 / (N D), and the variance of the student field.
    forms : tuple of ndarray
        w^T M_j w / N for the matrices of the feature law; the last is |w|^2 / N.
    fit : ndarray
        Variance of the part of the training residual that is no multiple of the label.
    loss : ndarray
        Training loss per pattern.
    """

    p: Array
    Q: Array
    forms: tuple[Array, ...]
    fit: Array
    loss: Array


@dataclass(frozen=True)
class Flow:
    """Training in time at one point.

    Parameters
    ----------
    problem : Problem
        With square loss.
    overparam, alpha_T, lam : float
        N/P, P/D and the ridge penalty.
    times : ndarray of shape (times,)
        > 0, in any order.
    """

    problem: Problem
    overparam: float
    alpha_T: float
    lam: float
    times: Array
    alpha: float = field(init=False)
    penalties: Penalties = field(init=False)
    windows: Windows = field(init=False)
    ridges: Ridges = field(init=False)
    pairs: Pairs = field(init=False)
    edge: float = field(init=False)
    decay: tuple[Windows, Ridges] = field(init=False)

    def __post_init__(self) -> None:
        """Find the effective ridges at all nodes, and all averages with two of them."""
        alpha = 1.0 / self.overparam
        penalties = Penalties(self.problem, alpha, self.alpha_T * self.overparam)
        windows = Windows.of(self.times)
        ridges = penalties.at(self.lam, windows.nodes)
        edge = penalties.edge()
        # squares decay twice as fast
        twofold = Windows.of(2.0 * self.times)
        found = {
            "alpha": alpha,
            "penalties": penalties,
            "windows": windows,
            "ridges": ridges,
            "pairs": penalties.pairs(ridges.ridge, ridges.both),
            "edge": edge,
            "decay": (twofold, penalties.at(-edge, twofold.nodes)),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def accurate(self) -> bool:
        """Whether every effective ridge was found."""
        return all(self.penalties.accurate(r) for r in (self.ridges, self.decay[1]))

    @property
    def gain(self) -> Any:
        """D of the module, at all pairs."""
        r, noise = self.ridges, self.pairs.forms[-1].noise
        return (r.Vh[..., :, None] + _both(r.u)[..., None, :] * noise) / self.alpha

    def variance(self, linear: Array, identity: Array) -> Array:
        """w^T Omega w from w^T S w and |w|^2."""
        moments = self.problem.activation.moments
        return np.asarray(moments.kappa_1**2 * linear + moments.kappa_star**2 * identity)

    def covariance(self) -> tuple[Array, Array, Array]:
        """m; and the multiple of the label, and m of the rest, in the training residual."""
        teacher = self.problem.teacher
        k = 0.0 if teacher.silent else teacher.correlation
        r, s = self.ridges, self.windows.nodes
        m = k * r.traces.TR / s
        residual = r.Vh / self.alpha
        label = residual / s
        return tuple(once(self.windows, a) for a in (m, label, residual * m))  # type: ignore[return-value]

    def learned(self) -> Moments:
        """From w = 0."""
        teacher = self.problem.teacher
        k = 0.0 if teacher.silent else teacher.correlation
        r, s = self.ridges, self.windows.nodes
        m = k * r.traces.TR
        sums = m[..., :, None] + _both(m)[..., None, :]
        signal = k * k * self.variance(self.pairs.linear.signal, self.pairs.forms[-1].signal)
        error = (teacher.second_moment - k * sums + signal) / self.gain
        weight = 1.0 / (s[..., :, None] * _both(s)[..., None, :])

        def form(pair: PairForm) -> Any:
            return weight * (error / self.alpha * pair.noise + k * k * pair.signal)

        return self._moments(form, self._loss(k))

    def kept(self) -> Moments:
        """Of a start of independent entries of variance 1."""
        r = self.ridges
        weight = 1.0 / (r.Vh[..., :, None] * _both(r.Vh)[..., None, :])
        plain = self.variance(self.pairs.linear.plain, self.pairs.forms[-1].plain)
        added = plain / self.gain / self.alpha

        def form(pair: PairForm) -> Any:
            return weight * (pair.plain + added * pair.noise)

        windows, decay = self.decay
        # <A e^{-2 t (A + lam)}>
        loss = 0.5 / self.alpha * once(windows, decay.traces.OmegaR) * self._fall(2.0)
        return self._moments(form, loss)

    def overlap(self) -> Array:
        """w . w_init / N for a start of independent entries of variance 1."""
        return once(self.windows, self.ridges.traces.R / self.ridges.Vh)

    def _moments(self, form: Any, loss: Array) -> Moments:
        linear, *forms = (form(pair) for pair in (self.pairs.linear, *self.pairs.forms))
        residual = self.ridges.Vh / self.alpha
        spread: Any = self.variance(linear, forms[-1])
        seen = spread * residual[..., :, None] * _both(residual)[..., None, :]
        p, Q, fit = (twice(self.windows, a) for a in (linear, spread, seen))
        return Moments(p, Q, tuple(twice(self.windows, a) for a in forms), fit, loss)

    def _fall(self, rate: float) -> Array:
        """e^{-rate t (edge + lam)}, the decay that was shifted away."""
        with np.errstate(under="ignore"):
            return np.exp(-rate * self.times * (self.edge + self.lam))

    def _measure(self, r: Ridges, k: float) -> Any:
        """g of the module."""
        return (self.problem.teacher.second_moment - k * k * r.traces.TR) / (self.alpha * r.u)

    def _loss(self, k: float) -> Array:
        """Training loss from w = 0: what decays, and what stays, each without cancellation.

        With a penalty the poles of 1 / (x + lam)^2 are taken out of g by the two terms of Taylor's
        series that have them, so that the contour need not pass between lam and the spectrum.
        """
        windows, decay = self.decay
        g, z = self._measure(decay, k), decay.l
        if self.lam == 0:
            return 0.5 * once(windows, g) * self._fall(2.0)
        lam = self.lam
        one = Windows.of(self.times)
        single = self.penalties.at(-self.edge, one.nodes)
        g_1, z_1 = self._measure(single, k), single.l
        end = self.penalties.at(lam, np.array([0j + 1e-30 * lam]))
        value = float(np.real(self._measure(end, k)[0]))
        u = float(end.u[0].real)
        slope = -self._final(end, k) / (self.alpha * u) ** 2  # of g at lam
        square = (z * z * g - lam**2 * value - (2 * lam * value + lam**2 * slope) * (z - lam)) / (
            z - lam
        ) ** 2
        single_1 = (-z_1 * g_1 + lam * value + (value + lam * slope) * (z_1 - lam)) / (
            z_1 - lam
        ) ** 2
        stays = -slope * lam**2
        return (
            0.5 * stays
            + lam * once(one, single_1) * self._fall(1.0)
            + 0.5 * once(windows, square) * self._fall(2.0)
        )

    def _final(self, end: Ridges, k: float) -> float:
        """E of the module at l = l' = lam."""
        pairs = self.penalties.pairs(end.ridge, end.ridge)
        signal = k * k * self.variance(pairs.linear.signal, pairs.forms[-1].signal)[0, 0]
        gain = (end.Vh[0] + end.u[0] * pairs.forms[-1].noise[0, 0]) / self.alpha
        error = self.problem.teacher.second_moment - 2.0 * k * k * end.traces.TR[0] + signal
        return float(np.real(error / gain))

    def train_error(self, label: Array, m: Array, fit: Array, loss: Array) -> Array:
        """P(y t < 0) on the training set for labels -1 and +1, E (y - t)^2 for real ones.

        With residual label y - omega', the output on a training pattern is (1 - label) y + omega'.
        """
        teacher = self.problem.teacher
        if not isinstance(teacher, BinaryTeacher):
            return 2.0 * loss
        out = np.zeros(fit.shape)
        live = fit > 0
        if np.any(live):
            Q = fit[live]
            edge = -(1.0 - label[live]) / np.sqrt(Q)
            out[live] = teacher.student_tail(edge, cotangent(teacher.rho, Q, m[live]))
        return out


def _both(a: Complex) -> Complex:
    """At the nodes of the upper half plane, and at their conjugates."""
    return np.concatenate([a, a.conj()], axis=-1)
