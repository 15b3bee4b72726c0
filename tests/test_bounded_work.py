"""No call works without a bound, and what is done so far says how long the rest will take."""

import numpy as np
import pytest

import twinpeaks as tp
from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.saddle_point import Equations, Tolerances, follow, relax

NOISY = tp.CustomLoss(
    lambda s: np.logaddexp(0.0, 1.0 - s) ** 2 / 2 + 1e3, name="digits lost to a constant"
)


def test_sweeps_count():
    """The second attempt begins with damped sweeps, each an evaluation, and no more than are left."""
    points = Points(*(np.array([v]) for v in (1.0, 3.0, 1e-2, 0.0)))
    equations = Equations(tp.Problem(), channel_for(tp.Problem(), 2e-14), points)
    full, cut = (
        relax(equations, equations.weak_student(), t)
        for t in (Tolerances(), Tolerances(max_steps=5))
    )
    assert full.status[0] == tp.Status.CONVERGED
    assert 80 < full.evaluations[0] < 100
    assert cut.evaluations[0] == 10


@pytest.mark.parametrize("limit", [1, 12])
def test_max_steps_bounds_every_attempt_together(limit):
    """A loss of six digits never converges; one attempt more than the limit cannot begin."""
    problem = tp.Problem(loss=NOISY)
    got = tp.solve(
        problem,
        overparam=2.0,
        alpha_T=3.0,
        lam=1e-9,
        throw=False,
        tolerances=Tolerances(max_steps=limit),
    )
    assert (got.status == tp.Status.MAX_STEPS).all()
    assert (got.evaluations < 2 * limit + 100).all()
    assert got.test_error.isnull().all()


def test_a_path_is_bounded_too():
    """Hinge far down in lam is followed from large lam: the path stops where the limit is."""
    problem = tp.Problem(loss=tp.Hinge())
    at = {"overparam": 1.0, "alpha_T": 3.0, "lam": 1e-7}
    points = Points(*(np.array([v]) for v in (*at.values(), 0.0)))
    equations = Equations(problem, channel_for(problem, 2e-14), points)
    assert follow(equations, Tolerances()).status[0] == tp.Status.CONVERGED
    cut = follow(equations, Tolerances(max_steps=15))
    assert cut.status[0] == tp.Status.MAX_STEPS
    assert cut.evaluations[0] < 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_steps": 0},
        {"max_steps": 2.5},
        {"max_steps": True},
        {"residual": -1e-9},
        {"step": np.nan},
        {"quadrature": "small"},
    ],
)
def test_a_tolerance_that_bounds_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Tolerances(**wrong)


def test_progress_begins_with_the_first_point():
    """1, 2, 4, ... points at a time, up to all of them, and the same solution."""
    seen = []
    at = {"overparam": np.geomspace(0.1, 10, 30), "alpha_T": 3.0, "lam": 1e-2}
    watched = tp.solve(tp.Problem(), progress=lambda *a: seen.append(a), **at)
    done = [a for a, _ in seen]
    assert {b for _, b in seen} == {30}
    assert done[:3] == [1, 3, 7]
    assert done == sorted(set(done))
    assert done[-1] == 30
    assert watched.test_error.values == pytest.approx(
        tp.solve(tp.Problem(), **at).test_error.values, rel=1e-9
    )
