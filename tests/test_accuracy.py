"""Every number of a Dataset against an independent mpmath evaluation of the same equations."""

import mpmath as mp
import numpy as np
import pytest
from reference import Reference

import theory
from theory.channel import channel_for
from theory.readout import Points
from theory.saddle_point import Equations, Tolerances

LOSSES = {"Square": theory.Square(), "Logistic": theory.Logistic()}
ACTIVATIONS = {"Tanh": theory.Tanh(), "ReLU": theory.ReLU(), "Erf": theory.Erf()}

# loss, activation, overparam, alpha_T, lam: corners of the stated range, and the thresholds
SAMPLE = [
    ("Square", "Tanh", 1.0, 3.0, 1e-4),
    ("Square", "Tanh", 0.999, 3.0, 1e-7),
    ("Square", "ReLU", 1.0, 20.0, 1e-7),
    ("Square", "Erf", 100.0, 20.0, 1e-7),
    ("Square", "Erf", 0.02, 0.3, 1e-7),
    ("Square", "ReLU", 100.0, 0.3, 1e2),
    ("Square", "Tanh", 0.02, 20.0, 1e2),
    ("Logistic", "Tanh", 1.0, 3.0, 1e-4),
    ("Logistic", "Tanh", 0.4, 3.0, 1e-7),
    ("Logistic", "ReLU", 1.0, 20.0, 1e-7),
    ("Logistic", "Erf", 100.0, 20.0, 1e-7),
    ("Logistic", "ReLU", 0.02, 0.3, 1e-7),
    ("Logistic", "Tanh", 100.0, 0.3, 1e2),
    ("Logistic", "Erf", 0.02, 20.0, 1e2),
]


def solved(loss, activation, overparam, alpha_T, lam):
    problem = theory.Problem(loss=LOSSES[loss], activation=ACTIVATIONS[activation])
    return problem, theory.solve(problem, overparam=overparam, alpha_T=alpha_T, lam=lam)


@pytest.mark.parametrize("case", SAMPLE, ids=lambda c: "-".join(map(str, c)))
def test_solution_error_is_below_1e_8(case):
    """The residual seen by mpmath, carried through the inverse Jacobian, bounds the error."""
    problem, point = solved(*case)
    with mp.workdps(22):
        here = Reference(*case).sweep(*(mp.mpf(float(point[k])) for k in ("V", "Q_d", "m")))
        u = Equations(
            problem,
            channel_for(problem, Tolerances().quadrature),
            Points(*(np.array([x]) for x in (*case[2:], 0.0))),
        )
        start = u.coordinates(*(np.array([float(point[k])]) for k in ("V", "Q_d", "m")))
        after = [
            mp.log(here["V"]),
            mp.log(here["Q_d"]),
            mp.log(here["m"]) - mp.log(here["Q_d"] - here["m"] ** 2) / 2,
        ]
        residual = np.array([float(a - mp.mpf(b)) for a, b in zip(after, start[0], strict=True)])
    error = np.linalg.solve(u.evaluate(start).jacobian[0], residual)
    assert np.max(np.abs(error)) < 1e-9
    for name, value in here.items():
        assert float(point[name]) == pytest.approx(float(value), rel=1e-8, abs=1e-300), name


@pytest.mark.slow
@pytest.mark.parametrize("case", SAMPLE, ids=lambda c: "-".join(map(str, c)))
def test_observables_against_mpmath_solution(case):
    """The equations solved again in mpmath, from scratch but for the starting point."""
    _, point = solved(*case)
    start = (float(point[k]) for k in ("V", "Q_d", "m"))
    for name, value in Reference(*case).solve(*start).items():
        assert float(point[name]) == pytest.approx(float(value), rel=1e-8, abs=1e-300), name


def test_reference_is_converged():
    """Doubling the nodes of the reference does not move it: its own error is far below 1e-9."""
    case = SAMPLE[7]
    _, point = solved(*case)
    with mp.workdps(22):
        at = [mp.mpf(float(point[k])) for k in ("V", "Q_d", "m")]
        coarse, fine = Reference(*case, degree=4).sweep(*at), Reference(*case, degree=5).sweep(*at)
        for name, value in fine.items():
            assert abs(coarse[name] / value - 1) < 1e-12, name


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
