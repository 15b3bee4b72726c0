"""The free entropy in symbols: from a problem, or from parts of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinpeaks.theory.axes import check_flag
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws.base import FeatureLaw
from twinpeaks.theory.losses.base import Loss
from twinpeaks.theory.problem import Problem
from twinpeaks.theory.teachers.base import Teacher

if TYPE_CHECKING:  # sympy would double the time that `import theory` takes in numerics
    from twinpeaks.theory.derivation.equations import FreeEntropy

__all__ = ["free_entropy"]


def free_entropy(
    problem: Problem | None = None,
    *,
    loss: Loss | None = None,
    teacher: Teacher | None = None,
    features: FeatureLaw | None = None,
    zero_temperature: bool = False,
) -> FreeEntropy:
    """The replica-symmetric free entropy, its saddle-point equations and observables in sympy.

    Parameters
    ----------
    problem : Problem, optional
        Takes loss, teacher and features from a problem; the activation enters through kappa_1,
        kappa_star and dkappa_star only, which stay symbols.
    loss, teacher, features : optional
        Parts of a problem, instead of a whole one. What is None, or has no formula, becomes an
        abstract function: l(y, t), P(y | nu), the spectral density mu(S) with the alignment T(S).
    zero_temperature : bool
        Return e = -lim phi/beta in the units of zero temperature, derived from phi.

    Returns
    -------
    FreeEntropy
        ``expression``, its ``gradient``, the ``saddle_point`` equations and ``observables``, each
        a sympy expression in the symbols of ``twinpeaks.theory.derivation.notation``.

    Raises
    ------
    InvalidProblem
        If a problem and its parts are both given, an argument is of the wrong kind, or the loss has
        no replica-symmetric limit of zero temperature (ZeroOne) or cannot learn from the teacher.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> from twinpeaks.theory.derivation.notation import V
    >>> print(theory.free_entropy(loss=theory.Square()).saddle_point[V])
    <R*Ω>
    """
    check_flag("zero_temperature", zero_temperature)
    parts = {
        "loss": (loss, Loss),
        "teacher": (teacher, Teacher),
        "features": (features, FeatureLaw),
    }
    for name, (value, kind) in parts.items():
        if value is not None and not isinstance(value, kind):
            raise InvalidProblem(f"{name} = {value!r}: give an instance of tp.{kind.__name__}")
        if value is not None and problem is not None:
            raise InvalidProblem(f"{name} = {value!r} beside a problem: use problem.replace")
    if problem is not None:
        if not isinstance(problem, Problem):
            raise InvalidProblem(f"problem = {problem!r}: give an instance of tp.Problem")
        loss, teacher, features = problem.loss, problem.teacher, problem.features
    if zero_temperature and loss is not None and not loss.convex:
        raise InvalidProblem(
            f"zero_temperature = True with loss = {loss!r}: its minimisers are not described by a "
            "replica-symmetric saddle point; give a finite beta (zero_temperature=False)"
        )
    if problem is None and loss is not None and teacher is not None:
        Problem(loss=loss, teacher=teacher)  # refuses pairs that cannot learn
    import sympy as sp  # type: ignore[import-untyped]

    from twinpeaks.theory.derivation.equations import FreeEntropy
    from twinpeaks.theory.derivation.laws import law
    from twinpeaks.theory.derivation.notation import t, y
    from twinpeaks.theory.derivation.teachers import rule

    formula = sp.Function("ell", real=True)(y, t) if loss is None else loss.symbolic(y, t)
    return FreeEntropy(formula, rule(teacher), law(features), zero_temperature)
