"""Measured features: moments of data, kernels of hidden units, and what solve makes of them."""

import itertools

import mpmath as mp
import numpy as np
import pytest
from scipy import special

from twinpeaks import theory
from twinpeaks.theory.feature_laws import _empirical
from twinpeaks.theory.feature_laws._kernels import kernels

BINARY, NORMAL = theory.Cumulants(kurtosis=-2.0), theory.Cumulants()
ERF = theory.Custom(special.erf, name="erf without its closed forms")


def data(patterns=300, D=12, N=20, seed=0):
    """First layer, inputs of unequal variances, and labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(patterns, D)) * np.linspace(0.4, 1.5, D) + 0.2
    return rng.normal(size=(D, N)), x, np.sign(x[:, 0] + x[:, 1] * x[:, 2])


def linear_problem(features, rho):
    return theory.Problem(
        theory.Identity(), theory.Linear(noise=0.0, rho=rho), theory.Square(), features
    )


@pytest.mark.parametrize("patterns", [15, 400])
def test_a_spectrum_of_data_is_that_of_its_second_moments(patterns, monkeypatch, tmp_path):
    """Also of more features than patterns, in chunks, from a memory map."""
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=(patterns, 30)), rng.normal(size=patterns)
    law = theory.Spectrum.of(z, y)
    omega, vectors = np.linalg.eigh(z.T @ z / patterns)
    np.testing.assert_allclose(law.eigenvalues, omega, atol=1e-13)
    live = omega > 1e-10
    projected = (vectors.T @ (z.T @ y / patterns))[live] ** 2
    np.testing.assert_allclose(np.array(law.alignments)[live], projected, rtol=1e-8)
    assert np.all(np.array(law.eigenvalues)[~live] == 0)
    assert np.all(np.array(law.alignments)[~live] == 0)
    problem = linear_problem(
        law, float(np.mean(y**2))
    )  # what 15 patterns of 30 features explain is all
    assert theory.solve(problem, overparam=0.5, alpha_T=1.0, lam=0.1).status == 0
    monkeypatch.setattr(_empirical, "_NUMBERS", 200)
    held = np.memmap(tmp_path / "z", dtype="f8", mode="w+", shape=z.shape)
    held[:] = z
    again = theory.Spectrum.of(held, y)
    np.testing.assert_allclose(again.eigenvalues, law.eigenvalues, atol=1e-13)


def test_a_missing_number_is_found_in_its_chunk(monkeypatch):
    monkeypatch.setattr(_empirical, "_NUMBERS", 12)
    z = np.ones((10, 3))
    z[7, 2] = np.nan
    with pytest.raises(theory.InvalidProblem, match=r"features\[7, 2\] = nan"):
        theory.Spectrum.of(z, np.arange(10.0))


def test_a_spectrum_takes_tensors():
    torch = pytest.importorskip("torch")
    z, y = np.random.default_rng(2).normal(size=(2, 50, 4))
    found = theory.Spectrum.of(torch.as_tensor(z), torch.as_tensor(y[:, 0]))
    assert found == theory.Spectrum.of(z, y[:, 0])


Z, Y = np.random.default_rng(3).normal(size=(10, 3)), np.arange(10.0)


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (Z[0], Y, r"features have shape \(3,\)"),
        (Z, Y[:5], r"labels has shape \(5,\): give an array of shape \(10\)"),
        (np.where(Z.max() == Z, np.nan, Z), Y, r"features\[.*= nan: give finite"),
        (Z + 1j, Y, "features has dtype complex128: give real"),
        (Z, Y * 1j, "labels has dtype complex128"),
        (Z, np.ones(10), "labels are all 1"),
        (Z, np.full(10, np.inf), r"labels\[0\] = inf"),
        (Z.astype(str), Y, "features has dtype <U32"),
        (0 * Z, Y, "alignments are all 0"),
        (np.zeros((0, 3)), np.zeros(0), r"features have shape \(0, 3\)"),
        (Z * 1e200, Y, "overflow: rescale"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_no_data_is_refused(features, labels, message):
    with pytest.raises(theory.InvalidProblem, match=message):
        theory.Spectrum.of(features, labels)


@pytest.mark.parametrize("lam", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("overparam", [0.4, 2.0])
def test_the_solution_is_the_equivalent_of_ridge_regression(lam, overparam):
    """kappa (P - df_1) = lam N, E = bias / (1 - df_2 / P), and w^T M w for every M, in closed form."""
    F, x, y = data()
    law = theory.MeasuredFeatures.of(F, x, y, laws={"binary": BINARY, "normal": NORMAL})
    problem = linear_problem(law, law.rho)
    found = theory.solve(problem, overparam=overparam, alpha_T=1.0, lam=lam)
    N, P = law.N, law.N / overparam
    z = np.tanh(x @ F / F.shape[0] ** 0.5)
    z -= z.mean(0)
    omega, V = np.linalg.eigh(z.T @ z / len(z))
    b = V.T @ (z.T @ y / len(z))
    kappa = 1.0
    for _ in range(5000):
        kappa = lam * N / P + kappa * np.sum(omega / (omega + kappa)) / P
    R = 1.0 / (omega + kappa)
    error = (law.rho - 2 * b @ (R * b) + b @ (omega * R**2 * b)) / (
        1 - np.sum((omega * R) ** 2) / P
    )
    assert float(found.test_error) == pytest.approx(error, rel=1e-10)

    def form(M):
        return b @ (R[:, None] * (V.T @ M @ V) * R) @ b + error / P * np.trace(
            V.T @ M @ V * (omega * R**2)
        )

    assert float(found.q_d) == pytest.approx(form(np.eye(N)), rel=1e-10)
    assert float(found.Q_d) == pytest.approx(form(z.T @ z / len(z)), rel=1e-10)
    K, L = law.kernels["binary"]
    assert float(found.bmd) == pytest.approx(form(L) / form(K), rel=1e-10)


def test_forms_to_fifty_digits():
    """<M R>, <M Omega R^2> and b^T R M R b by inversion in mpmath, also for a singular Omega."""
    rng = np.random.default_rng(4)
    n, ridge, Vh = 5, 0.1, 0.7
    half = rng.normal(size=(n, 4))
    omega, b = half @ half.T, half @ rng.normal(size=4)
    kernel = [m @ m.T for m in rng.normal(size=(2, n, n))]
    rho = 10.0 * b @ np.linalg.pinv(omega) @ b
    law = theory.MeasuredFeatures(omega, b, rho, {"x": theory.InputKernels(*kernel)})
    found = law.forms(np.ones(1), theory.Identity().moments, rho, np.full(1, ridge), np.full(1, Vh))
    with mp.workdps(50):
        S, v = mp.matrix(omega.tolist()), mp.matrix(b.tolist())
        R = mp.inverse(ridge * mp.eye(n) + Vh * S)
        for form, M in zip(found, [omega, *kernel, np.eye(n)], strict=True):
            A = mp.matrix(M.tolist())
            trace = [mp.fsum((B)[i, i] for i in range(n)) / n for B in (A * R, A * S * R * R)]
            exact = [*trace, (v.T * R * A * R * v)[0]]
            for got, want in zip(form, exact, strict=True):
                assert float(got[0]) == pytest.approx(float(want), rel=1e-12)


def test_kernels_of_erf_are_those_of_williams():
    """E erf(u) erf(v) = (2/pi) asin(2 C / sqrt((1 + 2 C_aa)(1 + 2 C_bb))); L to order 1/D of the exact
    sum over the inputs of what a fresh draw of one leaves of it."""
    worst = []
    for times in (1, 2, 4):  # the same correlations from more inputs
        F = np.tile(np.random.default_rng(5).normal(size=(30, 8)), (times, 1))
        D = len(F)
        K, L = kernels(F, ERF, NORMAL)

        C = F.T @ F / D
        scale = np.sqrt(np.outer(1 + 2 * np.diag(C), 1 + 2 * np.diag(C)))

        def exact(C, scale=scale):
            return 2 / np.pi * np.arcsin(2 * C / scale)

        np.testing.assert_allclose(K, exact(C), atol=1e-11)
        replaced = sum(exact(C) - exact(C - np.outer(f, f) / D) for f in F)
        worst.append(np.abs(L - replaced).max())
    assert worst[0] < 6e-3
    np.testing.assert_allclose(np.divide(worst[1:], worst[:-1]), 0.25, rtol=0.15)


@pytest.mark.parametrize("p", [0.5, 0.25])
def test_kernels_of_two_valued_inputs(p):
    """All 2^12 inputs, each by its probability: the next order in 1/D takes away nine tenths."""
    D, N = 12, 6
    F = np.random.default_rng(6).normal(size=(D, N)) + 0.5
    values = np.array([-1.0, 1.0]) * 0.8
    x = np.array(list(itertools.product(values, repeat=D)))
    chance = np.prod(np.where(x > 0, p, 1 - p), axis=1)
    law = theory.Cumulants(
        mean=0.8 * (2 * p - 1),
        variance=0.64 * 4 * p * (1 - p),
        skewness=(1 - 2 * p) / np.sqrt(p * (1 - p)),
        kurtosis=(1 - 6 * p * (1 - p)) / (p * (1 - p)),
    )
    z = np.tanh(x @ F / D**0.5)
    mean = chance @ z
    K = (z - mean).T @ (chance[:, None] * (z - mean))
    L = np.zeros((N, N))
    for i in range(D):
        flipped = x.copy()
        flipped[:, i] *= -1
        d = np.tanh(flipped @ F / D**0.5) - z
        L += d.T @ (chance[:, None] * np.where(x[:, i] > 0, 1 - p, p)[:, None] * d) / 2
    gaussian = theory.Cumulants(law.mean, law.variance)
    for exact, order, leading in zip(
        (K, L), kernels(F, theory.Tanh(), law), kernels(F, theory.Tanh(), gaussian), strict=True
    ):
        scale = np.abs(exact).max()
        assert np.abs(order - exact).max() < 0.015 * scale
        if p != 0.5:
            assert np.abs(order - exact).max() < 0.25 * np.abs(leading - exact).max()


def test_kinks_keep_to_leading_order():
    D, N = 20, 10
    F = np.random.default_rng(7).normal(size=(D, N))
    K, L = kernels(F, theory.ReLU(), BINARY)
    C = F.T @ F / D
    s = np.sqrt(np.diag(C))
    rho = np.clip(C / np.outer(s, s), -1, 1)
    angle = np.arccos(rho)
    K0 = np.outer(s, s) * (np.sin(angle) + rho * (np.pi - angle) - 1) / (2 * np.pi)
    np.testing.assert_allclose(K, K0, atol=1e-12)
    np.testing.assert_allclose(L, C * (np.pi - angle) / (2 * np.pi), atol=1e-7)


def test_wide_inputs_have_the_moments_of_the_activation():
    """D -> infinity with orthogonal units: K = kappa_1^2 + kappa_star^2 and L = kappa_1^2 + kappa'_star^2."""
    D = 4096
    F = np.random.default_rng(8).choice([-1.0, 1.0], size=(D, 3))
    k = theory.Tanh().moments
    K, L = kernels(F, theory.Tanh(), BINARY)
    np.testing.assert_allclose(np.diag(K), k.kappa_1**2 + k.kappa_star**2, rtol=2 / D)
    np.testing.assert_allclose(np.diag(L), k.kappa_1**2 + k.dkappa_star**2, rtol=4 / D)


def test_marginals_are_cumulants():
    x = np.array([[0.0, 1.0, 3.0], [0.0, 1.0, 3.0], [1.0, 1.0, 3.0], [1.0, 2.0, 3.0]])
    law = theory.Cumulants.of(x)
    np.testing.assert_allclose(law.mean, [0.5, 1.25, 3.0])
    np.testing.assert_allclose(law.variance, [0.25, 0.1875, 0.0])
    np.testing.assert_allclose(law.skewness, [0.0, 2 / 3**0.5, 0.0])
    np.testing.assert_allclose(law.kurtosis, [-2.0, -2 + 4 / 3, 0.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: theory.Cumulants(variance=-1.0), "variance = -1"),
        (lambda: theory.Cumulants(kurtosis=-2.1), r"kurtosis is less than skewness\^2 - 2"),
        (lambda: theory.Cumulants(mean=[0.0, np.nan]), r"mean\[1\] = nan"),
        (lambda: theory.Cumulants([0.0, 1.0], [1.0, 1.0, 1.0]), r"lengths \[2, 3\]"),
        (lambda: theory.Cumulants("a"), "mean has dtype"),
        (lambda: theory.Cumulants.of([1.0, 2.0]), r"inputs has shape \(2,\)"),
    ],
)
def test_cumulants_that_no_law_has(make, message):
    with pytest.raises(theory.InvalidProblem, match=message):
        make()


F0, X0, Y0 = data()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"F": F0[:, 0]}, r"F has shape \(12,\)"),
        ({"inputs": X0[:, :5]}, "F has 12 rows"),
        ({"inputs": X0 * 1j}, "inputs has dtype complex"),
        ({"labels": np.ones(300)}, "labels are all 1"),
        ({"activation": np.tanh}, "give an instance of tp.Activation"),
        ({"activation": theory.Custom(np.sign)}, "jumps at .*smooth the activation"),
        ({"laws": {}}, "give a mapping of names to laws"),
        ({"laws": {"a": (0, 1)}}, r"laws\['a'\] = \(0, 1\): give a law of independent columns"),
        ({"laws": {"a": theory.Cumulants([0.0, 1.0])}}, "cumulants of 2 inputs for 12"),
        (
            {"laws": {"a": theory.Cumulants(variance=0.0)}},
            "unit 0 has a pre-activation of variance 0",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(change, message):
    given = {"F": F0, "inputs": X0, "labels": Y0, **change}
    with pytest.raises(theory.InvalidProblem, match=message):
        theory.MeasuredFeatures.of(**given)


def test_questions_that_measured_features_cannot_answer():
    law = theory.MeasuredFeatures.of(F0, X0, Y0)
    problem = linear_problem(law, law.rho)
    curve = theory.solve(problem, overparam=1.0, alpha_T=1.0, lam=0.1)
    with pytest.raises(theory.InvalidProblem, match="give activation=Identity"):
        problem.replace(activation=theory.Tanh())
    with pytest.raises(theory.InvalidProblem, match=r"rho=features\.rho"):
        problem.replace(teacher=theory.Linear(noise=0.0, rho=2.0))
    with pytest.raises(theory.InvalidProblem, match="give a finite overparam"):
        theory.solve(problem, overparam=np.inf, alpha_T=1.0, lam=0.1)
    with pytest.raises(theory.InvalidProblem, match="not its Fourier weights"):
        theory.noise_stability(problem, curve, 0.5)
    with pytest.raises(theory.InvalidProblem, match="not its Fourier weights"):
        theory.fourier_weights(problem, curve, 3)
    with pytest.raises(theory.InvalidProblem, match=r"features\.spectrum"):
        theory.solve_from_start(problem, theory.GaussianStart(), overparam=2.0, alpha_T=1.0)
    with pytest.raises(ValueError, match="use flip_rate"):
        theory.robust_test_error(problem, curve, 0.5)
    with pytest.raises(theory.InvalidProblem, match="no prior"):
        law.teacher_prior()
    with pytest.raises(theory.InvalidProblem, match="give a number of features from 1 to 20"):
        law.first(21)
    signs = problem.replace(teacher=theory.Sign(rho=law.rho))
    curve = theory.solve(signs, overparam=1.0, alpha_T=1.0, lam=0.1)
    assert 0 < float(theory.flip_rate(signs, curve, 0.5)) < 1
    with pytest.raises(ValueError, match="norm='l2'"):
        theory.flip_rate(signs, curve, 0.5, norm="linf")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((np.eye(2), [1.0, 1.0], 1.0, {}), r"explains 2 of E\[y\^2\] = 1"),
        ((np.eye(2), [1.0, 1.0], 0.0, {}), r"rho = 0.0: give E\[y\^2\] > 0"),
        ((np.eye(3), [1.0, 1.0], 1.0, {}), r"covariance has shape \(3, 3\)"),
        ((np.eye(1), [1.0], 1.0, {"a": (np.eye(1), np.eye(2))}), r"kernels\['a'\] has shape"),
    ],
)
def test_moments_that_no_patterns_have(given, message):
    with pytest.raises(theory.InvalidProblem, match=message):
        theory.MeasuredFeatures(*given)


def test_without_a_law_the_read_out_is_that_of_a_spectrum():
    law = theory.MeasuredFeatures.of(F0, X0, Y0)
    bare = theory.MeasuredFeatures(law.covariance, law.cross, law.rho, {})
    at = {"overparam": 0.5, "alpha_T": 1.0, "lam": 0.1}
    one, other = (theory.solve(linear_problem(f, law.rho), **at) for f in (bare, bare.spectrum))
    for name in ("bmd", "test_error", "free_energy"):
        assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-12)
    assert float(one.bmd) == 1.0


def test_the_first_features_are_features():
    law, part = (theory.MeasuredFeatures.of(F, X0, Y0) for F in (F0, F0[:, :7]))
    np.testing.assert_allclose(law.first(7).spectrum.eigenvalues, part.spectrum.eigenvalues)
    # as many degrees as the largest correlation of all units asks for
    for one, other in zip(law.first(7).kernels["binary"], part.kernels["binary"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    assert repr(law.first(7)) != repr(law)
    assert repr(law) == repr(theory.MeasuredFeatures.of(F0, X0, Y0))


def test_no_ridge_is_a_limit():
    """lam = 0 below and above the threshold continues lam -> 0, the mean dimension too."""
    law = theory.MeasuredFeatures.of(F0, X0, Y0)
    problem = linear_problem(law, law.rho)
    curve = theory.solve(problem, overparam=[0.5, 2.0], alpha_T=1.0, lam=[0.0, 1e-9])
    for name in ("test_error", "bmd"):
        np.testing.assert_allclose(*curve[name].values.T, rtol=1e-5)
