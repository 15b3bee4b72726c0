"""Marchenko-Pastur: the resolvent, the traces, and sampled matrices."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import spectral_means

import theory
from theory.feature_laws import Gaussian


class NumpyRandom:
    """The Random protocol over a numpy generator."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def normal(self, *shape):
        return self.rng.standard_normal(shape)

    def uniform(self, *shape):
        return self.rng.random(shape)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(-18, 12), st.floats(-4, 8))
def test_resolvent_solves_its_equation(log_z, log_c):
    """1/g = z + 1/(1 + c g): the same equation, but not in the form that is solved."""
    z, c = np.exp(log_z), np.exp(log_c)
    g = float(Gaussian.resolvent(z, c))
    assert g > 0
    assert 1 / g == pytest.approx(z + 1 / (1 + c * g), rel=1e-11)


@pytest.mark.parametrize("c", [0.3, 1.0, 6.0])
@pytest.mark.parametrize("z", [1e-4, 0.1, 10.0])
def test_resolvent_of_sampled_spectra(c, z):
    """Mean over 20 draws at D = 300; deviations beyond 5 standard errors + 3/D fail (p < 1e-5)."""
    D = 300
    N = round(c * D)
    draws = []
    for seed in range(20):
        F = Gaussian().sample(D, N, NumpyRandom(seed))
        s = np.linalg.svd(F / np.sqrt(D), compute_uv=False) ** 2
        draws.append((np.sum(1 / (s + z)) + (N - len(s)) / z) / N)
    mean, se = np.mean(draws), np.std(draws, ddof=1) / np.sqrt(len(draws))
    exact = float(Gaussian.resolvent(z, N / D))
    assert abs(mean - exact) < 5 * se + 3 / D * exact


@pytest.mark.parametrize("c", [0.05, 0.7, 1.0, 4.0, 2000.0])
@pytest.mark.parametrize(("ridge", "Vh"), [(1e-7, 2.0), (0.1, 0.3), (1e2, 1e-3)])
def test_traces_are_spectral_averages(c, ridge, Vh):
    """The seven closed forms against integrals over the Marchenko-Pastur density."""
    k1, ks, rho = 0.6, 0.17, 1.3
    traces = Gaussian().traces(np.array(c), k1, ks, rho, np.array(ridge), np.array(Vh))

    def h(s):
        o = k1**2 * s + ks**2
        R, t = 1 / (ridge + Vh * o), c * rho * k1**2 * s
        return R, o * R, o * R * R, s * o * R * R, t * R, t * R * R, t * s * R * R

    with mp.workdps(25):  # s cancels near a lower edge at 0
        exact = spectral_means(h, mp.mpf(c), 4)
    for name, got, want in zip(traces._fields, traces, exact, strict=True):
        assert float(got) == pytest.approx(float(want), rel=1e-11), name


def test_traces_of_one_large_matrix():
    """Against explicit matrix algebra: R by inversion, traces by tr; O(1/D) fluctuations."""
    D, c, ridge, Vh, k1, ks, rho = 600, 1.5, 0.05, 0.8, 0.6, 0.3, 1.0
    F = Gaussian().sample(D, int(c * D), NumpyRandom(3))
    S = F.T @ F / D
    omega = k1**2 * S + ks**2 * np.eye(len(S))
    R = np.linalg.inv(ridge * np.eye(len(S)) + Vh * omega)
    T = c * rho * k1**2 * S
    exact = [R, omega @ R, omega @ R @ R, S @ omega @ R @ R, T @ R, T @ R @ R, T @ S @ R @ R]
    found = Gaussian().traces(np.array(c), k1, ks, rho, np.array(ridge), np.array(Vh))
    for name, matrix, value in zip(found._fields, exact, found, strict=True):
        assert float(value) == pytest.approx(np.trace(matrix) / len(S), rel=5e-3), name


def test_complex_step_derivative():
    """Analytic in Vh: the complex step agrees with central differences."""
    args = (np.array(2.0), 0.6, 0.17, 1.0, np.array(1e-3))
    h = 1e-6
    traces = Gaussian().traces(*args, np.array(0.7 + 1e-30j))
    up, down = (Gaussian().traces(*args, np.array(0.7 + d)) for d in (h, -h))
    for z, a, b in zip(traces, up, down, strict=True):
        assert float(z.imag) / 1e-30 == pytest.approx(float(a - b) / (2 * h), rel=1e-8)


def test_kinds_are_checked():
    with pytest.raises(theory.InvalidProblem, match="features"):
        theory.Problem(features=Gaussian)
