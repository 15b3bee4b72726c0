r"""The channel: (V, Q, m) -> (Vh, Qh, mh), from the Gaussian law of label and student field.

With omega ~ N(0, Q), omega_* = m omega / Q, V_* = rho - m^2 / Q and T = 1/beta (README, "The
equations"; Loureiro et al., arXiv 2102.08127), in the units of zero temperature (V times beta, the
conjugates divided by beta, beta^2, beta),

    Vh = -alpha E[d f / d omega],   Qh = alpha E[f^2],   mh = alpha E[(d ln Z_* / d omega_*) f],

f = -E_t[l'] under the tilted measure, which at T = 0 is the prox. They derive from one potential,
T alpha E[ln Z]; the heat equation for ln Z turns every derivative that Newton needs into an average of
f^2 and df/domega against derivatives of the Gaussian density, so that no third derivative of the loss
is asked for, and one code serves every temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory import graph, piecewise_linear, tilted, zero_one
from theory.losses.base import Loss
from theory.piecewise_linear import Averages, FieldLaw, Pieces
from theory.problem import Problem
from theory.quadrature import Panels, integrate
from theory.teachers.base import BinaryTeacher, RealTeacher, Teacher

__all__ = ["Channel", "Conjugates", "Linearised", "Overlaps", "Training", "channel_for"]

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

_XI_EDGES = np.linspace(-10.0, 10.0, 11)  # Gaussian mass beyond: 1.5e-23
# The inner averages carry rounding of their own, which an outer rule must not try to resolve.
_WARM = 50.0


class Overlaps(NamedTuple):
    """The order parameters that the channel sees, arrays of one shape (points,)."""

    V: Array
    Q: Array
    m: Array


class Conjugates(NamedTuple):
    """Averages that conjugate V, Q and m, per pattern (times alpha they are the conjugates)."""

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

    Attributes
    ----------
    loss : ndarray
        E[l(y, t)].
    error : ndarray
        P(y t < 0), or E[(y - t)^2] for real labels.
    potential : ndarray
        T E[ln Z]; minus the Moreau envelope at T = 0.
    stiffness : ndarray
        E[(df/domega)^2], which enters the replicon.
    accurate : ndarray of bool
        Whether the integrals reached their tolerance.
    """

    loss: Array
    error: Array
    potential: Array
    stiffness: Array
    accurate: Bools


class Channel:
    """One loss met by one teacher."""

    def linearise(self, overlaps: Overlaps, T: Array) -> Linearised:
        """(Vh, Qh, mh) and their Jacobian."""
        raise NotImplementedError

    def observe(self, overlaps: Overlaps, T: Array) -> tuple[Conjugates, Training]:
        """(Vh, Qh, mh) with the averages over the training set."""
        raise NotImplementedError


def channel_for(problem: Problem, tol: float) -> Channel:
    """The channel of a problem: closed form where there is one, quadrature otherwise."""
    loss, teacher = problem.loss, problem.teacher
    if loss.quadratic is not None:
        return QuadraticChannel(loss.quadratic, teacher)
    if isinstance(teacher, BinaryTeacher):
        return LabelChannel(loss, teacher, tol)
    assert isinstance(teacher, RealTeacher)
    return ResidualChannel(loss, teacher, tol)


@dataclass(frozen=True)
class QuadraticChannel(Channel):
    """(y - t)^2 / (2 a): f = (y - omega) / (a + V), so only second moments enter."""

    a: float
    teacher: Teacher

    def _residual_square(self, overlaps: Overlaps) -> Array:
        """E[(y - omega)^2]."""
        tau = self.teacher.correlation
        return self.teacher.second_moment - 2.0 * tau * overlaps.m + overlaps.Q

    def linearise(self, overlaps: Overlaps, T: Array) -> Linearised:  # noqa: ARG002
        """Closed form, the same at every temperature."""
        tau = self.teacher.correlation
        d = self.a + overlaps.V
        square = self._residual_square(overlaps)
        jacobian = np.zeros((*d.shape, 3, 3))
        jacobian[..., 0, 0] = -1.0 / d**2
        jacobian[..., 1, 0] = -2.0 * square / d**3
        jacobian[..., 1, 1] = 1.0 / d**2
        jacobian[..., 1, 2] = -2.0 * tau / d**2
        jacobian[..., 2, 0] = -tau / d**2
        hats = Conjugates(1.0 / d, square / d**2, tau / d)
        return Linearised(hats, jacobian, np.ones(d.shape, bool))

    def observe(self, overlaps: Overlaps, T: Array) -> tuple[Conjugates, Training]:
        """Under the tilted measure t is Gaussian with variance a T V / (a + V)."""
        V, Q, m = overlaps
        a, d = self.a, self.a + V
        residual = self._residual_square(overlaps)
        square = residual * (a / d) ** 2 + T * a * V / d
        error = square
        if isinstance(self.teacher, BinaryTeacher) and a == 0:
            error = np.zeros_like(square)
        elif isinstance(self.teacher, BinaryTeacher):
            # y t < 0 when y omega' < -V / a, omega' the field blurred by the thermal spread
            blurred = Q + T * V * d / a
            cotangent = m / np.sqrt(self.teacher.rho * blurred - m * m)
            error = self.teacher.student_tail(-V / a / np.sqrt(blurred), cotangent)
        loss = 0.5 * square / a if a > 0 else np.zeros_like(square)
        entropic = 0.5 * T * np.log(d / a) if a > 0 else np.zeros_like(square)
        accurate = np.ones(d.shape, bool)
        training = Training(loss, error, -0.5 * residual / d - entropic, 1.0 / d**2, accurate)
        return self.linearise(overlaps, T).hats, training


class Response(NamedTuple):
    """What the tilted measure answers at nodes of the outer integral."""

    omega: Array
    speed: Array
    f: Array
    df: Array
    loss: Array
    error: Array
    potential: Array


@dataclass(frozen=True)
class _IntegralChannel(Channel):
    """Any loss: closed form where it is quadratic in pieces, else quadrature along its graph."""

    loss: Loss
    teacher: Teacher
    tol: float

    _FIRST: ClassVar[tuple[str, ...]]  # what ``linearise`` needs of piecewise_linear.Averages
    _SEEN: ClassVar[tuple[str, ...]]  # what ``observe`` needs

    def _average(self, overlaps: Overlaps, T: Array, observe: bool) -> tuple[Array, Bools]:
        """Rows ``_FIRST`` or ``_SEEN``, and whether they reached their tolerance."""
        names = self._SEEN if observe else self._FIRST
        values, accurate = np.empty((len(names), T.size)), np.ones(T.size, bool)
        closed = self._closed_form(overlaps) if np.any(T == 0) else None
        if closed is None:
            return self._integrate(overlaps, T, observe)
        done = (T == 0) & (closed.all_sure if observe else closed.sure)
        values[:] = [getattr(closed, name) for name in names]
        left = np.flatnonzero(~done)
        if left.size:
            part = Overlaps(*(a[left] for a in overlaps))
            values[:, left], accurate[left] = self._integrate(part, T[left], observe)
        return values, accurate

    def _closed_form(self, overlaps: Overlaps) -> Averages | None:
        """At zero temperature, None where there is none."""
        raise NotImplementedError

    def _integrate(self, overlaps: Overlaps, T: Array, observe: bool) -> tuple[Array, Bools]:
        """The same rows by quadrature."""
        raise NotImplementedError

    def _mesh(self, y: float, V: Array, variance: Array, T: Array) -> Panels:
        omega = np.sqrt(variance)[:, None] * _XI_EDGES
        if not self.loss.convex:
            return zero_one.mesh(y, V, omega, T)
        return graph.mesh(self.loss, y, V, T, omega)

    def _respond(
        self, y: float, piece: Index, x: Array, V: Array, T: Array, observe: bool
    ) -> Response:
        """Response at parameters x; V and T have one entry per panel."""
        if not self.loss.convex:
            return Response(x, np.ones(1), *zero_one.averages(y, x, V[:, None], T[:, None]))
        label, shift = self.loss.centred(y)
        p = graph.points(self.loss, label, piece, x, V[:, None])
        blank = np.zeros(1)
        response = Response(p.omega + shift, p.speed, p.f, p.df, blank, blank, blank)
        envelope = blank
        if observe:
            value = self.loss.value(label, p.t)
            envelope = -0.5 * V[:, None] * p.f**2 - value
            error = self._error(y, shift + p.t)
            response = response._replace(loss=value, error=error, potential=envelope)
        warm = np.flatnonzero(T > 0)
        if not warm.size:
            return response
        shape = (warm.size, x.shape[1])
        wide_V, wide_T = (np.broadcast_to(a[warm][:, None], shape).ravel() for a in (V, T))
        t = tilted.averages(
            self.loss, y, shift + p.t[warm].ravel(), p.f[warm].ravel(), wide_V, wide_T, observe
        )
        found = {"f": t.f, "df": t.df}
        if observe:
            error = t.wrong if isinstance(self.teacher, BinaryTeacher) else t.square
            found |= {"loss": t.loss, "error": error}
            found["potential"] = envelope[warm].ravel() + t.log_z
        full = {}
        for name, value in found.items():
            full[name] = np.array(np.broadcast_to(getattr(response, name), x.shape))
            full[name][warm] = value.reshape(shape)
        return response._replace(**full)

    def _error(self, y: float, t: Array) -> Array:
        """Pointwise training error at zero temperature; sign errors are counted by ``observe``."""
        return np.zeros(1) if isinstance(self.teacher, BinaryTeacher) else (y - t) ** 2


@dataclass(frozen=True)
class LabelChannel(_IntegralChannel):
    """Labels -1 and +1: averages over the student field, summed over labels."""

    teacher: BinaryTeacher

    _FIRST = ("f2", "minus_df", "sf", "df2", "f2df", "f2_Q", "f2_m", "df_Q", "df_m", "sf_m")
    _SEEN = ("f2", "minus_df", "sf", "loss", "square", "potential", "df2")

    @cached_property
    def _pieces(self) -> Pieces | None:
        return piecewise_linear.pieces(self.loss, 1.0) if self.loss.piecewise_quadratic else None

    def _closed_form(self, overlaps: Overlaps) -> Averages | None:
        """The label +1 stands for both; ``observe`` counts the errors."""
        law = piecewise_linear.field_law(self.teacher, overlaps.Q, overlaps.m)
        if self._pieces is None or law is None:
            return None
        return piecewise_linear.averages(self._pieces, law, overlaps.V, overlaps.Q)

    def _integrate(self, overlaps: Overlaps, T: Array, observe: bool) -> tuple[Array, Bools]:
        """Integrals over omega for each label; at finite temperature the square is P(y t < 0)."""
        labels, weight = self.teacher.representatives
        root = np.sqrt(overlaps.Q)
        v_star = self.teacher.rho - overlaps.m**2 / overlaps.Q
        values: Array | float = 0.0
        accurate = np.ones(root.shape, bool)
        for y in labels:

            def integrand(owner: Index, piece: Index, x: Array, y: float = y) -> Array:
                r = self._respond(y, piece, x, overlaps.V[owner], T[owner], observe)
                _, Q, m = (a[owner][:, None] for a in overlaps)
                xi = r.omega / root[owner][:, None]
                w = r.speed * np.exp(-0.5 * xi * xi) / (np.sqrt(2 * np.pi) * root[owner][:, None])
                variance = np.broadcast_to(v_star[owner][:, None], r.omega.shape)
                z, z1, z2 = self.teacher.partition(y, m / Q * r.omega, variance)
                f2, wdf = w * r.f * r.f, w * r.df
                out = np.empty((7 if observe else 10, *x.shape))
                out[0] = f2 * z
                out[1] = -wdf * z
                out[2] = w * r.f * z1
                out[3] = wdf * r.df * z
                if observe:
                    out[3], out[4], out[5] = (w * z * a for a in (r.loss, r.error, r.potential))
                    out[6] = wdf * r.df * z
                    return out
                z_q = z * (xi * xi - 1.0) / (2 * Q) - z1 * (m / Q) * (r.omega / Q)
                z_q += 0.5 * z2 * (m / Q) ** 2
                z_m = (z1 * r.omega - z2 * m) / Q
                out[4] = f2 * r.df * z
                out[5] = f2 * z_q
                out[6] = f2 * z_m
                out[7] = wdf * z_q
                out[8] = wdf * z_m
                out[9] = wdf * z2
                return out

            mesh = self._mesh(y, overlaps.V, overlaps.Q, T)
            judged = 6 if observe else 3  # loss and error too
            tol = self.tol if np.all(T == 0) else _WARM * self.tol
            result = integrate(integrand, mesh, root.size, judged, tol)
            values = values + weight * result.values
            accurate &= result.accurate
        return np.asarray(values), accurate

    def linearise(self, overlaps: Overlaps, T: Array) -> Linearised:
        """Adaptive quadrature of the conjugates and their Jacobian."""
        sums, accurate = self._average(overlaps, T, observe=False)
        Qh, Vh, mh, df2, f2df, f2_q, f2_m, df_q, df_m, df_mm = sums
        jacobian = np.stack(
            [
                *(-(f2_q + T * df_q), -df_q, -df_m),
                *(2 * f2df + T * (f2_q - df2), f2_q, f2_m),
                *(0.5 * (f2_m + T * df_m), 0.5 * df_m, df_mm),
            ],
            axis=-1,
        ).reshape(*T.shape, 3, 3)
        return Linearised(Conjugates(Vh, Qh, mh), jacobian, accurate)

    def observe(self, overlaps: Overlaps, T: Array) -> tuple[Conjugates, Training]:
        """Averages under the tilted measure; at zero temperature at t = prox(omega)."""
        (Qh, Vh, mh, loss, error, potential, df2), accurate = self._average(overlaps, T, True)
        cold = np.flatnonzero(T == 0)
        if cold.size:
            error[cold] = self._prox_error(Overlaps(*(a[cold] for a in overlaps)))
        return Conjugates(Vh, Qh, mh), Training(loss, error, potential, df2, accurate)

    def _prox_error(self, overlaps: Overlaps) -> Array:
        """P(y t < 0): the prox is increasing, so t < 0 exactly when omega < V l'(y, 0-)."""
        Q, m = overlaps.Q, overlaps.m
        cotangent = m / np.sqrt(self.teacher.rho * Q - m * m)
        slope = self.loss.slope(1.0, np.full(Q.shape, -5e-324))
        return self.teacher.student_tail(overlaps.V * slope / np.sqrt(Q), cotangent)


@dataclass(frozen=True)
class ResidualChannel(_IntegralChannel):
    """A loss of y - t and labels y = nu + noise: one integral over the residual y - omega.

    y - omega is Gaussian of variance v = rho + noise - 2 m + Q, and mh = Vh by Stein's lemma.
    """

    teacher: RealTeacher

    _FIRST = ("f2", "minus_df", "df2", "f2df", "f2_Q", "df_Q")
    _SEEN = ("f2", "minus_df", "df2", "loss", "square", "potential")

    @cached_property
    def _pieces(self) -> Pieces | None:
        return piecewise_linear.pieces(self.loss, 0.0) if self.loss.piecewise_quadratic else None

    def _variance(self, overlaps: Overlaps) -> Array:
        return np.asarray(self.teacher.second_moment - 2.0 * overlaps.m + overlaps.Q)

    def _closed_form(self, overlaps: Overlaps) -> Averages | None:
        """Label 0 and a field of variance v."""
        if self._pieces is None:
            return None
        law = FieldLaw(1.0, 0.0, np.zeros(overlaps.V.shape), np.ones(overlaps.V.shape))
        variance = self._variance(overlaps)
        return piecewise_linear.averages(self._pieces, law, overlaps.V, variance)

    def _integrate(self, overlaps: Overlaps, T: Array, observe: bool) -> tuple[Array, Bools]:
        """Integrals over the residual."""
        variance = self._variance(overlaps)
        root = np.sqrt(variance)

        def integrand(owner: Index, piece: Index, x: Array) -> Array:
            r = self._respond(0.0, piece, x, overlaps.V[owner], T[owner], observe)
            xi = r.omega / root[owner][:, None]
            w = r.speed * np.exp(-0.5 * xi * xi) / (np.sqrt(2 * np.pi) * root[owner][:, None])
            out = np.empty((6, *x.shape))
            out[0] = w * r.f * r.f
            out[1] = -w * r.df
            out[2] = w * r.df * r.df
            if observe:
                out[3], out[4], out[5] = (w * a for a in (r.loss, r.error, r.potential))
                return out
            heat = (xi * xi - 1.0) / (2.0 * variance[owner][:, None])
            out[3] = out[0] * r.df
            out[4] = out[0] * heat
            out[5] = -out[1] * heat
            return out

        mesh = self._mesh(0.0, overlaps.V, variance, T)
        tol = self.tol if np.all(T == 0) else _WARM * self.tol
        result = integrate(integrand, mesh, root.size, judged=2, tol=tol)
        return result.values, result.accurate

    def linearise(self, overlaps: Overlaps, T: Array) -> Linearised:
        """Adaptive quadrature; derivatives in Q and m are 1 and -2 times those in v."""
        (Qh, Vh, df2, f2df, f2_v, df_v), accurate = self._average(overlaps, T, observe=False)
        v_row = [-(f2_v + T * df_v), -df_v, 2 * df_v]
        jacobian = np.stack(
            [*v_row, 2 * f2df + T * (f2_v - df2), f2_v, -2 * f2_v, *v_row], axis=-1
        ).reshape(*T.shape, 3, 3)
        return Linearised(Conjugates(Vh, Qh, Vh), jacobian, accurate)

    def observe(self, overlaps: Overlaps, T: Array) -> tuple[Conjugates, Training]:
        """Averages under the tilted measure; the training error is E[(y - t)^2]."""
        (Qh, Vh, df2, loss, error, potential), accurate = self._average(overlaps, T, True)
        return Conjugates(Vh, Qh, Vh), Training(loss, error, potential, df2, accurate)
