"""Where the training error of an unregularised student vanishes."""

import numpy as np
import pytest
from scipy import optimize

from twinpeaks import theory


def test_square_loss_interpolates_at_one():
    assert theory.interpolation_threshold(theory.Problem(), [0.5, 3.0]).values.tolist() == [
        1.0,
        1.0,
    ]


@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU()], ids=repr)
def test_logistic_training_error_vanishes_at_the_threshold(activation):
    """The saddle point at lam = 1e-9 knows nothing of the separability formula."""
    problem = theory.Problem(activation, loss=theory.Logistic())
    at = float(theory.interpolation_threshold(problem, 2.0))
    curve = theory.solve(problem, overparam=at * np.array([0.98, 1.02]), alpha_T=2.0, lam=1e-9)
    below, above = curve.train_error.values
    assert below > 1e-2
    assert above < 1e-12


def test_pure_noise_is_separable_at_two():
    """With features that carry almost nothing of the teacher, Cover's theorem: P/N = 2."""
    problem = theory.Problem(theory.Tanh(), loss=theory.Logistic())
    assert float(theory.interpolation_threshold(problem, 1e-6)) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize(
    "loss", [theory.Hinge(), theory.SquaredHinge(), theory.Exponential()], ids=repr
)
def test_every_loss_of_the_margin_separates_at_one_threshold(loss):
    """The logistic test above, for losses of other shapes; noisy labels move all of them alike."""
    problem = theory.Problem(theory.Erf(), theory.FlippedSign(flip=0.05), loss)
    at = float(theory.interpolation_threshold(problem, 2.0))
    assert at == float(theory.interpolation_threshold(problem.replace(loss=theory.Logistic()), 2.0))
    curve = theory.solve(problem, overparam=at * np.array([0.98, 1.02]), alpha_T=2.0, lam=1e-7)
    below, above = curve.train_error.values
    assert below > 1e-2
    assert above < 1e-9


def separable(z, y):
    """Whether some w has y w.z >= 1 for all patterns, by linear programming."""
    found = optimize.linprog(
        np.zeros(z.shape[1]), A_ub=-y[:, None] * z, b_ub=-np.ones(len(y)), bounds=(None, None)
    )
    return found.status == 0


@pytest.mark.parametrize(
    ("teacher", "activation"),
    [(theory.Sign(), np.tanh), (theory.FlippedSign(flip=0.1), np.tanh), (theory.Sign(), None)],
    ids=["sign", "flipped", "linear features"],
)
def test_drawn_data_become_separable_at_the_threshold(teacher, activation):
    """P = 300 patterns in 10 draws: none separable 20% below the threshold, all 20% above.

    The window in which the probability falls from 1 to 0 is of order P^{-1/2}, 6% here.
    """
    rng = np.random.default_rng(5)
    P, alpha_T = 300, 2.5
    D = round(P / alpha_T)
    sigma = theory.Tanh() if activation else theory.Identity()
    problem = theory.Problem(sigma, teacher, theory.Logistic())
    at = float(theory.interpolation_threshold(problem, alpha_T))
    flip = getattr(teacher, "flip", 0.0)
    for factor, expected in ((0.8, 0), (1.2, 10)):
        count = 0
        for _ in range(10):
            x = rng.standard_normal((P, D))
            z = x @ rng.standard_normal((D, round(factor * at * P))) / np.sqrt(D)
            y = np.sign(x @ rng.standard_normal(D)) * np.where(rng.random(P) < flip, -1, 1)
            count += separable(activation(z) if activation else z, y)
        assert count == expected


def test_linear_features_of_too_many_patterns_never_interpolate():
    """They span D dimensions at most: the training error at N/P = 50 is that of the inputs."""
    for loss in (theory.Square(), theory.Logistic()):
        problem = theory.Problem(theory.Identity(), theory.FlippedSign(flip=0.1), loss)
        few, many = theory.interpolation_threshold(problem, [0.5, 10.0]).values
        assert np.isinf(many)
        curve = theory.solve(problem, overparam=[1.0, 50.0], alpha_T=10.0, lam=1e-7)
        assert curve.train_loss.values[1] == pytest.approx(curve.train_loss.values[0], rel=1e-6)
        assert curve.train_error.values[1] > 0.1
        curve = theory.solve(problem, overparam=1.1 * few, alpha_T=0.5, lam=1e-7)
        assert float(curve.train_error) < 1e-12


def test_custom_loss_of_the_difference_interpolates_at_one():
    """It must fit the labels themselves, not only their signs; its training loss says so."""
    loss = theory.CustomLoss(lambda e: np.sqrt(1 + e * e) - 1, of="difference", name="pseudo_huber")
    problem = theory.Problem(loss=loss)
    assert float(theory.interpolation_threshold(problem, 3.0)) == 1.0
    curve = theory.solve(problem, overparam=[0.7, 2.0], alpha_T=3.0, lam=1e-4)
    assert curve.train_loss.values[0] > 1e-3
    assert curve.train_loss.values[1] < 1e-4


@pytest.mark.parametrize("bad", [-1.0, 0.0, np.nan, np.inf])
def test_ratios_are_checked(bad):
    with pytest.raises(ValueError, match=r"alpha_T = .*: give numbers in \(0, inf\)"):
        theory.interpolation_threshold(theory.Problem(), [1.0, bad])


def test_a_problem_is_needed():
    for function in (theory.interpolation_threshold, theory.bayes_error):
        with pytest.raises(theory.InvalidProblem, match="problem = 'square'"):
            function("square", 1.0)
