"""Labels that tell nothing of the teacher: solved as a limit, with the values that are known there."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from twinpeaks import theory

RANDOM = theory.FlippedSign(flip=0.5)
SILENT = [
    RANDOM,
    theory.Probit(noise=1e30),
    theory.CustomTeacher(lambda nu: 0.5 + 0 * nu, name="coin"),
    theory.CustomTeacher(lambda nu: 0.5 + 0.4 * np.cos(nu), name="even"),
]
CONVEX = [theory.Square(), theory.Logistic(), theory.Hinge(), theory.SquaredHinge()]


@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.7])
def test_least_squares_leaves_the_share_of_directions_that_are_left(ratio):
    """The hat matrix projects P labels of variance 1 on N directions: train loss (1 - N/P)/2."""
    problem = theory.Problem(activation=theory.Erf(), teacher=RANDOM)
    got = theory.solve(problem, overparam=ratio, alpha_T=3.0, lam=0.0)
    assert float(got.train_loss) == pytest.approx((1 - ratio) / 2, rel=1e-12)
    assert float(got.test_error) == 0.5
    assert (float(got.m), float(got.r)) == (0.0, 0.0)


@pytest.mark.parametrize("loss", CONVEX, ids=repr)
def test_limit_of_ever_more_flips(loss):
    """Every variable at flip = 1/2 is that of flip = 1/2 - 1e-5, to the square of the difference."""
    at = {"overparam": [0.2, 2.0, np.inf], "alpha_T": 3.0, "lam": [0.0, 0.1]}
    near, limit = (
        theory.solve(theory.Problem(loss=loss, teacher=theory.FlippedSign(flip=f)), **at)
        for f in (0.5 - 1e-5, 0.5)
    )
    assert (limit.status == 0).all()
    for name in ("train_loss", "train_error", "test_error", "q_d", "Q_d", "bmd", "replicon"):
        np.testing.assert_allclose(limit[name], near[name], rtol=1e-7, atol=1e-7, err_msg=name)
    assert (limit.m == 0).all()


@pytest.mark.parametrize("teacher", SILENT[1:], ids=repr)
def test_all_silent_teachers_are_one(teacher):
    at = {"overparam": [0.2, 2.0], "alpha_T": 3.0, "lam": [0.0, 0.1]}
    for loss in (theory.Square(), theory.Logistic()):
        one, other = (
            theory.solve(theory.Problem(loss=loss, teacher=t), **at) for t in (RANDOM, teacher)
        )
        for name in one.data_vars:
            if name not in ("residual", "step", "evaluations"):
                np.testing.assert_allclose(other[name], one[name], rtol=1e-9, err_msg=name)


def test_a_link_without_a_linear_part_is_noise():
    """y = nu^2 - 1 has E y^2 = 2 and nothing linear: the residual keeps 1 - N/P of it."""
    problem = theory.Problem(teacher=theory.CustomLink(lambda nu: nu**2 - 1, name="even"))
    got = theory.solve(problem, overparam=0.2, alpha_T=3.0, lam=0.0)
    assert float(got.train_loss) == pytest.approx(0.8, rel=1e-10)
    assert float(got.test_error) == pytest.approx(2 + float(got.Q_d), rel=1e-12)


def test_capacity_is_two_patterns_a_weight():
    """Cover (1965): random labels are separable while P < 2 N, with any margin loss."""
    for loss in (theory.Hinge(), theory.Logistic()):
        problem = theory.Problem(loss=loss, teacher=RANDOM)
        assert theory.interpolation_threshold(problem, [0.5, 3.0]).values == pytest.approx(
            0.5, rel=1e-9
        )
    assert theory.interpolation_threshold(theory.Problem(teacher=RANDOM), 3.0) == 1.0


def test_margin_of_random_patterns():
    """Gardner (1988): linear features of c << 1 are independent inputs, of capacity

    alpha(kappa) = 1 / int_{-kappa}^inf Dt (t + kappa)^2, and |w|^2 / N = 1 / kappa^2 at margin 1.
    """
    alpha = 1.25  # P/N; N/D = 1/2

    def excess(kappa):
        square = integrate.quad(
            lambda t: stats.norm.pdf(t) * (t + kappa) ** 2, -kappa, np.inf, epsabs=1e-14
        )[0]
        return alpha * square - 1

    kappa = optimize.brentq(excess, 0.01, 2.0, xtol=1e-14)
    # S = 1 for orthogonal features of N <= D
    problem = theory.Problem(theory.Identity(), RANDOM, theory.Hinge(), theory.Orthogonal())
    got = theory.solve(problem, overparam=1 / alpha, alpha_T=alpha / 2, lam=0.0)
    assert float(got.q_d) == pytest.approx(1 / kappa**2, rel=1e-9)


def test_what_has_no_meaning_says_so():
    problem = theory.Problem(loss=theory.Logistic(), teacher=RANDOM)
    with pytest.raises(theory.InvalidProblem, match="1/2 at every lam"):
        theory.optimal_lam(problem, overparam=2.0, alpha_T=3.0)
    falling = theory.CustomTeacher(lambda nu: np.where(nu > 0, 0.2, 0.8), breaks=(0.0,))
    with pytest.raises(theory.InvalidProblem, match="fall with nu"):
        theory.solve(theory.Problem(teacher=falling), overparam=2.0, alpha_T=3.0, lam=0.1)


def test_questions_asked_of_random_labels():
    problem = theory.Problem(loss=theory.Logistic(), teacher=RANDOM)
    curve = theory.solve(problem, overparam=[0.4, 2.0], alpha_T=3.0, lam=0.0)
    robust = theory.robust_test_error(problem, curve, [0.0, 0.5])
    rates = theory.flip_rate(problem, curve, 0.5)
    assert (robust.sel(eps=0.0) == 0.5).all()
    # half the patterns are right by chance, and a reach h flips those within it: 1/2 + erf/2
    np.testing.assert_allclose(robust.sel(eps=0.5), 0.5 + rates / 2, rtol=1e-10)
    assert theory.bayes_error(problem, [0.5, 5.0]).values == pytest.approx(0.5, rel=1e-12)


def test_scale_of_the_teacher_field_is_nothing_to_its_sign():
    """Only a field that vanishes altogether is silent; a small one has the same sign."""
    at = {"overparam": 0.2, "alpha_T": 3.0, "lam": 0.1}
    want = theory.solve(theory.Problem(), **at)
    for rho in (1e-200, 1e200):
        got = theory.solve(theory.Problem(teacher=theory.Sign(rho=rho)), **at)
        assert float(got.test_error) == pytest.approx(float(want.test_error), rel=1e-10)
