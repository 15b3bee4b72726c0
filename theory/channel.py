r"""The channel: (V, Q, m) -> (Vh, Qh, mh), from the Gaussian law of label and student field.

With omega ~ N(0, Q) and omega_* = m omega / Q, V_* = rho - m^2 / Q (../README.md, "The equations";
Loureiro et al., arXiv 2102.08127),

    Vh = -alpha E[d f / d omega],   Qh = alpha E[f^2],   mh = alpha E[(d ln Z_* / d omega_*) f].

They are derivatives of one potential Psi = -alpha E[Moreau envelope]: Qh = 2 dPsi/dV,
Vh = -2 dPsi/dQ, mh = dPsi/dm, so the Jacobian that Newton needs is the symmetric Hessian of Psi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.losses import Loss
from theory.problem import Problem
from theory.quadrature import integrate, panels
from theory.teachers import Teacher

__all__ = ["Channel", "Conjugates", "Overlaps", "QuadraticChannel", "SmoothChannel", "channel_for"]

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

_XI_MAX = 10.0  # Gaussian mass beyond: 1.5e-23
_XI_EDGES = np.linspace(-_XI_MAX, _XI_MAX, 11)


class Overlaps(NamedTuple):
    """The order parameters that the channel sees, arrays of one shape (points,)."""

    V: Array
    Q: Array
    m: Array


class Conjugates(NamedTuple):
    """The conjugates of V, Q and m, arrays of shape (points,)."""

    Vh: Array
    Qh: Array
    mh: Array


class Linearised(NamedTuple):
    """The channel to first order.

    Attributes
    ----------
    hats : Conjugates
    jacobian : ndarray of shape (points, 3, 3)
        d(Vh, Qh, mh) / d(V, Q, m).
    accurate : ndarray of bool
        Whether the Gaussian integrals reached their tolerance.
    """

    hats: Conjugates
    jacobian: Array
    accurate: Bools


class Training(NamedTuple):
    """Averages over the training set, per pattern.

    ``stiffness`` is E[(df/domega)^2], which enters the replicon.
    """

    loss: Array
    error: Array
    stiffness: Array
    accurate: Bools


class Channel:
    """One loss met by one teacher."""

    def linearise(self, overlaps: Overlaps, alpha: Array) -> Linearised:
        """(Vh, Qh, mh) and their Jacobian."""
        raise NotImplementedError

    def observe(self, overlaps: Overlaps, alpha: Array) -> tuple[Conjugates, Training]:
        """(Vh, Qh, mh) with the averages over the training set."""
        raise NotImplementedError


def channel_for(problem: Problem, tol: float) -> Channel:
    """The channel of a problem: closed form where there is one, quadrature otherwise."""
    if problem.loss.quadratic:
        return QuadraticChannel(problem.loss, problem.teacher)
    return SmoothChannel(problem.loss, problem.teacher, tol)


@dataclass(frozen=True)
class QuadraticChannel(Channel):
    """Square loss: f = (y - omega) / (1 + V), so only second moments enter."""

    loss: Loss
    teacher: Teacher

    def _residual_square(self, overlaps: Overlaps) -> Array:
        """E[(y - omega)^2]."""
        tau = self.teacher.correlation
        return self.teacher.second_moment - 2.0 * tau * overlaps.m + overlaps.Q

    def linearise(self, overlaps: Overlaps, alpha: Array) -> Linearised:
        """Closed form."""
        tau = self.teacher.correlation
        d = 1.0 + overlaps.V
        square = self._residual_square(overlaps)
        jacobian = np.zeros((*d.shape, 3, 3))
        jacobian[..., 0, 0] = -alpha / d**2
        jacobian[..., 1, 0] = -2.0 * alpha * square / d**3
        jacobian[..., 1, 1] = alpha / d**2
        jacobian[..., 1, 2] = -2.0 * alpha * tau / d**2
        jacobian[..., 2, 0] = -alpha * tau / d**2
        hats = Conjugates(alpha / d, alpha * square / d**2, alpha * tau / d)
        return Linearised(hats, jacobian, np.ones(d.shape, bool))

    def observe(self, overlaps: Overlaps, alpha: Array) -> tuple[Conjugates, Training]:
        """Half the mean squared residual, and the error."""
        error = training_error(self.loss, self.teacher, overlaps)
        d2 = (1.0 + overlaps.V) ** 2
        loss = 0.5 * self._residual_square(overlaps) / d2
        accurate = np.ones(d2.shape, bool)
        return self.linearise(overlaps, alpha).hats, Training(loss, error, 1.0 / d2, accurate)


@dataclass(frozen=True)
class SmoothChannel(Channel):
    """Any twice differentiable convex loss, at zero temperature.

    The Gaussian integrals over omega are done in the variable t of the graph
    omega = t + V l'(y, t): the proximal operator is then explicit, f = -l'(y, t),
    d omega = (1 + V l'') dt, and the integrand is as smooth in t as the loss itself, also when
    sqrt(Q) or V is huge. Mesh edges are images of a uniform grid in omega / sqrt(Q), and the knots of
    the loss.
    """

    loss: Loss
    teacher: Teacher
    tol: float

    def _mesh(self, y: float, overlaps: Overlaps) -> Array:
        omega = np.sqrt(overlaps.Q)[:, None] * _XI_EDGES
        t = self.loss.prox(y, omega, overlaps.V[:, None])
        knots = np.asarray(self.loss.knots(y), dtype=float)
        inner = np.clip(knots, t[:, :1], t[:, -1:])
        return np.concatenate([t, inner], axis=1)

    def _average(self, overlaps: Overlaps, hessian: bool) -> tuple[Array, Bools]:
        """Integrals over (omega, y), alpha = 1.

        Rows Qh, Vh, mh; then the Hessian of Psi (VV, VQ, Vm, QQ, Qm, mm), or the training loss and
        E[(df/domega)^2].
        """
        labels, weight = self.teacher.representatives
        rho = self.teacher.rho
        root = np.sqrt(overlaps.Q)
        v_star = rho - overlaps.m**2 / overlaps.Q
        values: Array | float = 0.0
        accurate = np.ones(root.shape, bool)
        for y in labels:

            def integrand(owner: NDArray[np.intp], t: Array, y: float = y) -> Array:
                V, Q, m = (a[owner][:, None] for a in overlaps)
                slope, curve = self.loss.slope(y, t), self.loss.curvature(y, t)
                omega = t + V * slope
                xi = omega / root[owner][:, None]
                gauss = np.exp(-0.5 * xi * xi) / (np.sqrt(2 * np.pi) * root[owner][:, None])
                z, z1, z2 = self.teacher.partition(y, m / Q * omega, v_star[owner][:, None])
                w = gauss * (1.0 + V * curve)  # d omega / dt
                f = -slope
                wf2, wdf = w * slope * slope, -gauss * curve
                df = -curve / (1.0 + V * curve)
                out = np.empty((9 if hessian else 5, *t.shape))
                out[0] = wf2 * z
                out[1] = -wdf * z
                out[2] = w * f * z1
                if not hessian:
                    out[3] = w * z * self.loss.value(y, t)
                    out[4] = wdf * z * df
                    return out
                z_q = z * (xi * xi - 1.0) / (2 * Q) - z1 * (m / Q) * (omega / Q)
                z_q += 0.5 * z2 * (m / Q) ** 2
                z_m = (z1 * omega - z2 * m) / Q
                out[3] = wf2 * df * z
                out[4] = 0.5 * wf2 * z_q
                out[5] = f * wdf * z1
                out[6] = 0.5 * wdf * z_q
                out[7] = 0.5 * wdf * z_m
                out[8] = wdf * z2
                return out

            result = integrate(
                integrand,
                panels(self._mesh(y, overlaps)),
                root.size,
                judged=3 if hessian else 5,
                tol=self.tol,
            )
            values = values + weight * result.values
            accurate &= result.accurate
        return np.asarray(values), accurate

    def linearise(self, overlaps: Overlaps, alpha: Array) -> Linearised:
        """Adaptive quadrature of the three conjugates and the Hessian of Psi."""
        sums, accurate = self._average(overlaps, hessian=True)
        Qh, Vh, mh, vv, vq, vm, qq, qm, mm = alpha * sums
        jacobian = np.stack(
            [-2 * vq, -2 * qq, -2 * qm, 2 * vv, 2 * vq, 2 * vm, vm, qm, mm], axis=-1
        ).reshape(*alpha.shape, 3, 3)
        return Linearised(Conjugates(Vh, Qh, mh), jacobian, accurate)

    def observe(self, overlaps: Overlaps, alpha: Array) -> tuple[Conjugates, Training]:
        """Averages at t = prox(omega)."""
        (Qh, Vh, mh, loss, stiffness), accurate = self._average(overlaps, hessian=False)
        error = training_error(self.loss, self.teacher, overlaps)
        training = Training(loss, error, stiffness, accurate)
        return Conjugates(alpha * Vh, alpha * Qh, alpha * mh), training


def training_error(loss: Loss, teacher: Teacher, overlaps: Overlaps) -> Array:
    """P(y t < 0) at t = prox(omega).

    The prox is increasing, so t < 0 exactly when omega < V l'(y, 0): a tail of the student's field.
    """
    Q, m = overlaps.Q, overlaps.m
    cotangent = m / np.sqrt(teacher.rho * Q - m * m)
    edge = overlaps.V * loss.slope(1.0, np.zeros(Q.shape)) / np.sqrt(Q)
    return teacher.student_tail(edge, cotangent)
