"""Channels of labels -1 and +1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.equations.channel import piecewise_linear
from twinpeaks.theory.equations.channel.base import Conjugates, Linearised, Overlaps, Training
from twinpeaks.theory.equations.channel.integral import WARM, IntegralChannel
from twinpeaks.theory.equations.channel.piecewise_linear import Averages, Pieces
from twinpeaks.theory.numerics.angle import cotangent, unexplained
from twinpeaks.theory.numerics.quadrature import integrate
from twinpeaks.theory.teachers.base import BinaryTeacher

__all__ = ["LabelChannel"]


@dataclass(frozen=True)
class LabelChannel(IntegralChannel):
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
        v_star = unexplained(self.teacher.rho, overlaps.Q, overlaps.m) / overlaps.Q
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

            mesh = self._mesh(y, overlaps.V, overlaps.Q, T, observe)
            judged = 6 if observe else 3  # loss and error too
            tol = self.tol if np.all(T == 0) else WARM * self.tol
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
        slope = self.loss.slope(1.0, np.full(Q.shape, -5e-324))
        return self.teacher.student_tail(
            overlaps.V * slope / np.sqrt(Q), cotangent(self.teacher.rho, Q, m)
        )
