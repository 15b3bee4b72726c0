"""Channels of a loss of y - t with real labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.equations.channel import piecewise_linear
from twinpeaks.theory.equations.channel.base import Conjugates, Linearised, Overlaps, Training
from twinpeaks.theory.equations.channel.integral import WARM, IntegralChannel
from twinpeaks.theory.equations.channel.piecewise_linear import Averages, FieldLaw, Pieces
from twinpeaks.theory.numerics.quadrature import integrate
from twinpeaks.theory.teachers.base import RealTeacher

__all__ = ["ResidualChannel"]


@dataclass(frozen=True)
class ResidualChannel(IntegralChannel):
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

        mesh = self._mesh(0.0, overlaps.V, variance, T, observe)
        tol = self.tol if np.all(T == 0) else WARM * self.tol
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
