"""Networks trained from a start against the theory, with error bars over seeds."""

import sys

import numpy as np
import pytest
import torch
from scipy import stats

from twinpeaks import simulate, theory
from twinpeaks.validate import holm, over_seeds
from twinpeaks.validate.pooled import pooled_deviation

SQUARE = theory.Problem()

NAMES = ("q_d", "p_d", "Q_d", "m", "test_error", "bmd", "start_q", "start_overlap", "distance")


def p_values(curve, run, variables):
    """Two-sided p-values of the limit D -> infinity, from a line in 1/D through two sizes.

    Of every variable: each point, and the mean deviation of all points (validate/pooled.py).
    """
    names = [n for n in variables if float(run[n].std("seed").max()) > 1e-9]
    mean, error, _ = over_seeds(run, names)
    theory_at = curve[names].to_dataarray("variable")
    pooled = pooled_deviation(run, theory_at.transpose("variable", ...))
    dof = run.sizes["seed"] - 1
    found = []
    for value, sigma in (
        (mean.to_dataarray("variable") - theory_at, error.to_dataarray("variable")),
        (pooled["pooled_mean"], pooled["pooled_error"]),
    ):
        small, large = (run.D.values == d for d in (run.D.min().item(), run.D.max().item()))
        a, b = run.D.values[small][0], run.D.values[large][0]
        weights = {True: b / (b - a), False: -a / (b - a)}
        x = [value.isel(D=int(np.flatnonzero(i)[0])) for i in (small, large)]
        s = [sigma.isel(D=int(np.flatnonzero(i)[0])) for i in (small, large)]
        limit = weights[False] * x[0] + weights[True] * x[1]
        parts = [(weights[False] * s[0]) ** 2, (weights[True] * s[1]) ** 2]
        variance = parts[0] + parts[1]
        freedom = variance**2 * dof / (parts[0] ** 2 + parts[1] ** 2)
        used = variance > 1e-18 * (1 + limit**2)  # a given scale has no error
        p = 2 * stats.t.sf(np.abs(limit / variance**0.5).where(used, 0.0), freedom.where(used, 1.0))
        found.append(np.ravel(p))
    return np.concatenate(found)


def smallest_p(curve, run, variables=NAMES):
    """Adjusted for the number of tests, whatever their dependence (Holm)."""
    return float(np.nanmin(holm(p_values(curve, run, variables))))


def networks(problem, start, overparam, alpha_T, lam, D, seeds):
    return simulate.run_from_start(
        problem,
        start,
        overparam,
        alpha_T,
        lam,
        D,
        seeds,
        device="cpu",
        n_test=2000,
        n_flip=8,
        n_variance=1024,
    )


@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU()], ids=repr)
@pytest.mark.parametrize(
    "start",
    [
        theory.GaussianStart(scale=[1.0, 4.0]),
        theory.RandomLabelsStart(alpha_prime=[0.125, 0.5], scale=4.0),
    ],
    ids=repr,
)
def test_small_networks_agree(start, activation):
    """False-alarm rate 1e-3 for each of the four tests, by Holm over all its variables and points."""
    problem = theory.Problem(activation=activation)
    at = {"overparam": 4.0, "alpha_T": 1.0, "lam": 0.0}
    run = networks(problem, start, **at, D=[24, 48], seeds=32)
    curve = theory.solve_from_start(problem, start, **at)
    assert smallest_p(curve, run) > 1e-3
    # and it can fail: with half of what the start adds it does
    names, none = ("q_d", "p_d", "Q_d", "test_error", "bmd"), theory.solve(problem, **at)
    wrong = curve.assign({n: 0.5 * (curve[n] + none[n]) for n in names})
    assert smallest_p(wrong, run, names) < 1e-3


SLOW = [
    theory.GaussianStart(scale=[0.5, 2.0, 10.0]),
    theory.RandomLabelsStart(alpha_prime=[0.1, 0.6], scale=[1.0, 10.0]),
    theory.RandomLabelsStart(alpha_prime=[0.1, 0.4, 1.5], ridge=0.02),
]


@pytest.mark.slow
@pytest.mark.parametrize("lam", [0.0, 0.05])
@pytest.mark.parametrize("activation", [theory.Tanh(), theory.ReLU()], ids=repr)
@pytest.mark.parametrize("start", SLOW, ids=repr)
def test_networks_agree(start, activation, lam):
    """Two widths, D = 60 and 120, 32 seeds; false-alarm rate 1e-3 / 12 each, 1e-3 together."""
    problem = theory.Problem(activation=activation)
    widths = [1.5, 4.0]
    run = networks(problem, start, widths, 2.0, lam, [60, 120], 32)
    curve = theory.solve_from_start(problem, start, overparam=widths, alpha_T=2.0, lam=lam)
    assert smallest_p(curve, run) > 1e-3 / 12


@pytest.mark.slow
def test_the_direction_of_the_start_matters():
    """Networks started from random labels are not those started from noise of the same norm."""
    start = theory.RandomLabelsStart(alpha_prime=0.05, scale=5.0)
    run = networks(SQUARE, start, 2.0, 2.0, 0.0, [40, 80], 16)
    right = theory.solve_from_start(SQUARE, start, overparam=2.0, alpha_T=2.0)
    wrong = theory.solve_from_start(
        SQUARE, theory.GaussianStart(scale=5.0), overparam=2.0, alpha_T=2.0
    )
    assert smallest_p(right, run) > 1e-3
    assert smallest_p(wrong, run) < 1e-6


def test_old_labels_on_the_training_inputs_are_overwritten():
    """Weights do not depend on the scale; with old labels on other inputs they do."""
    scale = [0.0, 1.0, 10.0]
    start = theory.SameInputsStart(scale=scale)
    run = simulate.run_from_start(SQUARE, start, 2.0, 2.0, D=20, seeds=2, n_flip=4, n_variance=64)
    for name in ("q_d", "p_d", "r", "test_error", "bmd"):
        np.testing.assert_allclose(run[name] - run[name].isel(scale=0), 0, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(run.start_q, np.array(scale) ** 2 + 0 * run.start_q, rtol=1e-12)
    other = theory.RandomLabelsStart(alpha_prime=0.5, scale=scale)
    run = simulate.run_from_start(SQUARE, other, 2.0, 2.0, D=20, seeds=2, n_flip=4, n_variance=64)
    assert float((run.q_d.isel(scale=2) - run.q_d.isel(scale=0)).min()) > 10


def test_a_design_that_is_not_finite_is_said_and_ends_no_sweep(monkeypatch):
    module = sys.modules["twinpeaks.simulate.initialisation"]
    draw = module.draw_instance

    def spoiled(problem, D, N, P, random, work):
        instance = draw(problem, D, N, P, random, work)
        if N > P:
            instance.design[0, 0] = torch.inf
        return instance

    monkeypatch.setattr(module, "draw_instance", spoiled)
    start = theory.GaussianStart(scale=[1.0, 2.0])
    run = simulate.run_from_start(SQUARE, start, [0.5, 2.0], D=10, seeds=2, n_flip=2, n_variance=16)
    for index, status in ((0, simulate.Status.CONVERGED), (1, simulate.Status.NONFINITE)):
        part = run.isel(overparam=index)
        assert (part.status == status).all()
        for name in ("q_d", "distance", "start_bmd", "test_error"):
            assert (np.isfinite(part[name]) == (status == simulate.Status.CONVERGED)).all(), name
