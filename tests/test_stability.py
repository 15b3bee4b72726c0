"""The replicon: its bound for convex losses, its zero for the 0-1 loss, and the warning beyond."""

import warnings

import numpy as np
import pytest
from components import LOSSES

from twinpeaks import theory
from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.saddle_point import Equations, Tolerances, newton

WIDTHS, RATIO = np.array([0.2, 0.7, 1.0, 4.0]), 3.0
CONVEX = [x for x in LOSSES if x.convex and isinstance(x, theory.MarginLoss | theory.Square)]
ZERO_ONE = theory.Problem(loss=theory.ZeroOne())


@pytest.mark.parametrize("beta", [1.0, np.inf])
@pytest.mark.parametrize("loss", CONVEX, ids=repr)
def test_convex_losses_keep_the_bound(loss, beta):
    """Lambda >= lam / (lam + Vh omega_max), omega_max from the edge of Marchenko-Pastur."""
    problem, lam = theory.Problem(loss=loss), 1e-3
    data = theory.solve(problem, overparam=WIDTHS, alpha_T=RATIO, lam=lam, beta=beta)
    assert data.stable.all()
    moments = problem.activation.moments
    edge = moments.kappa_1**2 * (1 + np.sqrt(WIDTHS * RATIO)) ** 2 + moments.kappa_star**2
    size = np.ones(WIDTHS.size)
    points = Points(WIDTHS, RATIO * size, lam * size, size / beta)
    equations = Equations(problem, channel_for(problem, 2e-14), points)
    u = equations.coordinates(*(data[name].values for name in ("V", "Q_0", "m")))
    found = newton(equations, u, Tolerances())
    hats, _ = equations.channel.observe(equations.overlaps(found.u), points.temperature)
    bound = lam / (lam + points.alpha * hats.Vh * edge)
    assert np.all(data.replicon > bound * (1 - 1e-9))


def test_the_replicon_changes_sign_at_the_line():
    line = theory.instability(ZERO_ONE, overparam=[0.1, 0.3], alpha_T=RATIO)
    for width in line.overparam.values:
        critical = float(line.beta.sel(overparam=width))
        at = {"overparam": float(width), "alpha_T": RATIO, "lam": 1.0}
        warm = theory.solve(ZERO_ONE, beta=critical * (1 - 1e-6), **at)
        assert 0 < warm.replicon < 1e-4
        with pytest.warns(theory.UnstableWarning, match="1 of 1 points have a negative replicon"):
            cold = theory.solve(ZERO_ONE, beta=critical * (1 + 1e-6), **at)
        assert -1e-4 < cold.replicon < 0
        assert not cold.stable
        assert warm.test_error == pytest.approx(
            float(line.test_error.sel(overparam=width)), rel=1e-5
        )


def test_the_line_does_not_know_the_scale_of_the_weights():
    """lam sets only the scale of w, which a loss of signs does not see."""
    line = theory.instability(ZERO_ONE, overparam=0.25, alpha_T=2.0, lam=[1e-3, 1.0, 50.0])
    assert line.beta.values == pytest.approx(np.full(3, line.beta.values[0]), rel=1e-8)


def test_separable_data_stay_stable_when_cooled():
    line = theory.instability(ZERO_ONE, overparam=[0.25, 1.0], alpha_T=RATIO)
    assert np.isfinite(line.beta.values[0])
    assert np.isinf(line.beta.values[1])
    assert line.reached.values[1] == pytest.approx(1e3)


def test_convex_losses_have_no_line():
    line = theory.instability(
        theory.Problem(loss=theory.Logistic()), overparam=0.3, alpha_T=RATIO, between=(1.0, 100.0)
    )
    assert np.isinf(line.beta)


def test_kernel_limit_of_the_replicon_is_approached():
    problem = theory.Problem(loss=theory.Logistic())
    at = {"alpha_T": RATIO, "lam": 1e-2, "beta": [1.0, np.inf]}
    limit = theory.solve(problem, overparam=np.inf, **at).replicon
    near = theory.solve(problem, overparam=[1e4, 1e5], **at).replicon
    gap = np.abs(near / limit - 1).max("beta").values
    assert gap[1] < 1e-4
    assert gap[1] < 0.2 * gap[0]


def test_stable_solutions_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = theory.solve(ZERO_ONE, overparam=1.0, alpha_T=RATIO, lam=1.0, beta=[0.5, 5.0])
    assert data.stable.all()


def test_empty_ranges_are_refused():
    with pytest.raises(ValueError, match=r"between = \(2.0, 1.0\)"):
        theory.instability(ZERO_ONE, overparam=1.0, alpha_T=1.0, between=(2.0, 1.0))


def test_cold_points_are_reached_by_cooling():
    """Replica-stable solutions of the 0-1 loss exist up to the line, whatever lam is."""
    at = {"overparam": 0.163, "alpha_T": 10.0}
    line = float(theory.instability(ZERO_ONE, **at).beta)
    beta = [1.0, 4.0, 6.0, 0.99 * line]
    data = theory.solve(ZERO_ONE, lam=[0.01, 1.0, 10.0], beta=beta, **at)
    assert data.stable.all()
    assert data.test_error.values == pytest.approx(
        np.tile(data.test_error.values[1], (3, 1)), rel=1e-8
    )
