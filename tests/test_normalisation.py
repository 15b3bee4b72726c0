"""Inputs of another variance: against closed forms, limits, and networks under uniform inputs."""

import numpy as np
import pytest
import xarray as xr

import twinpeaks as tp
from twinpeaks import theory


def solved(problem, **axes):
    return theory.solve(
        problem, **{"overparam": [0.5, 1.0, 3.0], "alpha_T": 3.0, "lam": 1e-2, **axes}
    )


@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU(), theory.Erf()])
def test_variance_one_is_the_mean_dimension_itself(activation):
    problem = theory.Problem(activation=activation)
    curve = solved(problem)
    assert np.allclose(theory.bmd_under(problem, curve, 1.0), curve.bmd, rtol=1e-9)


def test_of_a_homogeneous_activation_no_variance_matters():
    problem = theory.Problem(activation=theory.ReLU())
    curve = solved(problem)
    found = theory.bmd_under(problem, curve, [0.01, 1.0, 30.0])
    assert np.allclose(found, curve.bmd.values[:, None], rtol=1e-8)


def test_erf_has_moments_in_closed_form():
    # erf(s g / sqrt 2) has the kernel (2/pi) arcsin(s^2 rho / (1 + s^2)): its Taylor coefficients
    problem = theory.Problem(activation=theory.Erf())
    curve = solved(problem)
    a = 2.0 if np.isclose(theory.Erf()(np.array([1.0]))[0], 0.8427007929497149) else 1.0
    v = 0.4
    b = a * v / (1 + a * v)
    k1, total = 2 / np.pi * b, 2 / np.pi * np.arcsin(b)
    slope = 2 / np.pi * b / np.sqrt(1 - b**2)
    p = curve.p_d
    expected = (k1 * p + (slope - k1) * curve.q_d) / (k1 * p + (total - k1) * curve.q_d)
    assert np.allclose(theory.bmd_under(problem, curve, v), expected, rtol=1e-9)


def test_small_inputs_see_a_linear_function():
    problem = theory.Problem()
    curve = solved(problem)
    near = theory.bmd_under(problem, curve, [1e-3, 1e-4]) - 1
    assert np.all(near > 0)
    assert np.allclose(near[:, 0] / near[:, 1], 100.0, rtol=0.02)  # the cubic part: v^2


def test_families_and_paths():
    problem = theory.Problem(teacher=theory.FlippedSign())
    curve = solved(problem, vary={"teacher.flip": [0.0, 0.3]})
    path = xr.DataArray([1.0, 0.5, 0.2], dims="overparam")
    found = theory.bmd_under(problem, curve, path)
    assert set(found.dims) == {"flip", "overparam"}
    assert np.allclose(found[:, 0], curve.bmd[:, 0], rtol=1e-9)
    one = theory.bmd_under(problem, curve.sel(flip=0.3), 0.2)
    assert np.allclose(found.sel(flip=0.3)[2], one[2], rtol=1e-12)


def test_failed_points_are_nan():
    curve = theory.solve(theory.Problem(), overparam=[0.5, 1.0], alpha_T=3.0, lam=0.0, throw=False)
    found = theory.bmd_under(theory.Problem(), curve, 0.5)
    assert np.isnan(found).values.tolist() == [False, True]


@pytest.mark.parametrize("variance", [0.0, -1.0, np.inf, np.nan])
def test_a_variance_is_positive(variance):
    problem = theory.Problem()
    with pytest.raises(ValueError, match="variance"):
        theory.bmd_under(problem, solved(problem), variance)


def test_several_layers_are_refused():
    problem = theory.Problem(features=theory.Deep(2))
    curve = theory.solve(problem, overparam=2.0, alpha_T=3.0, lam=0.1)
    with pytest.raises(theory.InvalidProblem, match="one layer"):
        theory.bmd_under(problem, curve, 0.5)


def test_networks_trained_on_signs_and_measured_under_uniform_inputs():
    # 8 networks; fails by chance once in 10^4 runs (t of 7 degrees), with 3 % for the finite size
    D, alpha_T, lam = 150, 3.0, 0.1
    P = N = int(alpha_T * D)
    values = []
    for seed in range(8):
        rng = np.random.default_rng([17, seed])
        X, F = rng.choice([-1.0, 1.0], (P, D)), rng.standard_normal((D, N))
        y = np.sign(X @ rng.standard_normal(D))
        Z = np.tanh(X @ F / np.sqrt(D)) / np.sqrt(N)
        w = np.linalg.solve(Z.T @ Z + lam * np.eye(N), Z.T @ y)

        def student(x, F=F, w=w):
            return np.tanh(x @ F / np.sqrt(D)) @ w / np.sqrt(N)

        law = tp.Uniform(-1.0, 1.0, shape=D)
        values.append(tp.mean_dimension(student, law=law, rtol=0.005, random=seed).value)
    problem = theory.Problem()
    curve = theory.solve(problem, overparam=1.0, alpha_T=alpha_T, lam=lam)
    expected = float(theory.bmd_under(problem, curve, 1 / 3))
    gap = abs(np.mean(values) - expected)
    assert gap < 7.1 * np.std(values, ddof=1) / np.sqrt(8) + 0.03 * (expected - 1)
    assert expected < float(curve.bmd) - 0.05  # which the test would notice
