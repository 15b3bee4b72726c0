"""The second peak of the mean dimension: all peaks of a line, and the limit of many patterns."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from twinpeaks import theory
from twinpeaks.theory.numerics.extremum import every_maximum


def limit(activation, c):
    """BMD with infinitely many patterns at N/D = c, by the slope of an explicit root."""
    moments = activation.moments
    k1, ks, dks = moments.kappa_1**2, moments.kappa_star**2, moments.dkappa_star**2
    h = ks / k1
    root = np.sqrt((c - 1 - h) ** 2 + 4 * c * h)
    G = (c - 1 - h + root) / (2 * c)
    slope = ((c + 1 + h) / root - 1) / (2 * c)
    return 1 + (dks - ks) / k1 * slope / (1 - G)


def test_the_shallow_peak_is_not_missed():
    two = theory.peaks(
        theory.Problem(), "bmd", alpha_T=[5.0, 6.0, 30.0], lam=1e-8, between=(0.01, 3.0)
    )
    assert two["count"].values.tolist() == [1, 2, 2]
    assert np.isnan(two.location.values[0, 1])
    low = two.isel(alpha_T=1, peak=0)
    found = [low.location, low.height, low.dip_location, low.dip_height]
    assert np.allclose(found, [0.19735, 1.398384, 0.21554, 1.398114], atol=2e-5)
    assert np.all(two.dip_height[1:, 0] < two.height[1:, 0])


def test_the_highest_of_the_peaks_is_the_peak():
    axes = {"alpha_T": 10.0, "lam": 1e-6, "between": (0.02, 3.0)}
    all_of_them = theory.peaks(theory.Problem(), "bmd", **axes)
    one = theory.peak(theory.Problem(), "bmd", **axes)
    highest = all_of_them.isel(peak=int(np.argmax(all_of_them.height.values)))
    assert np.isclose(highest.location, one.location, rtol=1e-8)
    assert np.isclose(highest.height, one.height, rtol=1e-8)


def test_the_test_error_has_no_peak_at_equal_sizes():
    found = theory.peaks(
        theory.Problem(), "test_error", alpha_T=10.0, lam=1e-8, between=(0.02, 3.0)
    )
    assert found["count"] == 1
    assert np.isclose(found.location[0], 1.0, atol=1e-3)


def test_a_line_without_a_peak_has_none():
    none = theory.peaks(theory.Problem(), "bmd", alpha_T=3.0, lam=1e-4, between=(2.0, 30.0))
    assert none["count"] == 0
    assert none.location.shape == (0,)


def test_places_of_a_function_with_known_maxima():
    grid = np.linspace(0.5, 14.0, 100)[None]
    owner, found, _ = every_maximum(lambda row, x: np.sin(x) + 0.01 * x, grid)
    expected = np.arccos(-0.01) + 2 * np.pi * np.arange(2)
    assert owner.tolist() == [0, 0]
    assert np.allclose(found[:, 0], expected, rtol=1e-9)


PROBLEMS = (
    theory.Problem(),
    theory.Problem(teacher=theory.FlippedSign(flip=0.2)),
    theory.Problem(loss=theory.Logistic()),
    theory.Problem(activation=theory.Erf()),
)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.activation}{p.teacher}{p.loss}")
def test_infinitely_many_patterns(problem):
    c = np.array([0.3, 0.9, 1.0, 1.5])
    gaps = [
        theory.solve(problem, overparam=c / a, alpha_T=a, lam=1e-6).bmd.values
        - limit(problem.activation, c)
        for a in (1e4, 1e5)
    ]
    assert np.all(np.abs(gaps[1]) < 1e-4)
    assert np.allclose(gaps[0] / gaps[1], 10.0, rtol=0.05)  # the rest is of order D/P


def test_the_limit_of_the_low_peak():
    top = theory.peaks(theory.Problem(), "bmd", alpha_T=1e5, lam=1e-6, between=(3e-6, 3e-5)).isel(
        peak=0
    )
    best = minimize_scalar(lambda c: -limit(theory.Tanh(), c), bracket=(0.8, 0.92, 1.1))
    assert np.isclose(1e5 * top.location, best.x, rtol=1e-3)
    assert np.isclose(top.height, -best.fun, rtol=1e-4)


def test_place_and_height_for_nearly_linear_features():
    # tanh(e u) is linear as e -> 0; errors of the place are O(h^(3/2)), of the height O(h)
    errors = []
    for scale in (0.2, 0.1):
        activation = theory.Custom(lambda u, e=scale: np.tanh(e * u))
        m = activation.moments
        h = (m.kappa_star / m.kappa_1) ** 2
        best = minimize_scalar(
            lambda c, f=activation: -limit(f, c), bracket=(1 - 20 * h, 1 - h, 1 + 20 * h), tol=1e-12
        )
        lead = (m.dkappa_star**2 - m.kappa_star**2) / (2 * m.kappa_1 * m.kappa_star)
        errors.append((abs(best.x - 1 + h) / h, abs((-best.fun - 1) / lead - 1) / h))
    assert errors[1][0] < 0.1
    assert max(error[1] for error in errors) < 2.0


@pytest.mark.parametrize(
    ("problem", "lam", "below", "above"),
    [
        (theory.Problem(), 1e-4, 5.7, 6.0),
        (theory.Problem(), 1e-2, 4.3, 4.6),
        (theory.Problem(teacher=theory.FlippedSign(flip=0.2)), 1e-8, 24.0, 26.0),
    ],
)
def test_where_the_second_peak_is_born(problem, lam, below, above):
    found = theory.peaks(problem, "bmd", alpha_T=[below, above], lam=lam, between=(0.008, 3.0))
    assert found["count"].values.tolist() == [1, 2]
