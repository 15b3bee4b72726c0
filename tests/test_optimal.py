"""The optimal ridge penalty: where it is known in closed form, at its limits, and as a minimum.

Square loss sees of the labels only y = tau nu + zeta with E[zeta nu] = 0. Where the covariance of the
features is isotropic on the directions that carry the teacher, the estimator of optimal lam is the
posterior mean of a Gaussian model, which no lam beats in squared error, nor (since it is best of all
scales too) in angle.
"""

import numpy as np
import pytest

from twinpeaks import theory

ACTIVATIONS = [theory.Tanh(), theory.ReLU(), theory.Erf(), theory.Identity()]


def signal_to_noise(teacher):
    """E y^2 / (tau^2 rho)."""
    return teacher.second_moment / (teacher.correlation**2 * teacher.rho)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize(
    "teacher",
    [theory.Sign(), theory.FlippedSign(flip=0.1, rho=2.0), theory.Linear(noise=0.7, rho=1.5)],
    ids=repr,
)
def test_kernel(activation, teacher):
    """N/P = infinity: the linear part is ridge regression on x, whose optimum is noise / signal.

    lam = kappa_1^2 Var(zeta) / (tau^2 rho) - kappa_star^2: the nonlinear part regularises for free.
    """
    problem = theory.Problem(activation, teacher)
    k1, ks = activation.moments.kappa_1**2, activation.moments.kappa_star**2
    best = theory.optimal_lam(problem, overparam=np.inf, alpha_T=[0.5, 3.0])
    assert best.lam.values == pytest.approx(
        np.full(2, k1 * (signal_to_noise(teacher) - 1) - ks), rel=1e-8
    )


@pytest.mark.parametrize("activation", [theory.Tanh(), theory.Identity()], ids=repr)
@pytest.mark.parametrize("teacher", [theory.Sign(), theory.Linear(noise=0.3)], ids=repr)
def test_orthogonal_features_fewer_than_inputs(activation, teacher):
    """c = N/D < 1, Omega = omega: lam = omega (omega E y^2 / (c kappa_1^2 tau^2 rho) - 1)."""
    problem = theory.Problem(activation, teacher, features=theory.Orthogonal())
    alpha_T, overparam = 2.0, np.array([0.01, 0.1, 0.3, 0.45])
    k1, ks = activation.moments.kappa_1**2, activation.moments.kappa_star**2
    omega, c = k1 + ks, alpha_T * overparam
    best = theory.optimal_lam(problem, overparam=overparam, alpha_T=alpha_T)
    expected = omega * (omega * signal_to_noise(teacher) / (c * k1) - 1)
    assert best.lam.values == pytest.approx(expected, rel=1e-8)
    assert np.all(best.lam_error <= 1e-8 * best.lam)


def test_optimum_at_zero():
    """Clear labels: the free regularisation kappa_star^2 is already too much, and lam -> 0 is best."""
    teacher = theory.Linear(noise=1e-3)
    problem = theory.Problem(theory.Tanh(), teacher)
    moments = problem.activation.moments
    assert moments.kappa_1**2 * (signal_to_noise(teacher) - 1) < moments.kappa_star**2
    best = theory.optimal_lam(problem, overparam=[5.0, 100.0, np.inf], alpha_T=3.0)
    assert best.lam.values[0] > 0
    assert best.lam.values[1:].tolist() == [0.0, 0.0]
    limit = theory.solve(problem, overparam=[100.0, np.inf], alpha_T=3.0, lam=0.0)
    assert best.test_error.values[1:].tolist() == limit.test_error.values.tolist()
    assert np.isnan(best.lam_error.values[1:]).all()


def test_noiseless_linear_teacher_and_linear_features_want_no_ridge():
    """More features than inputs and more patterns: w_T is found exactly as lam -> 0."""
    problem = theory.Problem(theory.Identity(), theory.Linear(noise=0.0))
    best = theory.optimal_lam(problem, overparam=[0.1, 2.0], alpha_T=3.0)
    assert best.lam.values[0] > 0
    assert best.lam.values[1] == 0.0


def test_optimum_at_infinity():
    """The mean dimension falls with lam down to that of the Hebb rule, an elementary ratio."""
    problem = theory.Problem()
    alpha_T, x = 3.0, np.array([0.3, 3.0])
    best = theory.optimal_lam(problem, overparam=x, alpha_T=alpha_T, variable="bmd")
    assert np.isinf(best.lam.values).all()
    moments = problem.activation.moments
    k1, ks, dks = moments.kappa_1**2, moments.kappa_star**2, moments.dkappa_star**2
    c, pull = alpha_T * x, 2 / np.pi / x**2
    q = (k1 + ks) / x + pull * c * k1
    p = (k1 * (1 + c) + ks) / x + pull * c * k1 * (1 + c)
    assert best.bmd.values == pytest.approx((k1 * p + dks * q) / (k1 * p + ks * q), rel=1e-9)
    # no student is left: the loss of an output of 0, for every pattern
    for name in ("q_d", "q_0", "p_d", "p_0", "Q_d", "Q_0", "m", "r", "V"):
        assert (best[name] == 0).all(), name
    assert best.train_loss.values == pytest.approx([0.5, 0.5], rel=1e-9)
    for name in ("energy", "free_energy"):
        assert best[name].values == pytest.approx(0.5 / x, rel=1e-9), name
    assert best.replicon.values == pytest.approx([1.0, 1.0])


def test_optimum_at_infinity_and_finite_temperature():
    """The prior's normalisation diverges like ln lam; the thermal energy of every weight stays."""
    at = {"overparam": 0.3, "alpha_T": 3.0, "beta": 10.0}
    best = theory.optimal_lam(theory.Problem(), variable="bmd_mean", **at)
    assert np.isinf(float(best.lam))
    near, far = (theory.solve(theory.Problem(), lam=lam, **at) for lam in (1e6, 1e9))
    assert float(best.energy) == pytest.approx(float(far.energy), rel=1e-6)
    for name, sign in (("free_energy", 1), ("free_entropy", -1), ("entropy", -1)):
        assert float(best[name]) == sign * np.inf, name
        assert sign * float(far[name] - near[name]) == pytest.approx(
            0.5 * np.log(1e3) * (0.1 if name == "free_energy" else 1.0), rel=1e-5
        ), name


@pytest.mark.parametrize("loss", [theory.Logistic(), theory.Hinge()], ids=repr)
def test_it_is_the_lowest_point_of_the_line(loss):
    """Against ``solve`` on a grid of lam, and to second order next to the optimum."""
    problem = theory.Problem(theory.ReLU(), theory.FlippedSign(flip=0.05), loss)
    at = {"overparam": [0.1, 1.0, 10.0], "alpha_T": 2.0}
    best = theory.optimal_lam(problem, **at)
    grid = theory.solve(problem, lam=np.geomspace(1e-6, 1e3, 60), **at).test_error
    assert (best.test_error <= grid.min("lam")).all()
    assert (best.lam > 1e-6).all()
    for i, x in enumerate(at["overparam"]):
        here = best.isel(overparam=i)
        step = 0.02
        lam = float(here.lam) * np.exp([-step, step])
        left, right = theory.solve(problem, overparam=x, alpha_T=2.0, lam=lam).test_error.values
        bend = (left + right - 2 * float(here.test_error)) / step**2
        assert bend == pytest.approx(float(here.curvature), rel=1e-2)
        assert abs(right - left) / (2 * step) < 1e-2 * step * bend


def test_curves_temperatures_and_the_kernel_together():
    """One call for all; each point is what it is alone, and carries the model solved there."""
    axes = {"overparam": [0.3, np.inf], "alpha_T": [1.0, 3.0], "beta": [10.0, np.inf]}
    best = theory.optimal_lam(theory.Problem(), **axes)
    assert best.lam.dims == ("overparam", "alpha_T", "beta")
    for x in axes["overparam"]:
        for beta in axes["beta"]:
            point = {"overparam": x, "alpha_T": 3.0, "beta": beta}
            here = best.sel(point)
            alone = theory.optimal_lam(theory.Problem(), **point)
            assert float(here.lam) == pytest.approx(float(alone.lam), rel=1e-8)
            solved = theory.solve(theory.Problem(), **point, lam=float(here.lam))
            for name in ("test_error", "bmd", "Q_d", "train_loss"):
                assert float(here[name]) == pytest.approx(float(solved[name]), rel=1e-9), name


def test_refusals():
    with pytest.raises(ValueError, match="variable = 'energy': give one that has limits"):
        theory.optimal_lam(theory.Problem(), overparam=1.0, alpha_T=3.0, variable="energy")
    with pytest.raises(ValueError, match=r"alpha_T = 0: give numbers in \(0, inf\)"):
        theory.optimal_lam(theory.Problem(), overparam=1.0, alpha_T=0.0)
