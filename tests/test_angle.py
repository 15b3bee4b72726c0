"""Students that are parallel to the teacher but for rounding."""

import numpy as np
import pytest
import xarray as xr

from twinpeaks import theory
from twinpeaks.theory.equations.channel.base import Overlaps
from twinpeaks.theory.equations.channel.labels import LabelChannel
from twinpeaks.theory.equations.channel.quadratic import QuadraticChannel
from twinpeaks.theory.numerics.angle import cotangent, unexplained
from twinpeaks.theory.sensitivity.robustness import _cotangent

TEACHERS = [
    theory.Sign(rho=1.7),
    theory.FlippedSign(flip=0.1, rho=1.7),
    theory.Probit(noise=0.3, rho=1.7),
    theory.CustomTeacher(lambda nu: 1.0 / (1.0 + np.exp(-nu)), rho=1.7),
]


def parallel(rho):
    """V, and Q and m with m^2 = rho Q (1 +- a few last digits)."""
    off = np.arange(-3.0, 4.0) * 2.2e-16
    Q = np.full(off.size, 0.37)
    return Overlaps(np.full(off.size, 1e-9), Q, np.sqrt(rho * Q * (1.0 + off)))


@pytest.mark.parametrize("rho", [1e-3, 1.0, 1.7])
def test_the_angle_of_parallel_fields_is_small_and_real(rho):
    _, Q, m = parallel(rho)
    assert np.all(unexplained(rho, Q, m) > 0)
    # the angle is known to the root of the rounding of its cosine
    assert np.all(np.arctan(1.0 / cotangent(rho, Q, m)) < 1e-7)
    assert np.all(np.arctan(1.0 / cotangent(rho, Q, -m)) > -1e-7)


def test_other_angles_are_what_they_are():
    angle = np.linspace(0.01, 3.13, 20)
    Q = np.full(20, 0.37)
    m = np.sqrt(1.7 * Q) * np.cos(angle)
    np.testing.assert_allclose(cotangent(1.7, Q, m), 1 / np.tan(angle), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("teacher", TEACHERS, ids=lambda t: type(t).__name__)
def test_a_parallel_student_errs_as_the_teacher_does(teacher):
    overlaps = parallel(teacher.rho)
    nu = np.sqrt(teacher.rho) * np.linspace(-12, 12, 200_001)
    noise = teacher.partition(-1.0, np.abs(nu), np.full(nu.size, 1e-30)).value
    weight = np.exp(-0.5 * nu**2 / teacher.rho)
    floor = np.sum(noise * weight) / np.sum(weight)
    error = teacher.test_error(overlaps.m, overlaps.Q)
    np.testing.assert_allclose(error, floor, atol=1e-4)
    # the cotangent of an attacked student, and the training errors of both closed forms
    m, Q = (xr.DataArray(a, dims="x") for a in (overlaps.m, overlaps.Q))
    attacked = _cotangent(teacher, m, Q, xr.DataArray(error, dims="x"))
    np.testing.assert_allclose(
        teacher.student_tail(0 * Q.values, attacked.values), floor, atol=1e-4
    )
    cold = np.zeros(Q.size)
    _, seen = QuadraticChannel(1.0, teacher).observe(overlaps, cold)
    np.testing.assert_allclose(seen.error, floor, atol=1e-4)
    for loss in (theory.Logistic(), theory.Hinge()):
        _, seen = LabelChannel(loss, teacher, 1e-9).observe(overlaps, cold)
        np.testing.assert_allclose(seen.error, floor, atol=1e-4)
