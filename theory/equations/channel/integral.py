"""Channels of any loss: closed form where there is one, quadrature along the graph elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from twinpeaks.theory.arrays import Array, Bools, Index
from twinpeaks.theory.equations.channel import graph, tilted, zero_one
from twinpeaks.theory.equations.channel.base import Channel, Overlaps
from twinpeaks.theory.equations.channel.piecewise_linear import Averages
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.numerics.quadrature import Panels
from twinpeaks.theory.teachers.base import BinaryTeacher, Teacher

__all__ = ["WARM", "IntegralChannel", "Response"]

#: The inner averages carry rounding of their own, which an outer rule must not try to resolve:
#: the factor by which its tolerance grows at finite temperature.
WARM = 50.0
_XI_EDGES = np.linspace(-10.0, 10.0, 11)  # Gaussian mass beyond: 1.5e-23


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
class IntegralChannel(Channel):
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

    def _mesh(self, y: float, V: Array, variance: Array, T: Array, observe: bool) -> Panels:
        omega = np.sqrt(variance)[:, None] * _XI_EDGES
        if not self.loss.convex:
            return zero_one.mesh(y, V, omega, T)
        signs = observe and isinstance(self.teacher, BinaryTeacher)
        return graph.mesh(self.loss, y, V, T, omega, signs)

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
