"""What can go wrong, and the sentence that says what to do about it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class InvalidProblem(ValueError):  # noqa: N818 - the name users catch
    """A description of a model that has no meaning, or that this package cannot treat."""


class UnstableWarning(UserWarning):
    """Some points lie where replica symmetry is broken, and their numbers are not the model's."""


class Status(IntEnum):
    """How the solution of one saddle point ended.

    Only ``CONVERGED`` points carry numbers; every other point of a Dataset is NaN.
    """

    CONVERGED = 0
    MAX_STEPS = 1
    DIVERGED = 2
    NONFINITE = 3
    UNPHYSICAL = 4
    QUADRATURE_INACCURATE = 5
    NO_LIMIT = 6

    @property
    def label(self) -> str:
        """The lower-case name used in Datasets and tables."""
        return self.name.lower()

    @property
    def sentence(self) -> str:
        """What happened and what to try next."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.CONVERGED: "Converged: residual and Newton step are below tolerance.",
    Status.MAX_STEPS: (
        "The step limit was reached before the tolerance; raise Tolerances(max_steps=...), or solve "
        "an array of neighbouring points so that each starts from the next."
    ),
    Status.DIVERGED: (
        "No step reduced the residual further, even on the path from strong regularisation: rounding "
        "hides the solution, or there is none. Try a larger lam, or a smaller one where the loss has "
        "kinks that no pattern reaches."
    ),
    Status.NONFINITE: (
        "The equations returned NaN or infinity; lam, alpha_T or overparam is likely outside "
        "the range in which float64 can represent the order parameters."
    ),
    Status.UNPHYSICAL: (
        "The iteration settled at a point with m^2 >= rho Q_0 or a negative variance, which no "
        "model can have; check the feature law and the teacher."
    ),
    Status.QUADRATURE_INACCURATE: (
        "The Gaussian integrals did not reach their error tolerance; declare the kinks of the "
        "loss, or loosen Tolerances(quadrature=...) and accept fewer digits."
    ),
    Status.NO_LIMIT: (
        "At lam = 0 this point has no limit: it sits on the interpolation threshold, where the "
        "weights diverge, or the loss does not say which constraint it becomes. Give a small lam."
    ),
}


class SolveError(RuntimeError):
    """At least one point did not converge.

    Attributes
    ----------
    solution : twinpeaks.theory.equations.saddle_point.Solution
        Everything computed, with the status, residual and last iterate of each point.
    """

    def __init__(self, message: str, solution: Any) -> None:
        super().__init__(message)
        self.solution = solution
