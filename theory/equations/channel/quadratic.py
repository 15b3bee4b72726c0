"""The channel of a quadratic loss, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.equations.channel.base import (
    FAINT,
    Channel,
    Conjugates,
    Linearised,
    Overlaps,
    Training,
)
from twinpeaks.theory.numerics.angle import cotangent
from twinpeaks.theory.teachers.base import BinaryTeacher, Teacher

__all__ = ["QuadraticChannel"]


@dataclass(frozen=True)
class QuadraticChannel(Channel):
    """(y - t)^2 / (2 a): f = (y - omega) / (a + V), so only second moments enter."""

    a: float
    teacher: Teacher

    @cached_property
    def _tau(self) -> float:
        """E[y nu] / rho, faint where it is 0."""
        teacher = self.teacher
        faint = FAINT * float(np.sqrt(teacher.second_moment / teacher.rho))
        return faint if teacher.silent else teacher.correlation

    def _residual_square(self, overlaps: Overlaps) -> Array:
        """E[(y - omega)^2]."""
        return self.teacher.second_moment - 2.0 * self._tau * overlaps.m + overlaps.Q

    def linearise(self, overlaps: Overlaps, T: Array) -> Linearised:
        """Closed form, the same at every temperature."""
        tau = self._tau
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
            angle = cotangent(self.teacher.rho, blurred, m)
            error = self.teacher.student_tail(-V / a / np.sqrt(blurred), angle)
        loss = 0.5 * square / a if a > 0 else np.zeros_like(square)
        entropic = 0.5 * T * np.log(d / a) if a > 0 else np.zeros_like(square)
        accurate = np.ones(d.shape, bool)
        training = Training(loss, error, -0.5 * residual / d - entropic, 1.0 / d**2, accurate)
        return self.linearise(overlaps, T).hats, training
