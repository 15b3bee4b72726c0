"""Label laws for mpmath, by the name of the teacher class.

A binary teacher is P(y = +1 | nu); here it enters through Z_*(y; omega, V) = E[P(y | nu)] for
nu ~ N(omega, V) and dZ_*/domega. A real teacher is its second moment E[y^2] and its correlation
tau = E[y nu] / rho.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]

from twinpeaks.theory.teachers.base import BinaryTeacher, Teacher
from twinpeaks.theory.teachers.custom import CustomLink, CustomTeacher
from twinpeaks.theory.teachers.linear import Linear
from twinpeaks.validate.precise.rules import PROBE, integrate, legendre, reach, refine

__all__ = ["Labels", "labels"]

Real = Any


@dataclass(frozen=True)
class Labels:
    """What the equations know of a teacher.

    Attributes
    ----------
    rho : mpf
        Variance of the field.
    second_moment, correlation : mpf
        E[y^2] and E[y nu] / rho.
    partition : callable, optional
        (y, omega, V) -> (Z_*, dZ_*/domega); None for real labels.
    signs : tuple of int
        Labels to sum over: +1 alone, counted twice, when P(-y | -nu) = P(y | nu).
    test_error : callable, optional
        (m, Q) -> probability of the wrong label, where it is elementary.
    """

    rho: Real
    second_moment: Real
    correlation: Real
    partition: Callable[[int, Real, Real], tuple[Real, Real]] | None = None
    signs: tuple[int, ...] = (1,)
    test_error: Callable[[Real, Real], Real] | None = None


def labels(teacher: Teacher, digits: float) -> Labels:
    """The label law of a teacher, to that many digits.

    Raises
    ------
    ValueError
        For a teacher class that is not known here, and for a callable that mpmath cannot use.
    """
    rho = mp.mpf(teacher.rho)
    if isinstance(teacher, Linear):
        return Labels(rho, rho + mp.mpf(teacher.noise), mp.mpf(1))
    if isinstance(teacher, CustomLink):
        return _link(teacher, digits)
    if isinstance(teacher, CustomTeacher):
        return _probability(teacher, digits)
    step = teacher.step if isinstance(teacher, BinaryTeacher) else None
    if step is None:
        raise ValueError(
            f"teacher = {teacher!r} has no mpmath formulas: describe it as a CustomTeacher or "
            "CustomLink whose callable accepts mpmath numbers, or add it to validate/precise/teachers.py"
        )
    flip, noise = map(mp.mpf, step)
    share = 1 - 2 * flip

    def partition(y: int, omega: Real, V: Real) -> tuple[Real, Real]:
        width = mp.sqrt(V + noise)
        x = omega / width
        return flip + share * mp.ncdf(y * x), y * share * mp.npdf(x) / width

    def test_error(m: Real, Q: Real) -> Real:
        return flip + share * mp.acos(m / mp.sqrt((rho + noise) * Q)) / mp.pi

    correlation = share * mp.sqrt(2 / (mp.pi * (rho + noise)))
    return Labels(rho, mp.mpf(1), correlation, partition, (1,), test_error)


def _edges(breaks: tuple[Real, ...], digits: float) -> list[Real]:
    """Cuts of the standard Gaussian integral, breaks included."""
    far = mp.mpf(reach(digits))
    return sorted({-far, far, *(mp.mpf(k) for k in range(-9, 10, 3)), *breaks})


def _link(teacher: CustomLink, digits: float) -> Labels:
    root = mp.sqrt(mp.mpf(teacher.rho))

    def integrands(g: Real) -> list[Real]:
        y = _call(teacher, teacher.link, root * g)
        return [mp.npdf(g) * y * y, mp.npdf(g) * y * g]

    cuts = _edges(tuple(mp.mpf(b) / root for b in teacher.breaks), digits)
    with mp.workdps(PROBE):
        mesh = refine(integrands, cuts, digits)
    square, slope = integrate(integrands, mesh, legendre(digits))
    return Labels(root**2, square + mp.mpf(teacher.label_noise), slope / root)


def _probability(teacher: CustomTeacher, digits: float) -> Labels:
    """Z_* = int ds phi(s) P(y | omega + sqrt(V) s), with the score of the Gaussian in Z_*'."""
    breaks = [mp.mpf(b) for b in teacher.breaks]
    far = mp.mpf(reach(digits))

    def partition(y: int, omega: Real, V: Real) -> tuple[Real, Real]:
        width = mp.sqrt(V)
        here = min(digits, mp.mp.dps)
        inner = [(b - omega) / width for b in breaks]
        cuts = _edges(tuple(s for s in inner if abs(s) < far), here)

        def integrands(s: Real) -> list[Real]:
            plus = _call(teacher, teacher.probability, omega + width * s)
            density = mp.npdf(s) * (plus if y > 0 else 1 - plus)
            return [density, density * s / width]

        value, slope = integrate(integrands, cuts, legendre(here))
        return value, slope

    rho = mp.mpf(teacher.rho)
    correlation = sum(y * partition(y, mp.mpf(0), rho)[1] for y in (1, -1))
    signs = (1,) if teacher.symmetric else (1, -1)
    return Labels(rho, mp.mpf(1), correlation, partition, signs)


def _call(teacher: BinaryTeacher | CustomLink, function: Callable[[Real], Any], x: Real) -> Real:
    try:
        return mp.mpf(function(x))
    except (TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"teacher = {teacher!r}: its callable does not accept mpmath numbers ({error}); write "
            "it with mpmath functions, or with + - * / and ** alone"
        ) from error
