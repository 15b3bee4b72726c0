"""What the model is: activation, teacher, loss and feature law. No numerics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from twinpeaks.theory.activations import Activation, Tanh
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.losses.square import Square
from twinpeaks.theory.teachers.base import BinaryTeacher, RealTeacher, Teacher
from twinpeaks.theory.teachers.sign import Sign

__all__ = ["Problem", "require"]

_ROUNDING = 1e-12  # moments below this share of sqrt(E sigma^2) are none


@dataclass(frozen=True)
class Problem:
    """A random-feature learning problem.

    Parameters
    ----------
    activation : Activation
        sigma in z = sigma(F^T x / sqrt(D)).
    teacher : Teacher
        Law of the label given the teacher field.
    loss : Loss
        Summed over training patterns; the ridge penalty lam |w|^2 / 2 is added by the solver.
    features : FeatureLaw
        Law of F.

    Raises
    ------
    InvalidProblem
        If a component is of the wrong kind, if the activation has no linear part (kappa_1 = 0: in
        the proportional regime such features carry nothing of a linear teacher), if its mean
        kappa_0 would act as a bias on labels that are not symmetric (the equations leave it out),
        if the feature law admits no such activation or teacher, or if the loss cannot learn from the
        teacher's labels.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> theory.Problem(loss=theory.Logistic())
    Problem(activation=Tanh(), teacher=Sign(rho=1.0), loss=Logistic(), features=Gaussian())
    """

    activation: Activation = field(default_factory=Tanh)
    teacher: Teacher = field(default_factory=Sign)
    loss: Loss = field(default_factory=Square)
    features: FeatureLaw = field(default_factory=Gaussian)

    def __post_init__(self) -> None:
        """Refuse what has no meaning before any work is done."""
        for name, kind in (
            ("activation", Activation),
            ("teacher", Teacher),
            ("loss", Loss),
            ("features", FeatureLaw),
        ):
            value = getattr(self, name)
            if not isinstance(value, kind):
                hint = " (call the class)" if isinstance(value, type) else ""
                raise InvalidProblem(
                    f"{name} = {value!r}: give an instance of tp.{kind.__name__}{hint}"
                )
        moments = self.activation.moments
        scale = math.hypot(moments.kappa_0, moments.kappa_1, moments.kappa_star)
        resolved = max(_ROUNDING, moments.error) * scale
        if not abs(moments.kappa_1) > resolved:
            raise InvalidProblem(
                f"activation = {self.activation!r}: kappa_1 = {moments.kappa_1:.3g} is 0 to rounding of "
                f"sqrt(E sigma^2) = {scale:.3g}, so the features carry nothing linear in x and the "
                "test error is 1/2; add an odd part, or subtract a constant that hides it"
            )
        self.features.check(moments, self.teacher.rho)
        if abs(moments.kappa_0) > resolved and not self.teacher.balanced:
            raise InvalidProblem(
                f"activation = {self.activation!r} has kappa_0 = {moments.kappa_0:.3g}, a free bias "
                f"that matters with teacher = {self.teacher!r}, whose labels are not symmetric; "
                "centre the activation: Custom(lambda x: sigma(x) - kappa_0)"
            )
        if isinstance(self.teacher, BinaryTeacher) or self.loss.quadratic is not None:
            return
        additive = isinstance(self.teacher, RealTeacher) and self.teacher.noise is not None
        if not (additive and self.loss.of == "difference"):
            raise InvalidProblem(
                f"loss = {self.loss!r} cannot learn from teacher = {self.teacher!r}: labels that "
                "are not -1 and +1 need loss=Square(), or a loss of y - t with teacher=Linear()"
            )

    def replace(self, **changes: Any) -> Problem:
        """A copy with some components changed."""
        return replace(self, **changes)


def require(problem: Any) -> Problem:
    """The argument, if it is a Problem.

    Raises
    ------
    InvalidProblem
        If it is anything else.
    """
    if not isinstance(problem, Problem):
        raise InvalidProblem(f"problem = {problem!r}: give an instance of tp.Problem")
    return problem
