"""Where the training error of an unregularised student vanishes."""

import numpy as np
import pytest

import theory


def test_square_loss_interpolates_at_one():
    assert theory.interpolation_threshold(theory.Problem(), [0.5, 3.0]).tolist() == [1.0, 1.0]


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
