"""Marchenko-Pastur: the resolvent, the traces, and sampled matrices."""

import mpmath as mp
import numpy as np
import pytest
from components import LAWS, MOMENTS, NumpyRandom
from hypothesis import given, settings, strategies as st
from reference import spectral_means

from twinpeaks import theory
from twinpeaks.theory.feature_laws.gaussian import Gaussian


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
        (F,), _ = Gaussian().sample(D, N, MOMENTS, 1.0, NumpyRandom(seed))
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


def linear_equivalent(layers, w, D):
    """S, the forms M_j and E[z nu] of drawn layers, by the recursion of the layers' covariances."""
    v = MOMENTS.kappa_1**2 + MOMENTS.kappa_star**2
    hidden, nu = [np.eye(D)], w / D**0.5
    for F in layers[:-1]:
        n = F.shape[0]
        hidden = [K1 / v * F.T @ M @ F / n for M in hidden] + [np.eye(F.shape[1])]
        nu = (K1 / v) ** 0.5 * F.T @ nu / n**0.5
    F = layers[-1]
    n = F.shape[0]
    weights = [1.0] + [KS / v] * (len(layers) - 1)
    forms = [K1 * F.T @ M @ F / n for M in hidden]
    S = sum(a * M for a, M in zip(weights, forms, strict=True)) / K1
    return S, [*forms, np.eye(F.shape[1])], MOMENTS.kappa_1 * F.T @ nu / n**0.5


@pytest.mark.parametrize("c", [0.4, 2.5])
@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_traces_of_sampled_features(law, c):
    """Explicit matrix algebra on drawn layers and w_T, mean of 10 draws at D = 160.

    R by inversion, the teacher's traces as quadratic forms of E[z nu].
    Tolerance: 5 standard errors plus 2 % for the 1/D corrections, p < 1e-5 a trace.
    """
    ridge, Vh, rho = 0.05, 0.8, 1.3
    N, D = (400, 160) if c > 1 else (64, 160)
    if isinstance(law, theory.Spectrum):
        D = N  # it needs as many inputs as it has eigenvalues
    rows = []
    for seed in range(10):
        layers, w = law.sample(D, N, MOMENTS, rho, NumpyRandom(seed))
        assert [F.shape[1] for F in layers] == [*law.hidden(D), N]
        assert w @ w == pytest.approx(rho * D)
        S, forms_, phi = linear_equivalent(layers, w, D)
        omega = K1 * S + KS * np.eye(N)
        R = np.linalg.inv(ridge * np.eye(N) + Vh * omega)
        matrices = [R, S @ R, omega @ R, omega @ R @ R, S @ omega @ R @ R]
        forms = [R, R @ R, R @ S @ R]
        row = [np.trace(a) / N for a in matrices] + [phi @ a @ phi for a in forms]
        row.append(-np.linalg.slogdet(R)[1] / N)
        for M in forms_:
            row += [np.trace(M @ R) / N, np.trace(M @ omega @ R @ R) / N, phi @ R @ M @ R @ phi]
        rows.append(row)
    mean, se = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(len(rows))
    arguments = (np.full(1, ridge), np.full(1, Vh))
    found = law.traces(np.full(1, c), MOMENTS, rho, *arguments)
    exact = [float(a[0]) for a in found]
    exact.append(float(law.log_det(np.full(1, c), MOMENTS, *arguments)[0]))
    names = [*found._fields, "log_det"]
    for j, form in enumerate(law.forms(np.full(1, c), MOMENTS, rho, *arguments)):
        exact += [float(a[0]) for a in form]
        names += [f"{name} of form {j}" for name in form._fields]
    for name, got, want, error in zip(names, mean, exact, se, strict=True):
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


@pytest.mark.parametrize("c", [0.3, 4.0])
def test_wide_hidden_layers_are_one_layer(c):
    """Widths -> infinity: one layer of Gaussian features whose kernel is the composed kernel.

    kappa_1^2 a^2 x.x' is what stays linear; noise and influence coefficients compose by the chain rule.
    """
    v = K1 + KS
    a, b, slope = K1 / v, KS / v, MOMENTS.dkappa_star**2 / v
    linear, noise = K1 * a * a, KS + K1 * (b + a * b)
    influence = (a + slope) ** 2 * (K1 + MOMENTS.dkappa_star**2)
    one = theory.HermiteMoments(0.0, linear**0.5, noise**0.5, (influence - linear) ** 0.5)
    at = (np.full(1, c), MOMENTS, 1.3, np.full(1, 0.02), np.full(1, 0.8))
    deep, wide = theory.Deep(widths=(1e9, 1e9)), Gaussian()
    found, exact = deep.traces(*at), wide.traces(at[0], one, *at[2:])
    for name in ("R", "OmegaR", "OmegaR2", "TR", "TR2"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), rel=1e-7), name
    for column in range(3):
        many, two = (
            sum(
                w * f[column]
                for w, f in zip(law.influences(m), law.forms(at[0], m, *at[2:]), strict=True)
            )
            for law, m in ((deep, MOMENTS), (wide, one))
        )
        assert many == pytest.approx(two, rel=1e-7)


def test_forms_sum_to_the_covariance():
    """Omega = sum kernel_j M_j, so the forms add up to the traces of Omega."""
    law, v = theory.Deep(widths=(0.6, 1.7)), K1 + KS
    at = (np.array([0.5, 3.0]), MOMENTS, 1.3, np.full(2, 1e-6), np.array([0.1, 5.0]))
    kernel, forms, traces = (1.0, KS / v, KS / v, KS), law.forms(*at), law.traces(*at)
    thermal, noise, signal = (
        sum(w * f[i] for w, f in zip(kernel, forms, strict=True)) for i in range(3)
    )
    assert thermal == pytest.approx(traces.OmegaR, rel=1e-12)
    assert noise == pytest.approx(K1 * traces.SOmegaR2 + KS * traces.OmegaR2, rel=1e-12)
    assert signal == pytest.approx(K1 * traces.TSR2 + KS * traces.TR2, rel=1e-12)


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
        (lambda: theory.Deep(widths=(1.0, 0.0)), "widths = "),
        (lambda: theory.Deep(widths="wide"), "widths = 'wide'"),
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
    law = theory.Spectrum((1e-4, 1.0), (0.0, 0.1))
    with pytest.raises(theory.InvalidProblem, match="below kappa_star"):
        theory.Problem(features=law)


def test_alignments_beyond_the_variance_of_the_teacher_are_refused():
    """sum theta / omega is what linear features explain of rho: 0.8, and 1.4."""
    linear = theory.Problem(activation=theory.Identity())
    linear.replace(features=theory.Spectrum((1.0, 1.0), (0.4, 0.4)))
    linear.replace(features=theory.Spectrum((2.0, 1.0), (2.0, 0.0)))  # all of it, exactly
    with pytest.raises(theory.InvalidProblem, match=r"explain 1.4 of the teacher's variance"):
        linear.replace(features=theory.Spectrum((1.0, 1.0), (0.7, 0.7)))
    with pytest.raises(theory.InvalidProblem, match="for an eigenvalue of 0"):
        theory.Spectrum((1.0, 0.0), (0.5, 0.1))


def test_rounding_of_a_measured_spectrum_is_zero():
    """Fewer patterns than features: ridge regression on the measured covariance, from either form."""
    x = np.random.default_rng(0).standard_normal((50, 80))
    y = x[:, 0]
    omega, u = np.linalg.eigh(x.T @ x / 50)
    align = (u.T @ (x.T @ y) / 50) ** 2
    assert omega[0] < 1e-12  # one of thirty that are rounding
    exact = [np.where(np.arange(80) < 30, 0.0, a) for a in (omega, align)]
    got, want = (
        theory.solve(
            theory.Problem(
                theory.Identity(),
                theory.Linear(noise=0.0, rho=float(y @ y / 50)),
                features=theory.Spectrum(*pair),
            ),
            overparam=1.0,
            alpha_T=1.0,
            lam=[1e-3, 0.1],
        )
        for pair in ((omega, align), exact)
    )
    np.testing.assert_allclose(got.test_error, want.test_error, rtol=1e-12)
    with pytest.raises(theory.InvalidProblem, match="eigenvalues contains -1e-06"):
        theory.Spectrum((1.0, -1e-6), (0.5, 0.0))


def test_kinds_are_checked():
    with pytest.raises(theory.InvalidProblem, match="features"):
        theory.Problem(features=Gaussian)


@pytest.mark.parametrize(
    ("exponent", "teacher_exponent"), [(0.3, 0.2), (0.5, 0.4), (0.95, 0.0), (0.9, -0.5), (0.0, 0.9)]
)
def test_power_laws_are_integrated_into_their_tails(exponent, teacher_exponent):
    """Both measures diverge at x = 0, where a fixed cut loses the more the steeper they are."""
    law = theory.PowerLaw(exponent, teacher_exponent)
    e, both = mp.mpf(exponent), mp.mpf(exponent) + mp.mpf(teacher_exponent)
    p = 1 / (1 - max(e, both))
    for k in (1e-6, 1e-2, 1.0, 1e4):
        found = law.population(MOMENTS).sums(np.array([k]))
        turn = float(mp.log(1 / mp.mpf(k)) / (p * e)) if e and k < 1 else 1.0
        cuts = sorted({0.0, 1.0, 5.0, 20.0, 80.0, turn, turn + 3.0, max(0.5 * turn, 0.1)})

        def mean(f, weight, cuts=cuts):
            """Over x = u^p, u = exp(-v)."""

            def integrand(v):
                u = mp.exp(-v)
                return weight(u) * f((1 - e) * u ** (-p * e))

            with mp.workdps(25):
                return float(mp.quad(integrand, cuts))

        wanted = [
            mean(f, weight)
            for weight in (
                lambda u: p * u**p,
                lambda u: (1 - both) * p * u ** (p * (1 - both)),
            )
            for f in (
                lambda s, k=k: s / (1 + k * s),
                lambda s, k=k: s / (1 + k * s) ** 2,
                lambda s, k=k: (s / (1 + k * s)) ** 2,
            )
        ]
        assert [float(a[0]) for a in found[1:7]] == pytest.approx(wanted, rel=1e-10)
