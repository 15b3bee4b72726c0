"""Training in time: the reference numbers, its limits, and an independent integral over the spectrum."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import twinpeaks as tp
from twinpeaks.theory.feature_laws.pairs import Ridge
from twinpeaks.validate.precise.flow import flow as precise_flow

ALL = ("q_d", "p_d", "r", "Q_d", "m", "train_loss", "train_error", "test_error", "bmd")
SPECTRUM = tp.Spectrum((0.2, 0.6, 1.4, 1.8), (0.02, 0.05, 0.2, 0.1))
PROBLEMS = {
    "gaussian": tp.Problem(),
    "orthogonal": tp.Problem(features=tp.Orthogonal(), teacher=tp.FlippedSign(0.1)),
    "deep": tp.Problem(features=tp.Deep((0.7,)), activation=tp.ReLU()),
    "spectrum": tp.Problem(tp.Identity(), tp.Linear(noise=0.1), tp.Square(), SPECTRUM),
}


def flow(problem, time, overparam, lam=0.0, **others):
    return tp.solve_flow(problem, time=time, overparam=overparam, alpha_T=3.0, lam=lam, **others)


def test_the_numbers_of_the_specification():
    found = flow(tp.Problem(), [0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e6], 1.0)
    error = [0.248858, 0.205334, 0.174388, 0.232839, 0.324313, 0.395079, 0.465897]
    bmd = [1.049151, 1.060480, 1.116684, 1.507202, 2.125975, 2.502987, 2.70971]
    np.testing.assert_allclose(found.test_error, error, atol=6e-7)
    np.testing.assert_allclose(found.bmd, bmd, atol=6e-6)
    for overparam, error, bmd in ((3.0, 0.193160, 1.240814), (0.5, 0.238516, 1.515326)):
        there = flow(tp.Problem(), 100.0, overparam)
        assert float(there.test_error) == pytest.approx(error, abs=6e-7)
        assert float(there.bmd) == pytest.approx(bmd, abs=6e-7)


@pytest.mark.parametrize(("overparam", "lam"), [(0.3, 0.0), (0.3, 1e-3), (2.5, 0.0), (2.5, 1e-3)])
@pytest.mark.parametrize("name", PROBLEMS)
def test_late_times_are_the_solved_model(name, overparam, lam):
    problem = PROBLEMS[name]
    late = flow(problem, 1e10, overparam, lam)
    solved = tp.solve(problem, overparam=overparam, alpha_T=3.0, lam=lam)
    for variable in ALL:
        assert float(late[variable]) == pytest.approx(float(solved[variable]), rel=1e-8, abs=1e-15)


@pytest.mark.parametrize("name", PROBLEMS)
def test_early_times_are_linear_response(name):
    # w = t X^T y: m = t alpha k tr T, q = t^2 (alpha E y^2 <Omega> + alpha^2 k^2 tr T)
    problem, overparam = PROBLEMS[name], 1.0
    early = flow(problem, [1e-7, 1e-4], overparam)
    moments, teacher = problem.activation.moments, problem.teacher
    far, c = 1e20, np.array([3.0 * overparam])
    t = problem.features.traces(c, moments, teacher.rho, np.array([far]), np.ones(1))
    alpha, trace, omega = 1 / overparam, far * t.TR[0], far * t.OmegaR[0]
    m = alpha * teacher.correlation * trace * early.time
    q = early.time**2 * (
        alpha * teacher.second_moment * omega + (alpha * teacher.correlation) ** 2 * trace
    )
    np.testing.assert_allclose(early.m[0], m[0], rtol=1e-6)
    np.testing.assert_allclose(early.q_d[0], q[0], rtol=1e-6)
    assert float(early.train_loss[0]) == pytest.approx(teacher.second_moment / 2, rel=1e-6)


def test_the_energy_falls_with_time():
    """Gradient flow never climbs: E = loss P + lam |w|^2 / 2, per weight."""
    times = np.geomspace(1e-4, 1e10, 200)
    for overparam in (0.5, 1.0, 2.0):
        for lam in (0.0, 1e-2):
            found = flow(tp.Problem(), times, overparam, lam)
            energy = found.train_loss / overparam + lam * found.q_d / 2
            # above the end of training, which rounding reaches first
            assert np.all(np.diff(energy) <= 1e-13 * energy[1:])


def test_windows_do_not_show():
    """A time alone and among others: other nodes, the same numbers."""
    times = np.geomspace(1e-4, 1e10, 43)
    for overparam, lam in ((1.0, 0.0), (2.0, 1e-3), (0.4, 0.0)):
        together = flow(tp.Problem(), times, overparam, lam)
        for index in (0, 11, 20, 30, 42):
            alone = flow(tp.Problem(), times[index], overparam, lam)
            for name in ALL:
                if name != "train_error":  # exponentially small: relative to its logarithm
                    a, b = float(together[name][index]), float(alone[name])
                    assert a == pytest.approx(b, rel=2e-10), (name, times[index])


@pytest.mark.parametrize("name", [*PROBLEMS, "power_law"])
def test_pairs_are_differences_of_single_averages(name):
    problem = PROBLEMS.get(name, tp.Problem(features=tp.PowerLaw()))
    law, moments = problem.features, problem.activation.moments
    for c in (0.6, 2.5):
        x = law.inner(c, moments, np.array([0.3, 0.5, 2.0])) * np.exp([0.5j, 0.2j, 0.0j])
        y = law.inner(c, moments, np.array([0.4, 3.0])) * np.exp([-0.7j, 0.1j])
        (u, _, a), (v, _, b) = (law.at_inner(c, moments, 1.0, z) for z in (x, y))
        found = law.pairs(c, moments, 1.0, Ridge(u, x), Ridge(v, y))
        gap = v[None, :] - u[:, None]
        for pair, one in (
            (found.forms[-1].plain, "R"),
            (found.forms[-1].noise, "OmegaR"),
            (found.forms[-1].signal, "TR"),
            (found.linear.plain, "SR"),
        ):
            difference = (getattr(a, one)[:, None] - getattr(b, one)[None, :]) / gap
            np.testing.assert_allclose(pair, difference, rtol=1e-11)
        same = law.pairs(c, moments, 1.0, Ridge(u, x), Ridge(u, x))
        for pair, one in (
            (same.linear.noise, "SOmegaR2"),
            (same.linear.signal, "TSR2"),
            (same.forms[-1].noise, "OmegaR2"),
        ):
            np.testing.assert_allclose(np.diagonal(pair), getattr(a, one), rtol=1e-12)


def test_a_gaussian_start_ends_at_the_nearest_interpolator_and_begins_where_it_is():
    start = tp.GaussianStart([0.5, 2.0])
    found = flow(tp.Problem(), [1e-9, 1e10], 2.0, start=start)
    end = tp.solve_from_start(tp.Problem(), start, overparam=2.0, alpha_T=3.0)
    for name in (*ALL, "start_q", "start_bmd", "start_overlap", "distance"):
        np.testing.assert_allclose(found[name][1], end[name], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.q_d[0], found.scale**2, rtol=1e-6)
    np.testing.assert_allclose(found.bmd[0], found.start_bmd[0], rtol=1e-6)
    forgotten = flow(tp.Problem(), 1e10, 2.0, 1e-3, start=start)
    solved = tp.solve(tp.Problem(), overparam=2.0, alpha_T=3.0, lam=1e-3)
    for name in ALL:
        np.testing.assert_allclose(forgotten[name], float(solved[name]), rtol=1e-8, atol=1e-12)


def test_families_and_paths():
    t = xr.DataArray([1.0, 10.0], dims="stage")
    family = tp.solve_flow(
        tp.Problem(teacher=tp.FlippedSign()),
        vary={"teacher.flip": [0.0, 0.2]},
        time=t,
        overparam=xr.DataArray([0.5, 2.0], dims="stage"),
        alpha_T=3.0,
    )
    assert family.test_error.dims == ("flip", "stage")
    alone = flow(tp.Problem(teacher=tp.FlippedSign(0.2)), 10.0, 2.0)
    assert float(family.test_error[1, 1]) == pytest.approx(float(alone.test_error), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"time": 0.0}, "time = 0: give numbers in"),
        ({"time": [1.0, np.inf]}, "time = inf"),
        ({"overparam": np.inf}, "overparam = inf"),
        ({"lam": -1.0}, "lam = -1"),
        ({"problem": tp.Problem(loss=tp.Logistic())}, "give loss=Square"),
        ({"start": tp.RandomLabelsStart()}, "solve_from_start"),
        ({"throw": 1}, "throw"),
    ],
)
def test_bad_input_is_named(changes, words):
    given = {"problem": tp.Problem(), "time": 1.0, "overparam": 1.0, "alpha_T": 3.0, **changes}
    with pytest.raises(ValueError, match=words):
        tp.solve_flow(given.pop("problem"), **given)


def test_what_rounding_hides_is_not_returned():
    """Noiseless linear labels are learned to the last digit."""
    problem = tp.Problem(activation=tp.Identity(), teacher=tp.Linear(noise=0.0))
    with pytest.raises(tp.SolveError, match="diverged"):
        flow(problem, 1e8, 2.5)
    found = flow(problem, [1.0, 1e8], 2.5, throw=False)
    assert np.isfinite(found.test_error[0])
    assert np.isnan(found.test_error[1])


TABLE = json.loads((Path(__file__).parent / "data" / "training_time.json").read_text("utf-8"))
ACTIVATIONS = {"tanh": tp.Tanh(), "relu": tp.ReLU()}
TEACHERS = {"sign": tp.Sign(), "flip": tp.FlippedSign(0.2), "linear": tp.Linear(noise=0.1)}


@pytest.mark.parametrize(
    "row", TABLE, ids=lambda r: f"{r['teacher']} {r['overparam']} {r['time']:g}"
)
def test_forty_digits_by_another_contour(row):
    """Rows of validate.precise.flow with 40 nodes."""
    problem = tp.Problem(ACTIVATIONS[row["activation"]], TEACHERS[row["teacher"]])
    point = {name: row[name] for name in ("time", "overparam", "alpha_T", "lam")}
    found = tp.solve_flow(problem, **point)
    for name in ("q_d", "Q_d", "m", "train_loss", "bmd"):
        assert float(found[name]) == pytest.approx(float(row[name]), rel=1e-10), name


def test_the_table_can_be_made_again():
    """One row with fewer nodes: 0.6 digits a node."""
    row = TABLE[1]
    moments = ACTIVATIONS[row["activation"]].moments
    kappa = moments.kappa_1, moments.kappa_star, moments.dkappa_star
    point = (row[name] for name in ("overparam", "alpha_T", "lam", "time"))
    found = precise_flow(kappa, (1.0, np.sqrt(2 / np.pi)), *point, nodes=14)
    for name, value in found.items():
        assert float(value) == pytest.approx(float(row[name]), rel=1e-8), name


def test_networks_agree_at_every_time():
    """Extrapolated to infinite size; a right theory is rejected with probability 1e-3."""
    at = {
        "time": [0.1, 10.0, 1e3],
        "overparam": [0.5, 1.0, 2.0],
        "alpha_T": 3.0,
        "lam": [0.0, 1e-2],
    }
    counts = {"n_test": 1000, "n_flip": 32, "n_variance": 1024}
    run = tp.run_flow(tp.Problem(), **at, D=(20, 40, 80), seeds=12, **counts)
    compared = tp.compare(tp.solve_flow(tp.Problem(), **at), run)
    verdict = tp.agrees(tp.summarise(compared, 1))
    assert verdict, verdict.rejected
    assert verdict.tests > 60


def test_networks_from_a_gaussian_start_agree():
    start = tp.GaussianStart([0.5, 1.0])
    at = {
        "time": [1.0, 100.0],
        "overparam": [0.5, 2.0],
        "alpha_T": 3.0,
        "lam": 1e-2,
        "start": start,
    }
    counts = {"n_test": 1000, "n_flip": 32, "n_variance": 1024}
    run = tp.run_flow(tp.Problem(), **at, D=(20, 40, 80), seeds=12, **counts)
    compared = tp.compare(tp.solve_flow(tp.Problem(), **at), run)
    verdict = tp.agrees(tp.summarise(compared, 1))
    assert verdict, verdict.rejected


@pytest.mark.parametrize("start", [None, tp.GaussianStart(2.0), tp.RandomLabelsStart(0.5)])
def test_networks_at_the_end_are_those_of_training_from_the_start(start):
    counts = {"n_test": 100, "n_flip": 4, "n_variance": 64, "D": 20, "seeds": 2}
    late = tp.run_flow(tp.Problem(), 1e14, 2.0, start=start, **counts)
    begin = tp.GaussianStart(0.0) if start is None else start
    end = tp.run_from_start(tp.Problem(), begin, 2.0, **counts)
    for name in ("q_d", "p_d", "m", "test_error", "bmd"):
        np.testing.assert_allclose(late[name], end[name], rtol=1e-6)


def test_run_flow_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="give loss=Square"):
        tp.run_flow(tp.Problem(loss=tp.Logistic()), 1.0, 1.0, D=20)
    with pytest.raises(ValueError, match="start = 3"):
        tp.run_flow(tp.Problem(), 1.0, 1.0, D=20, start=3)
    with pytest.raises(ValueError, match="time = 0"):
        tp.run_flow(tp.Problem(), 0.0, 1.0, D=20)


def test_the_best_time_is_a_minimum_and_beats_the_best_ridge_here():
    best = tp.best_stopping(tp.Problem(), overparam=1.0, alpha_T=3.0)
    t = float(best.time)
    around = flow(tp.Problem(), [0.99 * t, t, 1.01 * t], 1.0).test_error
    assert around[1] < min(around[0], around[2])
    assert float(best.test_error) == pytest.approx(float(around[1]), rel=1e-10)
    ridge = tp.optimal_lam(tp.Problem(), overparam=1.0, alpha_T=3.0)
    assert float(best.ridge_value) == pytest.approx(float(ridge.test_error), rel=1e-12)
    assert float(best.test_error) < float(best.ridge_value)


def test_without_a_penalty_the_mean_dimension_rises_to_the_end():
    best = tp.best_stopping(tp.Problem(), overparam=2.0, alpha_T=3.0, variable="bmd")
    assert np.isnan(float(best.time))
    rising = flow(tp.Problem(), np.geomspace(1e-2, 1e4, 50), 2.0).bmd
    assert np.all(np.diff(rising) > 0)
    with pytest.raises(ValueError, match="variable = 'm'"):
        tp.best_stopping(tp.Problem(), overparam=2.0, alpha_T=3.0, variable="m")
