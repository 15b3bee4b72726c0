"""Marchenko-Pastur: the resolvent, the traces, and sampled matrices."""

import mpmath as mp
import numpy as np
import pytest
from components import LAWS, MOMENTS, NumpyRandom
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import spectral_means

import theory
from theory.feature_laws.gaussian import Gaussian


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
        F, _ = Gaussian().sample(D, N, MOMENTS, 1.0, NumpyRandom(seed))
        s = np.linalg.svd(F / np.sqrt(D), compute_uv=False) ** 2
        draws.append((np.sum(1 / (s + z)) + (N - len(s)) / z) / N)
    mean, se = np.mean(draws), np.std(draws, ddof=1) / np.sqrt(len(draws))
    exact = float(Gaussian.resolvent(z, N / D))
    assert abs(mean - exact) < 5 * se + 3 / D * exact


K1, KS = MOMENTS.kappa_1**2, MOMENTS.kappa_star**2


@pytest.mark.parametrize("c", [0.05, 0.7, 1.0, 4.0, 2000.0])
@pytest.mark.parametrize(("ridge", "Vh"), [(1e-7, 2.0), (0.1, 0.3), (1e2, 1e-3)])
def test_gaussian_traces_are_spectral_averages(c, ridge, Vh):
    """The closed forms against integrals over the Marchenko-Pastur density."""
    rho = 1.3
    traces = Gaussian().traces(np.array(c), MOMENTS, rho, np.array(ridge), np.array(Vh))

    def h(s):
        o = K1 * s + KS
        R, t = 1 / (ridge + Vh * o), c * rho * K1 * s
        return R, s * R, o * R, o * R**2, s * o * R**2, t * R, t * R**2, t * s * R**2, mp.log(1 / R)

    with mp.workdps(25):  # s cancels near a lower edge at 0
        *exact, log_det = spectral_means(h, mp.mpf(c), 4)
    for name, got, want in zip(traces._fields, traces, exact, strict=True):
        assert float(got) == pytest.approx(float(want), rel=1e-11), name
    found = Gaussian().log_det(np.array(c), MOMENTS, np.array(ridge), np.array(Vh))
    assert float(found) == pytest.approx(float(log_det), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("c", [0.4, 2.5])
@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_traces_of_sampled_features(law, c):
    """Explicit matrix algebra on drawn F and w_T, mean of 12 draws at D = 240.

    R by inversion, the teacher's traces as quadratic forms of E[z nu] = kappa_1 F^T w_T / D.
    Tolerance: 5 standard errors plus 2 % for the 1/D corrections, p < 1e-5 a trace.
    """
    ridge, Vh, rho = 0.05, 0.8, 1.3
    N, D = (600, 240) if c > 1 else (96, 240)
    if isinstance(law, theory.Spectrum):
        D = N  # it needs as many inputs as it has eigenvalues
    rows = []
    for seed in range(12):
        F, w = law.sample(D, N, MOMENTS, rho, NumpyRandom(seed))
        assert F.shape == (D, N)
        assert w @ w == pytest.approx(rho * D)
        S = F.T @ F / D
        omega = K1 * S + KS * np.eye(N)
        R = np.linalg.inv(ridge * np.eye(N) + Vh * omega)
        phi = MOMENTS.kappa_1 * F.T @ w / D
        matrices = [R, S @ R, omega @ R, omega @ R @ R, S @ omega @ R @ R]
        forms = [R, R @ R, R @ S @ R]
        row = [np.trace(a) / N for a in matrices] + [phi @ a @ phi for a in forms]
        rows.append([*row, -np.linalg.slogdet(R)[1] / N])
    mean, se = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(len(rows))
    arguments = (np.full(1, ridge), np.full(1, Vh))
    found = law.traces(np.full(1, c), MOMENTS, rho, *arguments)
    exact = [float(a[0]) for a in found] + [
        float(law.log_det(np.full(1, c), MOMENTS, *arguments)[0])
    ]
    for name, got, want, error in zip((*found._fields, "log_det"), mean, exact, se, strict=True):
        assert abs(got - want) < 5 * error + 0.02 * abs(want), name


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_derivatives_in_Vh(law):
    """Analytic: complex step against central differences; d log_det / d Vh = <Omega R>."""
    c, ridge, h = np.full(1, 2.0), np.full(1, 1e-3), 1e-6
    complex_ = law.traces(c, MOMENTS, 1.0, ridge, np.full(1, 0.7 + 1e-30j))
    up, down = (law.traces(c, MOMENTS, 1.0, ridge, np.full(1, 0.7 + d)) for d in (h, -h))
    for name, z, a, b in zip(complex_._fields, complex_, up, down, strict=True):
        assert float(z[0].imag) / 1e-30 == pytest.approx(float((a - b)[0]) / (2 * h), rel=1e-7), (
            name
        )
    logs = [float(law.log_det(c, MOMENTS, ridge, np.full(1, 0.7 + d))[0]) for d in (h, -h)]
    assert (logs[0] - logs[1]) / (2 * h) == pytest.approx(float(complex_.OmegaR[0].real), rel=1e-7)
    assert float(complex_.TR2[0].real) * 1e-3 + 0.7 * float(
        (K1 * complex_.TSR2 + KS * complex_.TR2)[0].real
    ) == pytest.approx(float(complex_.TR[0].real), rel=1e-10)


def test_flat_power_law_is_marchenko_pastur():
    c, ridge, Vh = np.array([0.3, 5.0]), np.full(2, 1e-3), np.array([0.4, 2.0])
    flat, exact = (
        law.traces(c, MOMENTS, 1.1, ridge, Vh) for law in (theory.PowerLaw(0.0), Gaussian())
    )
    for name, a, b in zip(exact._fields, flat, exact, strict=True):
        assert a == pytest.approx(b, rel=1e-11), name


@pytest.mark.parametrize("law", [a for a in LAWS if not isinstance(a, theory.Spectrum)], ids=repr)
def test_kernel_limit_is_approached(law):
    """overparam = inf is the limit of a sequence, with corrections of order P/N."""
    problem = theory.Problem(loss=theory.Logistic(), features=law)
    at = {"alpha_T": [0.7, 3.0], "lam": [1e-3, 0.1]}
    limit = theory.solve(problem, overparam=np.inf, **at)
    near = theory.solve(problem, overparam=[1e4, 1e5], **at)
    for name in ("Q_d", "m", "V", "test_error", "train_loss", "bmd"):
        gap = np.abs(near[name] / limit[name] - 1).max(["alpha_T", "lam"]).values
        assert gap[1] < 2e-4, name
        assert gap[1] < 0.5 * gap[0] or gap[1] < 1e-9, name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: theory.PowerLaw(exponent=1.0), "exponent = 1"),
        (lambda: theory.PowerLaw(0.5, 0.6), "teacher_exponent = 0.6"),
        (lambda: theory.Spectrum((), ()), "empty"),
        (lambda: theory.Spectrum((1.0, np.nan), (1.0, 1.0)), "eigenvalues contains nan"),
        (lambda: theory.Spectrum((1.0,), (1.0, 1.0)), "1 eigenvalues and 2"),
        (lambda: theory.Spectrum((1.0,), (0.0,)), "all 0"),
    ],
)
def test_bad_laws_are_refused(make, message):
    with pytest.raises(theory.InvalidProblem, match=message):
        make()


def test_spectrum_below_the_noise_floor_is_refused():
    problem = theory.Problem(features=theory.Spectrum((1e-4, 1.0), (0.0, 0.1)))
    with pytest.raises(theory.InvalidProblem, match="below kappa_star"):
        theory.solve(problem, overparam=1.0, alpha_T=1.0, lam=0.1)


def test_kinds_are_checked():
    with pytest.raises(theory.InvalidProblem, match="features"):
        theory.Problem(features=Gaussian)
