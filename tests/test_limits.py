"""Limits in which the equations reduce to results known in closed form, or to simpler equations."""

import numpy as np
import pytest
from scipy import integrate, optimize
from scipy.special import expit, ndtr

from twinpeaks import theory
from twinpeaks.theory.feature_laws.gaussian import Gaussian

LOSSES = {"Square": theory.Square(), "Logistic": theory.Logistic()}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU()], ids=repr)
def test_strong_regularisation_is_the_hebb_rule(loss, activation):
    """lam -> infinity: w = -sum_mu l'(y, 0) z_mu / (lam sqrt(N)), whose moments are elementary."""
    alpha_T, rho = 2.0, 0.7
    overparam = np.array([0.1, 1.0, 8.0])
    alpha, c = 1 / overparam, alpha_T * overparam
    lam = 1e8
    problem = theory.Problem(activation, theory.Sign(rho), LOSSES[loss])
    got = theory.solve(problem, overparam=overparam, alpha_T=alpha_T, lam=lam)
    slope = {"Square": 1.0, "Logistic": 0.5}[loss]
    k1, ks = activation.moments.kappa_1**2, activation.moments.kappa_star**2
    mh = alpha * slope * np.sqrt(2 / (np.pi * rho))
    Qh = alpha * slope**2
    # <S> = 1, <S^2> = 1 + c
    s1, s2 = 1.0, 1 + c
    q = Qh * (k1 * s1 + ks) + mh**2 * c * rho * k1 * s1
    p = Qh * (k1 * s2 + ks * s1) + mh**2 * c * rho * k1 * s2
    m = mh * c * rho * k1 * s1
    assert got.V.values * lam == pytest.approx(np.full(3, k1 + ks), rel=1e-6)
    assert got.q_d.values * lam**2 == pytest.approx(q, rel=1e-6)
    assert got.p_d.values * lam**2 == pytest.approx(p, rel=1e-6)
    assert got.m.values * lam == pytest.approx(m, rel=1e-6)
    Q = k1 * p + ks * q
    assert got.test_error.values == pytest.approx(np.arccos(m / np.sqrt(rho * Q)) / np.pi, rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_few_features_learn_nothing(loss):
    """overparam -> 0 at fixed P/D: N/D -> 0, S -> 1, and the test error tends to 1/2."""
    got = theory.solve(
        theory.Problem(loss=LOSSES[loss]), overparam=[1e-5, 1e-7], alpha_T=3.0, lam=1e-3
    )
    moments = theory.Tanh().moments
    k1, ks, d = moments.kappa_1**2, moments.kappa_star**2, moments.dkappa_star**2
    limit = {"Square": 0.5, "Logistic": np.log(2)}[loss]
    assert got.bmd.values[1] == pytest.approx((k1 + d) / (k1 + ks), rel=1e-5)
    assert got.train_loss.values[1] == pytest.approx(limit, rel=1e-5)
    # cos of the angle scales as sqrt(N/D)
    cosine = np.cos(np.pi * got.test_error.values)
    assert cosine[0] / cosine[1] == pytest.approx(10.0, rel=1e-3)


@pytest.mark.parametrize("activation", [theory.Identity(), theory.Tanh(), theory.ReLU()], ids=repr)
def test_many_features_are_kernel_ridge_regression(activation):
    """overparam -> infinity: ridge regression on x with penalty (lam + kappa_star^2) / kappa_1^2.

    Its overlaps follow from the resolvent of X^T X / D alone.
    """
    lam, alpha_T = 0.03, np.array([0.5, 1.0, 3.0])
    k1, ks = activation.moments.kappa_1**2, activation.moments.kappa_star**2
    ridge = (lam + ks) / k1

    def g(z):
        return Gaussian.resolvent(z / alpha_T, 1 / alpha_T) / alpha_T

    h = 1e-5 * ridge
    g1, g2 = g(ridge), -(g(ridge + h) - g(ridge - h)) / (2 * h)
    tau = np.sqrt(2 / np.pi)
    m = tau * (1 - ridge * g1)
    linear = tau**2 * (1 - 2 * ridge * g1 + ridge**2 * g2) + (1 - tau**2) * (g1 - ridge * g2)
    problem = theory.Problem(activation)
    got = theory.solve(problem, overparam=[1e5, 1e7], alpha_T=alpha_T, lam=lam).isel(overparam=1)
    assert got.m.values == pytest.approx(m, rel=1e-5)
    assert (k1 * got.p_d).values == pytest.approx(linear, rel=1e-5)
    assert got.bmd.values == pytest.approx(np.ones(3), abs=1e-5)


def test_linear_features_are_logistic_regression():
    """sigma = identity and N/D -> infinity: the textbook equations of logistic regression on x."""
    lam, alpha_T = 0.1, 3.0

    def prox(omega, V):
        return optimize.brentq(lambda t: t - omega - V * expit(-t), omega - 1, omega + V + 1)

    def hats(V, Q, m):
        slope = m / np.sqrt(Q) / np.sqrt(1 - m * m / Q)

        def mean(h):
            def f(xi):
                t = prox(np.sqrt(Q) * xi, V)
                return 2 * np.exp(-xi * xi / 2) / np.sqrt(2 * np.pi) * h(xi, t)

            return alpha_T * integrate.quad(f, -9, 9, epsabs=1e-11, epsrel=1e-11)[0]

        curve = lambda t: expit(t) * expit(-t)  # noqa: E731
        return (
            mean(lambda xi, t: ndtr(slope * xi) * curve(t) / (1 + V * curve(t))),
            mean(lambda xi, t: ndtr(slope * xi) * expit(-t) ** 2),
            mean(
                lambda xi, t: (
                    np.exp(-((slope * xi) ** 2) / 2)
                    / np.sqrt(2 * np.pi * (1 - m * m / Q))
                    * expit(-t)
                )
            ),
        )

    def equations(x):
        Vh, Qh, mh = hats(*x)
        V = 1 / (lam + Vh)
        return np.array([V, (Qh + mh**2) * V**2, mh * V]) - x

    problem = theory.Problem(theory.Identity(), loss=theory.Logistic())
    got = theory.solve(problem, overparam=1e6, alpha_T=alpha_T, lam=lam)
    start = np.array([float(got[k]) for k in ("V", "Q_d", "m")])
    exact = optimize.root(equations, start * 1.05, tol=1e-9)
    assert exact.success
    assert start == pytest.approx(exact.x, rel=1e-5)
    assert float(got.bmd) == 1.0


def test_square_loss_has_no_memory_of_the_sign_beyond_two_moments():
    """A teacher scaled by rho changes m by sqrt(rho) and nothing else: y is scale-free."""
    a, b = (
        theory.solve(
            theory.Problem(teacher=theory.Sign(rho)), overparam=[0.3, 1, 4], alpha_T=2.0, lam=1e-3
        )
        for rho in (1.0, 4.0)
    )
    assert b.m.values == pytest.approx(2 * a.m.values, rel=1e-9)
    for name in ("q_d", "p_d", "Q_d", "V", "test_error", "train_error", "bmd", "energy"):
        assert b[name].values == pytest.approx(a[name].values, rel=1e-9), name


def test_published_figures():
    """Double descent and the mean-dimension peak of the model's specification, to its digits."""
    got = theory.solve(theory.Problem(), overparam=[1.0, 30.0], alpha_T=3.0, lam=1e-4)
    assert got.test_error.values == pytest.approx([0.3806, 0.1592], abs=5e-5)
    assert got.bmd.values == pytest.approx([2.438, 1.030], abs=5e-4)


def test_a_kink_that_no_pattern_reaches():
    """Hinge loss at strong regularisation: every margin is below 1 and V = <Omega> / lam exactly."""
    problem = theory.Problem(theory.ReLU(), loss=theory.Hinge())
    got = theory.solve(problem, overparam=[0.1, 10.0], alpha_T=20.0, lam=100.0)
    assert got.V.values == pytest.approx([(0.25 + 0.25 - 1 / (2 * np.pi)) / 100] * 2, rel=1e-12)


@pytest.mark.parametrize("features", [theory.Gaussian(), theory.Deep(widths=(0.5,))], ids=repr)
def test_linear_features_of_rank_below_the_patterns(features):
    """Identity features span min(N, D) directions: least squares on them exists for every N/P."""
    problem = theory.Problem(activation=theory.Identity(), features=features)
    at = {"overparam": [0.1, 0.5, 2.0, np.inf], "alpha_T": 3.0}
    limit, near = (theory.solve(problem, lam=lam, **at) for lam in (0.0, 1e-10))
    for name in ("test_error", "train_error", "Q_d", "m", "bmd"):
        assert limit[name].values == pytest.approx(near[name].values, rel=1e-6), name


@pytest.mark.parametrize("rho", [1e-8, 1e8])
def test_signs_do_not_know_the_scale_of_the_teacher(rho):
    at = {"overparam": [0.5, 2.0], "alpha_T": 3.0, "lam": 1e-4}
    one, other = (
        theory.solve(theory.Problem(teacher=theory.Sign(rho=r)), **at) for r in (1.0, rho)
    )
    for name in ("test_error", "train_loss", "bmd", "q_d"):
        assert other[name].values == pytest.approx(one[name].values, rel=1e-10), name
