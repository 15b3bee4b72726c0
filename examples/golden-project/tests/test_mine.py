"""My model gives what it gave before: ``pytest``, or ``pytest --golden-update`` after a change I want."""

import twinpeaks as tp


def softsign(x):
    """An activation of my own."""
    return x / (1 + abs(x))


def test_noisy_labels(golden):
    """Logistic regression of labels of which 5 % are flipped, at both sides of the threshold."""
    problem = tp.Problem(loss=tp.Logistic(), teacher=tp.FlippedSign(flip=0.05))
    golden.check(problem, overparam=[0.1, 0.3, 1.0, 10.0], alpha_T=3.0, lam=1e-4)


def test_own_activation(golden):
    """The peak of the test error at N = P grows as the ridge penalty falls."""
    problem = tp.Problem(activation=tp.Custom(softsign, kinks=(0.0,)))
    curve = golden.check(problem, overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=[1e-4, 1e-2])
    peak = curve.test_error.sel(overparam=1.0)
    assert peak.sel(lam=1e-4) > peak.sel(lam=1e-2)
