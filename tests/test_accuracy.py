"""The whole range that the solver states converges; its numbers are held by the golden tables."""

import numpy as np
import pytest

from twinpeaks import theory
from twinpeaks.theory.equations.saddle_point import Tolerances

LOSSES = {"Square": theory.Square(), "Logistic": theory.Logistic()}
ACTIVATIONS = {"Tanh": theory.Tanh(), "ReLU": theory.ReLU(), "Erf": theory.Erf()}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_whole_range_converges(loss, activation):
    """overparam 0.02..100, alpha_T 0.3..20, lam 1e-7..1e2, and a fine comb at the thresholds."""
    problem = theory.Problem(loss=LOSSES[loss], activation=ACTIVATIONS[activation])
    tol = Tolerances()
    overparam = np.union1d(np.geomspace(0.02, 100, 12), 1 + np.array([-1e-2, -1e-4, 0, 1e-4, 1e-2]))
    grid = theory.solve(
        problem,
        overparam=overparam,
        alpha_T=[0.3, 1.0, 3.0, 20.0],
        lam=np.geomspace(1e-7, 1e2, 7),
        throw=False,
    )
    assert (grid.status == theory.Status.CONVERGED).all()
    assert float(grid.residual.max()) <= tol.residual
    assert float(grid.step.max()) <= tol.step
    for name in ("q_d", "p_d", "Q_d", "V", "train_loss", "energy"):
        assert (grid[name] > 0).all(), name
    assert ((grid.test_error > 0) & (grid.test_error < 0.5)).all()
    assert ((grid.bmd >= 1) & np.isfinite(grid.bmd)).all()


def test_logistic_loss_with_next_to_no_penalty():
    """Past the threshold V ~ 1/lam: the graph stretches in omega, and must be followed in t."""
    problem = theory.Problem(loss=theory.Logistic())
    at = {"overparam": np.linspace(0.25, 0.35, 21), "alpha_T": 3.0}
    curve = theory.solve(problem, lam=1e-10, **at)
    assert float(curve.residual.max()) < 1e-11
    below = {"overparam": 0.25, "alpha_T": 3.0}
    limit = float(theory.solve(problem, lam=0.0, **below).test_error)
    assert float(curve.test_error[0]) == pytest.approx(limit, rel=1e-7)
