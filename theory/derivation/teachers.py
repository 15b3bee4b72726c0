r"""Teachers as expressions: P(y | nu), Z_* and the test error.

A teacher without a formula keeps an abstract P(y | nu).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from types import MappingProxyType
from typing import Any

import sympy as sp  # type: ignore[import-untyped]

from twinpeaks.theory.derivation.averages import PatternMean
from twinpeaks.theory.derivation.functions import Kernel
from twinpeaks.theory.derivation.notation import (
    Q_d,
    V_star,
    flip,
    m,
    noise,
    nu,
    omega_star,
    rho,
    xi,
    y,
)
from twinpeaks.theory.teachers.base import BinaryTeacher, RealTeacher, Teacher
from twinpeaks.theory.teachers.linear import Linear
from twinpeaks.theory.teachers.sign import FlippedSign, Probit, Sign

__all__ = ["Rule", "gaussian", "rule"]

_SIGNS = sp.FiniteSet(-1, 1)


def gaussian(x: Any, mean: Any, variance: Any) -> Any:
    """N(x; mean, variance)."""
    return sp.exp(-((x - mean) ** 2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)


@dataclass(frozen=True)
class Rule:
    """The law of the label, in symbols.

    Attributes
    ----------
    law : sympy.Expr
        P(y | nu).
    kernel : sympy.Expr
        Z_*(y; omega_*, V_*), its average over nu ~ N(omega_*, V_*).
    labels : sympy.Set
        The labels: {-1, 1}, or the reals.
    test_error : sympy.Expr
        In m, Q_d, rho and the teacher's parameters.
    parameters : mapping of sympy.Symbol to float
        What the instance sets.
    """

    law: Any
    kernel: Any
    labels: Any
    test_error: Any
    parameters: Mapping[Any, float] = field(default_factory=lambda: MappingProxyType({}))


@singledispatch
def rule(teacher: Teacher | None) -> Rule:
    """A teacher in symbols; abstract for None and for teachers without a formula."""
    law = sp.Function("P", nonnegative=True)(y, nu)
    kernel = sp.Integral(gaussian(nu, omega_star, V_star) * law, (nu, -sp.oo, sp.oo))
    field_ = sp.sqrt(Q_d) * xi
    if isinstance(teacher, BinaryTeacher):
        labels, cost = _SIGNS, sp.Heaviside(-y * field_)
    elif isinstance(teacher, RealTeacher):
        labels, cost = sp.S.Reals, (y - field_) ** 2
    else:
        labels, cost = sp.S.Reals, sp.Function("error", nonnegative=True)(y, field_)
    fresh = Kernel(0, y, m * xi / sp.sqrt(Q_d), rho - m**2 / Q_d)
    known = {} if teacher is None else {rho: teacher.rho}
    return Rule(law, kernel, labels, PatternMean(cost * fresh, labels), known)


def _step(x: Any, variance: Any) -> Any:
    """P(g < x) for g ~ N(0, variance)."""
    return (1 + sp.erf(x / sp.sqrt(2 * variance))) / 2


def _angle(teacher_variance: Any) -> Any:
    return sp.acos(m / sp.sqrt(teacher_variance * Q_d)) / sp.pi


@rule.register
def _(teacher: Sign) -> Rule:
    kernel = _step(y * omega_star, V_star)
    return Rule(sp.Heaviside(y * nu), kernel, _SIGNS, _angle(rho), {rho: teacher.rho})


@rule.register
def _(teacher: FlippedSign) -> Rule:
    share = 1 - 2 * flip
    return Rule(
        flip + share * sp.Heaviside(y * nu),
        flip + share * _step(y * omega_star, V_star),
        _SIGNS,
        flip + share * _angle(rho),
        {rho: teacher.rho, flip: teacher.flip},
    )


@rule.register
def _(teacher: Probit) -> Rule:
    return Rule(
        _step(y * nu, noise),
        _step(y * omega_star, V_star + noise),
        _SIGNS,
        _angle(rho + noise),
        {rho: teacher.rho, noise: teacher.noise},
    )


@rule.register
def _(teacher: Linear) -> Rule:
    return Rule(
        gaussian(y, nu, noise),
        gaussian(y, omega_star, V_star + noise),
        sp.S.Reals,
        rho + noise - 2 * m + Q_d,
        {rho: teacher.rho, noise: teacher.noise},
    )
