"""The batched Gauss-Kronrod rule, its error estimate, and its honesty."""

import numpy as np
import pytest

from twinpeaks.theory.numerics.quadrature import GAUSS, KRONROD, NODES, integrate, panels


def test_degrees_of_exactness():
    """21-point Kronrod integrates x^k exactly to k = 31, the embedded Gauss rule to k = 19."""
    for k in range(0, 32, 2):
        exact = 2 / (k + 1)
        assert KRONROD @ NODES**k == pytest.approx(exact, rel=2e-15)
        if k <= 18:
            assert GAUSS @ NODES**k == pytest.approx(exact, rel=2e-15)
    assert abs(GAUSS @ NODES**20 - 2 / 21) > 1e-8
    assert abs(KRONROD @ NODES**32 - 2 / 33) > 1e-13


def test_integrals_of_every_sharpness_at_once():
    """Lorentzians of widths 1 to 1e-8 in one batch, each to rounding."""
    width = np.geomspace(1e-8, 1, 17)
    mesh = panels(np.tile(np.linspace(-1, 2, 4), (17, 1)))
    got = integrate(
        lambda o, p, x: width[o][:, None] / (x * x + width[o][:, None] ** 2)[None],
        mesh,
        17,
        judged=1,
    )
    exact = np.arctan(1 / width) + np.arctan(2 / width)
    assert got.values[0] == pytest.approx(exact, rel=1e-13)
    assert got.accurate.all()


def test_a_kink_is_resolved_or_confessed():
    mesh = panels(np.array([[-1.0, 1.0]]))
    kink = integrate(lambda o, p, x: np.abs(x - 0.3)[None], mesh, 1, judged=1)
    assert kink.accurate.all()
    assert kink.values[0, 0] == pytest.approx(0.5 * (1.3**2 + 0.7**2), rel=1e-13)
    hurried = integrate(lambda o, p, x: np.abs(x - 0.3)[None], mesh, 1, judged=1, max_rounds=2)
    assert not hurried.accurate.any()
    assert hurried.error[0] >= abs(hurried.values[0, 0] / (0.5 * (1.3**2 + 0.7**2)) - 1)


def test_nan_is_not_accurate():
    mesh = panels(np.array([[-1.0, 1.0], [0.0, 1.0]]))
    got = integrate(lambda o, p, x: np.where(x < -0.5, np.nan, x)[None], mesh, 2, judged=1)
    assert got.accurate.tolist() == [False, True]


def test_empty_panels_are_dropped():
    mesh = panels(np.array([[0.0, 1.0, 1.0, 0.5]]))
    assert mesh.left.tolist() == [0.0, 0.5]
    assert mesh.right.tolist() == [0.5, 1.0]
