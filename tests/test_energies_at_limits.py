"""Every variable at overparam = inf and lam = 0 against the points that lead there.

The expected value is never the limit's own formula: it is the sequence of finite points, extrapolated where
it has a rate (1/overparam, lam), or seen to diverge.
"""

import numpy as np
import pytest
from scipy.special import expit

import twinpeaks as tp
from twinpeaks.theory.equations.observables import OBSERVABLES

WIDE = 1e5
SMALL = 1e-7
PROBLEMS = {
    "square": tp.Problem(),
    "linear": tp.Problem(tp.ReLU(), tp.Linear(noise=0.3), tp.Square(), tp.Orthogonal()),
    "logistic": tp.Problem(loss=tp.Logistic(), features=tp.PowerLaw(exponent=0.3)),
    "hinge": tp.Problem(tp.Erf(), tp.FlippedSign(flip=0.1), tp.Hinge()),
    "deep": tp.Problem(loss=tp.SquaredHinge(), features=tp.Deep(widths=(0.8, 1.5))),
}


def same(limit, near, doubled, rate=1e-6):
    """Whether f(x) and f(2 x) lead to every variable of the limit: f - limit is linear in 1/x."""
    for name in OBSERVABLES:
        value, ahead = float(limit[name]), 2 * float(doubled[name]) - float(near[name])
        assert not np.isnan(value), name
        if np.isinf(value):
            first, second = float(near[name]), float(doubled[name])
            grows = second == first == value or np.abs(second) > np.abs(first)
            assert grows, name
            assert np.sign(second) == np.sign(value), name
        else:
            assert ahead == pytest.approx(value, rel=rate, abs=rate), name


@pytest.mark.parametrize("beta", [np.inf, 10.0])
@pytest.mark.parametrize("name", PROBLEMS)
def test_wide(name, beta):
    """N/P -> infinity: the energies per weight of the prior."""
    curve = tp.solve(
        PROBLEMS[name], overparam=[WIDE, 2 * WIDE, np.inf], alpha_T=2.0, lam=0.1, beta=beta
    )
    near, doubled, limit = (curve.isel(overparam=i) for i in range(3))
    same(limit, near, doubled)
    assert limit.energy == pytest.approx(0.5 / beta)


@pytest.mark.parametrize("overparam", [0.1, 3.0, np.inf])
@pytest.mark.parametrize(
    "name", [name for name, p in PROBLEMS.items() if np.isfinite(p.loss.least[0])]
)
def test_no_ridge(name, overparam):
    """Lam -> 0 on both sides of the threshold, and for the kernel: linear in lam."""
    curve = tp.solve(PROBLEMS[name], overparam=overparam, alpha_T=4.0, lam=[2 * SMALL, SMALL, 0.0])
    near, doubled, limit = (curve.isel(lam=i) for i in range(3))
    same(limit, near, doubled, 1e-5)


@pytest.mark.parametrize("overparam", [3.0, np.inf])
def test_no_ridge_and_weights_that_escape(overparam):
    """Separable data and a logistic loss: the weights grow like ln(1/lam), the energy falls with lam."""
    curve = tp.solve(PROBLEMS["logistic"], overparam=overparam, alpha_T=2.0, lam=[0.0, 1e-12, 1e-6])
    limit, near, far = (curve.isel(lam=i) for i in range(3))
    for name in ("energy", "free_energy", "train_loss", "train_error"):
        assert float(limit[name]) == 0 <= float(near[name]) <= 1e-4 * float(far[name]), name
    for name in ("V", "Q_d", "Q_0", "p_d", "p_0", "m", "r"):
        assert float(limit[name]) == np.inf, name
        assert float(near[name]) > 1.5 * float(far[name]), name
    for name in ("free_entropy", "entropy"):
        assert float(limit[name]) == float(near[name]) == -np.inf, name
    for name in ("test_error", "test_error_mean", "bmd", "bmd_mean", "replicon"):
        gap = [abs(float(limit[name]) - float(a[name])) for a in (near, far)]
        assert gap[0] <= 0.7 * gap[1] < 0.1, name
    for name in ("q_d", "q_0"):  # per weight, of which a kernel has infinitely many
        if np.isinf(overparam):
            assert float(limit[name]) == float(near[name]) == 0, name
        else:
            assert float(limit[name]) == np.inf > float(near[name]) > 1.5 * float(far[name]), name


@pytest.mark.parametrize(
    "name", [name for name, p in PROBLEMS.items() if np.isfinite(p.loss.least[0])]
)
def test_wide_without_ridge(name):
    """The corner is reached along lam = 0, too."""
    curve = tp.solve(PROBLEMS[name], overparam=[WIDE, 2 * WIDE, np.inf], alpha_T=2.0, lam=0.0)
    near, doubled, limit = (curve.isel(overparam=i) for i in range(3))
    same(limit, near, doubled)


def test_a_negative_energy_has_a_free_entropy_of_plus_infinity():
    """A loss lowered by a constant: Z gains exp(beta P constant), which beats the entropy."""
    loss = tp.CustomLoss(
        lambda s: np.logaddexp(0.0, -s) - 5.0,
        derivative=lambda s: -expit(-s),
        second=lambda s: expit(s) * expit(-s),
        name="lowered",
    )
    problem = tp.Problem(loss=loss)
    at = {"overparam": 0.3, "alpha_T": 3.0, "lam": 0.1}
    cold, colder = (tp.solve(problem, beta=b, **at) for b in (1e2, 1e4))
    limit = tp.solve(problem, **at)
    assert float(colder.free_entropy) > 50 * float(cold.free_entropy) > 0
    assert float(limit.free_entropy) == np.inf
    assert float(limit.entropy) == -np.inf < float(colder.entropy) < float(cold.entropy)
    assert float(colder.free_energy) == pytest.approx(float(limit.free_energy), rel=1e-3)
