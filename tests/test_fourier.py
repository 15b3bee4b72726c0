"""Degree spectrum and noise stability: sum rules, closed forms, finite networks."""

import numpy as np
import pytest
import torch
from components import LAWS
from scipy import special

from twinpeaks import measure, theory
from twinpeaks.simulate.draw import draw_instance, streams_of
from twinpeaks.simulate.train import train
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom
from twinpeaks.theory.activations import Activation

CPU = torch.device("cpu")
LEVELS = np.array([-1.0, -0.99, -0.4, 0.0, 0.3, 0.9, 0.999, 1 - 1e-9, 1.0])
NARROW = theory.Custom(lambda x: np.maximum(x - 0.3, 0.2 * (x - 0.3)), name="leaky")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# --- the kernel of an activation ---------------------------------------------------------------


def test_kernels_in_closed_form():
    """Arcsine and arc-cosine kernels, at points that are known by hand."""
    assert theory.Erf().correlation(0.5) == pytest.approx(2 / np.pi * np.arcsin(1 / 3), rel=1e-14)
    relu = theory.ReLU().correlation([-1.0, 0.0, 1.0])
    assert relu == pytest.approx([0.0, 1 / (2 * np.pi), 0.5], abs=1e-15)
    np.testing.assert_array_equal(theory.Identity().correlation(LEVELS), LEVELS)


@pytest.mark.parametrize("activation", [theory.ReLU(), theory.Erf(), theory.Identity()], ids=repr)
def test_quadrature_meets_closed_form(activation):
    """Also within 1e-9 of rho = 1, where kinks bend the inner average over 3e-5."""
    found = Activation._correlation(activation, LEVELS)
    np.testing.assert_allclose(found, activation.correlation(LEVELS), rtol=0, atol=3e-15)


def test_jumps_and_undeclared_kinks():
    """sign: (2/pi) asin(rho); a leaky ReLU is a sum of an identity and a shifted ReLU."""
    step = theory.Custom(np.sign, name="step")
    np.testing.assert_allclose(
        step.correlation(LEVELS), 2 / np.pi * np.arcsin(LEVELS), rtol=0, atol=3e-15
    )
    declared = theory.Custom(NARROW.function, kinks=(0.3,), name="declared")
    found = NARROW.correlation(LEVELS)
    np.testing.assert_allclose(found, declared.correlation(LEVELS), rtol=0, atol=1e-11)
    kappa = NARROW.hermite(1500)
    series = [np.sum(kappa**2 * r ** np.arange(1501)) for r in LEVELS[2:6]]
    np.testing.assert_allclose(found[2:6], series, rtol=0, atol=1e-14)


@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU(), NARROW], ids=repr)
def test_ends_of_the_kernel_are_moments(activation):
    moments = activation.moments
    total = moments.kappa_0**2 + moments.kappa_1**2 + moments.kappa_star**2
    at_zero, at_one = activation.correlation([0.0, 1.0])
    assert at_zero == pytest.approx(moments.kappa_0**2, abs=1e-14)
    assert at_one == pytest.approx(total, rel=1e-11)
    # K'(1) = E sigma'^2; what is missing is of order sqrt(1 - rho) with a kink
    d = 1e-8
    slope = (at_one - float(activation.correlation(1 - d))) / d
    assert slope == pytest.approx(moments.kappa_1**2 + moments.dkappa_star**2, rel=1e-3)


def test_a_correlation_beyond_one_is_refused():
    with pytest.raises(ValueError, match=r"rho = 1\.5"):
        theory.Tanh().correlation([0.2, 1.5])


# --- sum rules -----------------------------------------------------------------------------------

CASES = [
    theory.Problem(loss=theory.Logistic()),
    theory.Problem(activation=theory.ReLU(), teacher=theory.Probit(0.2)),
    theory.Problem(activation=theory.Custom(lambda x: np.tanh(2 * x) + 0.1 * x, name="bent")),
    *(theory.Problem(features=law) for law in LAWS if not isinstance(law, theory.Spectrum)),
]


@pytest.mark.parametrize("student", ["sample", "mean"])
@pytest.mark.parametrize("problem", CASES, ids=repr)
def test_sum_rules(problem, student):
    """Stab_1 = sum W_k = Q, Stab'_1 = sum k W_k = BMD Q: the solver's own numbers, warm and cold."""
    curve = theory.solve(
        problem, overparam=[0.4, 3.0, np.inf], alpha_T=2.0, lam=0.01, beta=[4.0, np.inf]
    )
    Q, bmd = (curve.Q_d, curve.bmd) if student == "sample" else (curve.Q_0, curve.bmd_mean)
    weights = theory.fourier_weights(problem, curve, 300, student=student)
    total = weights.sum("degree")
    assert abs((total + weights.remainder) / Q - 1).max() < 1e-10
    h = 1e-7
    stability = theory.noise_stability(problem, curve, [1.0, 1 - h], student=student)
    assert abs(stability.sel(rho=1.0) / Q - 1).max() < 1e-10
    slope = (stability.sel(rho=1.0) - stability.sel(rho=1 - h)) / h
    kinked = isinstance(problem.activation, theory.ReLU)
    assert abs(slope / (bmd * Q) - 1).max() < (1e-3 if kinked else 3e-6)
    if not kinked:  # its series in k W_k converges like 1/sqrt(k)
        assert abs((weights * weights.degree).sum("degree") / (bmd * Q) - 1).max() < 1e-9
    assert weights.dims == ("overparam", "beta", "degree")


@pytest.mark.parametrize("problem", CASES, ids=repr)
def test_stability_is_the_generating_function_of_the_weights(problem):
    """A composition of kernels on one side, a composition of power series on the other."""
    curve = theory.solve(problem, overparam=[0.4, 3.0], alpha_T=2.0, lam=0.01)
    rho = np.array([-0.7, 0.1, 0.6])
    weights = theory.fourier_weights(problem, curve, 120)
    series = (weights * weights.degree.copy(data=np.ones(120))).values @ (
        rho ** np.arange(1, 121)[:, None]
    )
    found = theory.noise_stability(problem, curve, rho)
    np.testing.assert_allclose(found, series, rtol=1e-11, atol=1e-13)
    assert float(abs(found.sel(rho=-0.7)).max()) > 0.01


def test_one_layer_by_hand():
    """W_1 = kappa_1^2 p, W_3 = kappa_3^2 q with kappa_3 by Gauss-Hermite; a truncated tail is kept."""
    problem = theory.Problem()
    curve = theory.solve(problem, overparam=0.8, alpha_T=3.0, lam=1e-3)
    x, weight = special.roots_hermitenorm(120)
    weight = weight / np.sqrt(2 * np.pi)
    kappa_3 = np.sum(weight * np.tanh(x) * (x**3 - 3 * x)) / np.sqrt(6)
    found = theory.fourier_weights(problem, curve, degrees=4)
    k1 = problem.activation.moments.kappa_1
    assert float(found.sel(degree=1)) == pytest.approx(k1**2 * float(curve.p_d), rel=1e-12)
    assert float(found.sel(degree=3)) == pytest.approx(kappa_3**2 * float(curve.q_d), rel=1e-9)
    assert abs(found.sel(degree=[2, 4])).max() < 1e-25
    assert float(found.remainder / curve.Q_d) == pytest.approx(
        1 - float(found.sum()) / float(curve.Q_d), abs=1e-12
    )


def test_deep_features_of_infinite_width_are_one_layer_of_the_composed_kernel():
    """Widths -> infinity, two hidden layers: K(t(t(rho))), computed here on a grid of rho."""
    problem = theory.Problem(features=theory.Deep(widths=(1e9, 1e9)))
    moments = problem.activation.moments
    k1, v = moments.kappa_1**2, moments.kappa_1**2 + moments.kappa_star**2
    curve = theory.solve(problem, overparam=1.3, alpha_T=2.0, lam=0.05)
    rho = np.linspace(-1, 1, 9)
    kernel = problem.activation.correlation
    composed = kernel(kernel(kernel(rho) / v) / v)
    # one layer of Gaussian features with this kernel: slope a^2 kappa_1^2 at 0 and the rest is noise
    a = k1 / v
    linear = a * a * k1
    p = float(curve.Q_d - v * curve.q_d + linear * curve.q_d) / linear  # kappa_star^2 = v - linear
    expected = linear * rho * p + (composed - linear * rho) * float(curve.q_d)
    found = theory.noise_stability(problem, curve, rho)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


# --- refusals --------------------------------------------------------------------------------------


def test_another_problem_is_refused_and_failed_points_are_nan():
    problem = theory.Problem()
    curve = theory.solve(problem, overparam=[0.5, 1.0], alpha_T=3.0, lam=0.0, throw=False)
    other = theory.Problem(loss=theory.Logistic())
    for function, last in ((theory.noise_stability, 0.5), (theory.fourier_weights, 3)):
        with pytest.raises(ValueError, match=r"belongs to Problem\(.*Square.*Logistic"):
            function(other, curve, last)
        found = function(problem, curve, last)
        assert np.isfinite(found.isel(overparam=0)).all()
        assert np.isnan(found.isel(overparam=1)).all()
    with pytest.raises(ValueError, match=r"rho = -2: .* in \[-1, 1\]"):
        theory.noise_stability(problem, curve, [0.1, -2.0])
    with pytest.raises(ValueError, match="degrees = 0"):
        theory.fourier_weights(problem, curve, 0)
    with pytest.raises(ValueError, match="student = 'both'"):
        theory.fourier_weights(problem, curve, student="both")


def test_deep_features_above_the_ridgeless_threshold_say_what_is_missing():
    problem = theory.Problem(features=theory.Deep())
    below = theory.solve(problem, overparam=0.5, alpha_T=1.0, lam=0.0)
    total = theory.noise_stability(problem, below, 1.0)
    assert float(total) == pytest.approx(float(below.Q_d), rel=1e-9)
    above = theory.solve(problem, overparam=3.0, alpha_T=1.0, lam=0.0)
    with pytest.raises(ValueError, match="small lam"):
        theory.noise_stability(problem, above, 0.5)


# --- the estimators, and finite networks ---------------------------------------------------------------


def test_estimators_on_a_polynomial():
    """x_1 x_2 + x_3 + 2 x_4 x_5 x_6 + 5: weights (1, 1, 4, 0), |z| < 4.5 (p < 1e-4 for 12 numbers)."""

    def f(x):
        return x[:, 0] * x[:, 1] + x[:, 2] + 2 * x[:, 3] * x[:, 4] * x[:, 5] + 5

    found = measure.degree_weights(f, 9, 4, samples=3000, random=3)
    assert np.all(np.abs(found.value - [1, 1, 4, 0]) < 4.5 * found.standard_error)
    assert np.all(found.standard_error < 0.2)
    rho = np.array([-0.5, 0.0, 0.3, 1.0])
    for inputs in ("hypercube", "gaussian"):
        found = measure.noise_stability(f, 9, rho, 40_000, 4, inputs=inputs)
        error = np.abs(found.value - (rho + rho**2 + 4 * rho**3))
        assert np.all(error < 4.5 * found.standard_error)
        assert np.all(found.standard_error < 0.15)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rho": 1.2}, r"rho = 1\.2"),
        ({"samples": 1}, "samples = 1"),
        ({"inputs": "sphere"}, "inputs = 'sphere'"),
        ({"random": np.random.default_rng(0)}, "random = "),
    ],
)
def test_estimator_refuses(arguments, words):
    given = {"rho": 0.5, "samples": 10, "random": 0, **arguments}
    with pytest.raises(ValueError, match=words):
        measure.noise_stability(lambda x: x[:, 0], 3, **given)


def network(problem, D, overparam, lam, seed):
    """A trained network as a function of a batch of inputs."""
    P = 3 * D
    N = round(overparam * P)
    streams = streams_of(seed, D, N, P, CPU)
    instance = draw_instance(problem, D, N, P, streams["training"], Workspace(CPU, 2**24))
    w = train(problem.loss, instance.design, instance.y, np.array([lam])).weights[:, 0]
    return lambda x: instance.layers(torch.as_tensor(x)) @ w / N**0.5


NETWORKS = [
    theory.Problem(loss=theory.Logistic()),
    theory.Problem(activation=theory.ReLU()),
    theory.Problem(features=theory.Deep(widths=(1.5,))),
]


@pytest.mark.parametrize("problem", NETWORKS, ids=repr)
def test_finite_networks(problem):
    """D = 80, 10 seeds: shares of degrees 1 and 2, Stab_rho / Q on both input laws, at N/P = 0.8.

    Means over seeds against theory: 6 standard errors of 9 degrees of freedom, p < 2e-4 a number, plus
    1/D for corrections of that order; of 8 numbers a problem, a true theory fails in fewer than 2e-3.
    """
    D, rho = 80, np.array([-0.6, 0.5, 0.9])
    curve = theory.solve(problem, overparam=0.8, alpha_T=3.0, lam=0.01)
    rows = []
    for seed in range(10):
        f = network(problem, D, 0.8, 0.01, seed)
        row = [measure.degree_weights(f, D, 2, 1500, seed).value]
        for inputs in ("hypercube", "gaussian"):
            found = measure.noise_stability(f, D, [*rho, 1.0], 4000, seed, inputs=inputs).value
            row.append(found[:-1] / found[-1])
            if inputs == "hypercube":
                row[0] = row[0] / found[-1]
        rows.append(np.concatenate(row))
    mean, se = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(10)
    shares = theory.fourier_weights(problem, curve, 2) / curve.Q_d
    stability = theory.noise_stability(problem, curve, rho) / curve.Q_d
    exact = np.concatenate([shares, stability, stability])
    assert np.all(np.abs(mean - exact) < 6 * se + 1 / D)
    assert exact[2] < -0.2  # Stab at a negative correlation
    assert np.all(se < 0.04)


def test_seeds_are_streams_too():
    stream = TorchRandom.from_seed(5)
    by_stream = measure.noise_stability(lambda x: x[:, 0], 2, 0.3, 50, stream)
    by_seed = measure.noise_stability(lambda x: x[:, 0], 2, 0.3, 50, 5)
    assert float(by_stream.value) == float(by_seed.value)
