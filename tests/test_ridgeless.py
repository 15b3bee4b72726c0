"""lam = 0: approached along a sequence, equal among losses that must agree, refused where it must."""

import numpy as np
import pytest

from twinpeaks import theory

CONVEX = [
    theory.Square(),
    theory.Logistic(),
    theory.Hinge(),
    theory.SquaredHinge(),
    theory.Exponential(),
]
RATIOS = [0.1, 0.2, 0.5, 0.8, 1.3, 2.0, 10.0, np.inf]


@pytest.mark.parametrize("loss", CONVEX, ids=repr)
def test_limit_is_approached(loss):
    """Values at lam = 0 are those that a sequence lam -> 0 runs into, linearly where weights stay."""
    problem = theory.Problem(loss=loss)
    lam = [1e-5, 1e-8, 1e-11, 0.0] if loss.escapes else [1e-4, 1e-5, 1e-6, 0.0]
    got = theory.solve(problem, overparam=RATIOS, alpha_T=3.0, lam=lam)
    assert (got.status == 0).all()
    threshold = float(theory.interpolation_threshold(problem, 3.0))
    for name in ("test_error", "bmd", "train_loss"):
        gap = np.abs(got[name] - got[name].isel(lam=3)).values
        # weights that run to infinity do so like ln(1/lam)
        assert np.all(gap[:, 2] <= 0.9 * gap[:, 1] + 1e-7), name
        finite = (np.array(RATIOS) < threshold) | (not loss.escapes)
        assert np.all(gap[finite, 2] < 2e-2 * gap[finite, 0] + 1e-7), name
    past = got.isel(lam=3).sel(overparam=[r for r in RATIOS if r > threshold])
    assert (past.train_loss == 0).all()
    assert (past.train_error == 0).all()
    assert (past.energy.isel(overparam=slice(None, -1)) == 0).all()
    assert np.isinf(past.V).all()
    assert bool(np.isinf(past.q_d).isel(overparam=0)) == loss.escapes


def test_minimum_norm_interpolator_in_closed_form():
    """Kernel regression at lam = 0: ridge regression with kappa_star^2 / kappa_1^2."""
    problem = theory.Problem()
    moments = problem.activation.moments
    ridge = (moments.kappa_star / moments.kappa_1) ** 2
    alpha_T = 2.0
    g = theory.Gaussian.resolvent(ridge / alpha_T, 1 / alpha_T) / alpha_T
    got = theory.solve(problem, overparam=np.inf, alpha_T=alpha_T, lam=0.0)
    assert float(got.m) == pytest.approx(np.sqrt(2 / np.pi) * (1 - ridge * g), rel=1e-9)


def test_margin_losses_share_the_maximum_margin_classifier():
    got = [
        theory.solve(theory.Problem(loss=loss), overparam=[0.5, 3.0], alpha_T=2.0, lam=0.0)
        for loss in CONVEX[1:]
    ]
    for other in got[1:]:
        assert other.test_error.values == pytest.approx(got[0].test_error.values, rel=1e-8)
        assert other.bmd.values == pytest.approx(got[0].bmd.values, rel=1e-8)
    hinge = theory.solve(
        theory.Problem(loss=theory.Hinge()), overparam=[0.5, 3.0], alpha_T=2.0, lam=1e-7
    )
    assert hinge.q_d.values == pytest.approx(got[1].q_d.values, rel=1e-6)


def test_least_squares_below_the_threshold():
    """N < P, lam = 0: the hat matrix has trace N, so residuals shrink by 1/(1 + V) = 1 - N/P."""
    got = theory.solve(theory.Problem(), overparam=0.5, alpha_T=3.0, lam=0.0)
    assert 1 / (1 + float(got.V)) == pytest.approx(0.5, rel=1e-10)


def test_no_limit_has_its_status():
    problem = theory.Problem()
    with pytest.raises(theory.SolveError) as caught:
        theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=0.0)
    assert theory.Status.NO_LIMIT.sentence in str(caught.value)
    custom = theory.Problem(loss=theory.CustomLoss(lambda s: np.logaddexp(0, -s), name="mine"))
    got = theory.solve(custom, overparam=[0.1, 2.0], alpha_T=3.0, lam=0.0, throw=False)
    assert got.status.values.tolist() == [0, theory.Status.NO_LIMIT]
    assert np.isnan(got.bmd.values[1])
