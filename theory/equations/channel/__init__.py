r"""The channel: (V, Q, m) -> (Vh, Qh, mh), from the Gaussian law of label and student field.

With omega ~ N(0, Q), omega_* = m omega / Q, V_* = rho - m^2 / Q and T = 1/beta
(docs/guide/equations.md; Loureiro et al., arXiv 2102.08127), in the units of zero temperature (V
times beta, the conjugates divided by beta, beta^2, beta),

    Vh = -alpha E[d f / d omega],   Qh = alpha E[f^2],   mh = alpha E[(d ln Z_* / d omega_*) f],

f = -E_t[l'] under the tilted measure, which at T = 0 is the prox. They derive from one potential,
T alpha E[ln Z]; the heat equation for ln Z turns every derivative that Newton needs into an average of
f^2 and df/domega against derivatives of the Gaussian density, so that no third derivative of the loss
is asked for, and one code serves every temperature.
"""

from __future__ import annotations

from twinpeaks.theory.equations.channel.base import (
    FAINT,
    Channel,
    Conjugates,
    Linearised,
    Overlaps,
    Training,
)
from twinpeaks.theory.equations.channel.labels import LabelChannel
from twinpeaks.theory.equations.channel.quadratic import QuadraticChannel
from twinpeaks.theory.equations.channel.residuals import ResidualChannel
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import BinaryTeacher, RealTeacher
from twinpeaks.theory.teachers.sign import FlippedSign

__all__ = ["Channel", "Conjugates", "Linearised", "Overlaps", "Training", "channel_for"]


def channel_for(problem: Problem, tol: float) -> Channel:
    """The channel of a problem: closed form where there is one, quadrature otherwise."""
    loss, teacher = problem.loss, problem.teacher
    if loss.quadratic is not None:
        return QuadraticChannel(loss.quadratic, teacher)
    if isinstance(teacher, BinaryTeacher):
        # of silent labels the field of the student knows nothing, so that all are alike
        faint = FlippedSign(flip=0.5 * (1.0 - FAINT), rho=teacher.rho)
        return LabelChannel(loss, faint if teacher.silent else teacher, tol)
    assert isinstance(teacher, RealTeacher)
    return ResidualChannel(loss, teacher, tol)
