"""Training from a start: the theory against closed forms, limits, and 50 digits."""

import mpmath
import numpy as np
import pytest
import torch
import xarray as xr

from twinpeaks import figures, measure, simulate, theory
from twinpeaks.simulate.trainers.nearest import NearestSolution
from twinpeaks.theory.starts.resolvents import Resolvents

SQUARE = theory.Problem()
AT = {"overparam": 2.0, "alpha_T": 3.0}
# of Omega = 1: features that are as good as independent
ISOTROPIC = theory.Problem(
    activation=theory.Identity(), features=theory.Spectrum((1.0,), (0.3,)), teacher=theory.Sign()
)
RULES = [
    (theory.Tanh(), theory.Gaussian()),
    (theory.ReLU(), theory.Gaussian()),
    (theory.Tanh(), theory.Orthogonal()),
    (theory.Erf(), theory.PowerLaw(0.4, 0.1)),
    (theory.Tanh(), theory.Deep((0.7,))),
]
STARTS = [
    theory.GaussianStart(scale=1.5),
    theory.RandomLabelsStart(alpha_prime=0.3),
    theory.RandomLabelsStart(alpha_prime=0.3, ridge=0.2, scale=0.7),
    theory.RandomLabelsStart(alpha_prime=1.4, scale=1.5),
]


def problem_of(rule):
    return theory.Problem(activation=rule[0], features=rule[1])


# --- the minimiser itself


@pytest.mark.parametrize(("P", "N"), [(6, 12), (15, 6)])
def test_gradient_descent_reaches_the_nearest_solution(P, N):
    """Eq. (1): 5000 plain steps from w_init, to rounding."""
    random = measure.TorchRandom.from_seed(3)
    X, y, start = random.normal(P, N), random.normal(P), random.normal(N)
    step = 1.0 / torch.linalg.matrix_norm(X, 2) ** 2
    w = start.clone()
    for _ in range(5000):
        w += step * (X.T @ (y - X @ w))
    fit = NearestSolution.of(X)
    want = fit.from_zero(y) + fit.kept(start[:, None])[:, 0]
    assert torch.linalg.vector_norm(w - want) < 1e-9 * torch.linalg.vector_norm(want)
    if P < N:
        assert torch.linalg.vector_norm(w - fit.from_zero(y)) > 0.5  # the start is not forgotten
    else:
        assert torch.linalg.vector_norm(fit.kept(start[:, None])) < 1e-9


def test_penalty_towards_the_start():
    """Eq. (2): the gradient of |y - X w|^2 / 2 + lam |w - w_init|^2 / 2 vanishes."""
    random = measure.TorchRandom.from_seed(4)
    X, y, start = random.normal(6, 12), random.normal(6), random.normal(12)
    fit = NearestSolution.of(X, 0.3)
    w = fit.from_zero(y) + fit.kept(start[:, None])[:, 0]
    gradient = X.T @ (X @ w - y) + 0.3 * (w - start)
    assert torch.linalg.vector_norm(gradient) < 1e-12


# --- traces


@pytest.mark.parametrize("u", [1e-3, 0.03, 1.0, 50.0])
def test_two_resolvents_in_fifty_digits(u):
    """Distances on both sides of the switch, coincidence and w = 0; within twice the estimate."""
    moments = theory.Tanh().moments
    s = [0.0, 0.0, 0.1, 0.5, 1.0, 2.0, 4.4]
    omega = [moments.kappa_1**2 * x + moments.kappa_star**2 for x in s]
    features = theory.Spectrum(tuple(omega), (0.0, 0.0, *(0.01,) * 5))
    problem = theory.Problem(features=features)
    ratios = np.array([0.0, 1e-6, 0.1, 0.6, 0.61, 0.95, 1 - 1e-9, 1.0, 1.3, 1.64, 1.66, 1e3])
    U, W = np.full(ratios.shape, u), u * ratios
    got = Resolvents(problem, np.ones(ratios.shape)).pair(U, W)
    assert np.all(got.rounding < 1e-7)
    with mpmath.workdps(50):
        k1, ks = mpmath.mpf(moments.kappa_1) ** 2, mpmath.mpf(moments.kappa_star) ** 2
        exact = [mpmath.mpf(float(x)) for x in features.eigenvalues]
        for j, w in enumerate(W):
            terms = [o / ((u + o) * (mpmath.mpf(float(w)) + o)) ** 2 for o in exact]
            plain = mpmath.fsum(terms) / 7
            S = mpmath.fsum(t * max(o - ks, 0) / k1 for t, o in zip(terms, exact, strict=True)) / 7
            for value, want in ((got.forms[-1, j], plain), (got.forms[0, j], S)):
                assert abs(float(value / want - 1)) < 2 * got.rounding[j] + 1e-15


def test_effective_ridge_in_closed_form():
    """Omega = 1: alpha = lam / u + 1 / (1 + u) is a quadratic."""
    alpha = np.array([0.1, 0.5, 0.99, 0.5, 2.0, 1.5])
    lam = np.array([0.0, 0.0, 0.0, 0.3, 0.3, 0.0])
    got = Resolvents(ISOTROPIC, np.ones(6)).effective_ridge(alpha, lam)
    b = alpha - lam - 1.0
    want = (-b + np.sqrt(b * b + 4 * alpha * lam)) / (2 * alpha)
    np.testing.assert_allclose(got[:5], want[:5], rtol=1e-12)
    assert got[5] == 0.0


# --- closed forms and identities


def test_isotropic_features():
    """Omega = 1: every start is a random vector, of which a random projection keeps 1 - P/N.

    The norm of the interpolator of random labels is that of an inverse Wishart matrix,
    alpha' / (1 - alpha'), and 1 / (alpha' - 1) for least squares.
    """
    ratios = np.array([0.2, 0.5, 0.9, 1.3, 4.0])
    start = theory.RandomLabelsStart(alpha_prime=ratios)
    got = theory.solve_from_start(ISOTROPIC, start, **AT)
    none = theory.solve(ISOTROPIC, **AT, lam=0.0)
    norm = np.where(ratios < 1, ratios / (1 - ratios), 1 / (ratios - 1))
    np.testing.assert_allclose(got.start_q, norm, rtol=1e-10)
    np.testing.assert_allclose(got.start_overlap, 0.5 * norm, rtol=1e-10)
    for name in ("q_d", "p_d", "Q_d"):
        np.testing.assert_allclose(got[name] - none[name], 0.5 * norm, rtol=1e-8, err_msg=name)
    np.testing.assert_allclose(got.distance, float(none.q_d) + 0.5 * norm, rtol=1e-9)
    gaussian = theory.solve_from_start(ISOTROPIC, theory.GaussianStart(scale=norm**0.5), **AT)
    np.testing.assert_allclose(gaussian.test_error, got.test_error, rtol=1e-9)


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("start", STARTS, ids=repr)
def test_objective_falls_at_half_the_squared_distance(start, rule):
    """d/d lam of min_w [ |y - X w|^2 / 2 + lam |w - w_init|^2 / 2 ] / N = |w - w_init|^2 / 2N."""
    lam, h = 0.05, 1e-4
    points = lam * np.exp([-2 * h, -h, 0.0, h, 2 * h])
    for width in (0.7, 2.0):
        got = theory.solve_from_start(
            problem_of(rule), start, overparam=width, alpha_T=2.0, lam=points
        )
        e = (got.train_loss / width + points * got.distance / 2).values
        slope = (e[0] - 8 * e[1] + 8 * e[3] - e[4]) / (12 * h * lam)
        assert slope == pytest.approx(0.5 * float(got.distance[2]), rel=1e-7)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_projections_are_projections(rule):
    """At lam = 0 what is kept of the start is Pi w_init: |Pi w_init|^2 = w_init . Pi w_init."""
    problem = problem_of(rule)
    none = theory.solve(problem, **AT, lam=0.0)
    for start in STARTS:
        got = theory.solve_from_start(problem, start, **AT)
        assert float(got.q_d - none.q_d) == pytest.approx(float(got.start_overlap), rel=1e-9)
        assert 0 < float(got.start_overlap) < float(got.start_q)


# --- limits


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_no_start_is_minimum_norm(rule):
    problem = problem_of(rule)
    none = theory.solve(problem, **AT, lam=[0.0, 0.1])
    faint = [
        theory.GaussianStart(scale=0.0),
        theory.RandomLabelsStart(alpha_prime=0.5, scale=0.0),
        theory.RandomLabelsStart(alpha_prime=1e-13),
    ]
    for start in faint:
        got = theory.solve_from_start(problem, start, **AT, lam=[0.0, 0.1])
        for name in ("q_d", "p_d", "Q_d", "m", "train_loss", "train_error", "test_error", "bmd"):
            np.testing.assert_allclose(got[name], none[name], rtol=1e-10, err_msg=name)


def test_below_the_threshold_the_start_is_forgotten():
    none = theory.solve(SQUARE, overparam=[0.3, 0.8], alpha_T=3.0, lam=0.0)
    for start in STARTS:
        got = theory.solve_from_start(SQUARE, start, overparam=[0.3, 0.8], alpha_T=3.0)
        np.testing.assert_array_equal(got.test_error, none.test_error)
        np.testing.assert_array_equal(got.bmd, none.bmd)
        assert (got.start_overlap == 0).all()
        # with a small penalty, what the lam/u-th part of a direction keeps is squared
        at = {"overparam": 0.8, "alpha_T": 3.0, "lam": [1e-5, 1e-6]}
        kept = theory.solve_from_start(SQUARE, start, **at).Q_d - theory.solve(SQUARE, **at).Q_d
        assert float(kept[1]) == pytest.approx(float(kept[0]) / 100, rel=0.05)


@pytest.mark.parametrize("start", STARTS, ids=repr)
def test_ridge_limits(start):
    """lam -> 0 is gradient descent, linearly; at lam -> infinity nothing moves."""
    got = theory.solve_from_start(SQUARE, start, **AT, lam=[0.0, 1e-6, 1e-5, 1e8])
    for name in ("q_d", "Q_d", "test_error", "bmd", "distance"):
        x = got[name].values
        assert abs(x[1] - x[0]) < 2e-3 * x[0], name
        assert (x[2] - x[0]) == pytest.approx(10 * (x[1] - x[0]), rel=2e-2), name
    last = got.isel(lam=3)
    assert float(last.distance) < 1e-12
    assert float(last.q_d) == pytest.approx(float(last.start_q), rel=1e-6)
    assert float(last.bmd) == pytest.approx(float(last.start_bmd), rel=1e-6)
    assert float(last.test_error) == pytest.approx(0.5, abs=1e-6)


def test_faint_and_saturated_random_labels():
    """alpha' -> 0: C ~ Omega, with Marchenko-Pastur moments <S> = 1, <S^2> = 1 + c; beyond 1: one C."""
    k = theory.Tanh().moments
    k1, ks, star, c = k.kappa_1**2, k.kappa_star**2, k.dkappa_star**2, 6.0
    start = theory.RandomLabelsStart(alpha_prime=[1e-7, 1.0, 1.5, 4.0], scale=2.0)
    got = theory.solve_from_start(SQUARE, start, **AT)
    linear, both = k1 * (k1 * (1 + c) + ks), k1 + ks
    want = (linear + star * both) / (linear + ks * both)
    assert float(got.start_bmd[0]) == pytest.approx(want, rel=1e-5)
    for name in ("test_error", "bmd", "start_bmd", "distance"):
        assert np.ptp(got[name].values[1:]) < 1e-10, name
    near = theory.RandomLabelsStart(alpha_prime=[1 - 1e-6, 1 + 1e-6], scale=2.0)
    sides = theory.solve_from_start(SQUARE, near, **AT)
    np.testing.assert_allclose(sides.bmd, float(got.bmd[1]), rtol=1e-5)
    # the interpolator's own norm falls with its ridge, and diverges at alpha' = 1 without
    ridges = [
        theory.solve_from_start(SQUARE, theory.RandomLabelsStart(0.999, ridge=r), **AT).start_q
        for r in (0.0, 1e-4, 1e-2, 1.0)
    ]
    assert np.all(np.diff(np.array(ridges)) < 0)
    assert float(ridges[0]) > 1e3


def test_same_inputs_leave_nothing():
    """Whatever its scale, a start in the row space of the design is overwritten."""
    scale = [0.0, 1.0, 10.0]
    start = theory.SameInputsStart(scale=scale)
    got = theory.solve_from_start(SQUARE, start, overparam=[0.5, 2.0], alpha_T=3.0)
    none = theory.solve(SQUARE, overparam=[0.5, 2.0], alpha_T=3.0, lam=0.0)
    for name in ("q_d", "p_d", "Q_d", "m", "test_error", "bmd"):
        np.testing.assert_array_equal(got[name], none[name].broadcast_like(got[name]))


def test_a_larger_start_is_worse():
    start = theory.RandomLabelsStart(alpha_prime=[0.1, 0.5], scale=[0.1, 1.0, 10.0, 1e3])
    got = theory.solve_from_start(SQUARE, start, overparam=[1.5, 5.0], alpha_T=[1.0, 5.0])
    assert (got.test_error.diff("scale") > 0).all()
    assert (got.bmd.diff("scale") > 0).all()
    assert (np.abs(got.test_error.isel(scale=3) - 0.5) < 0.01).all()


# --- the interface


def test_dataset():
    start = theory.RandomLabelsStart(alpha_prime=[0.2, 0.4, 0.6], scale=[1.0, 2.0])
    at = {"overparam": [2.0, 3.0], "alpha_T": 3.0}
    got = theory.solve_from_start(SQUARE, start, **at, lam=[0.0, 0.1])
    assert got.test_error.dims == ("overparam", "lam", "scale", "alpha_prime")
    one = theory.solve_from_start(
        SQUARE, theory.RandomLabelsStart(0.4, scale=2.0), overparam=3.0, alpha_T=3.0, lam=0.1
    )
    same = got.sel(overparam=3.0, lam=0.1, scale=2.0, alpha_prime=0.4)
    for name in one.data_vars:
        assert float(one[name]) == pytest.approx(float(same[name]), rel=1e-9), name
        assert got[name].attrs["long_name"], name
    run = simulate.run_from_start(SQUARE, start, **at, D=10, seeds=2, n_flip=2, n_variance=16)
    assert run.bmd.dims == ("overparam", "seed", "scale", "alpha_prime")
    assert not [n for n in run.data_vars if not run[n].attrs.get("definition")]
    again = simulate.run_from_start(
        SQUARE,
        theory.RandomLabelsStart(0.4, scale=2.0),
        3.0,
        D=10,
        seeds=[1],
        n_flip=2,
        n_variance=16,
    )
    there = run.sel(overparam=3.0, seed=[1], scale=2.0, alpha_prime=0.4)
    np.testing.assert_allclose(again.distance, there.distance, rtol=1e-9)
    assert run.start_q.identical(xr.Dataset.from_dict(run.to_dict()).start_q)


def test_points_without_a_limit():
    start = theory.RandomLabelsStart(alpha_prime=[0.5, 1.0])
    with pytest.raises(theory.SolveError, match="no_limit"):
        theory.solve_from_start(SQUARE, start, **AT)
    got = theory.solve_from_start(SQUARE, start, overparam=[1.0, 2.0], alpha_T=3.0, throw=False)
    limit = theory.Status.NO_LIMIT
    np.testing.assert_array_equal(got.status, [[limit, limit], [0, limit]])
    assert np.isfinite(got.bmd).values.tolist() == [[False, False], [True, False]]
    scaled = theory.RandomLabelsStart(alpha_prime=1.0, scale=1.0)
    assert int(theory.solve_from_start(SQUARE, scaled, **AT).status) == 0
    # rounding hides the point where both trainings are at their thresholds
    close = theory.RandomLabelsStart(alpha_prime=1 - 1e-5, scale=1e4)
    got = theory.solve_from_start(SQUARE, close, overparam=1 + 1e-5, alpha_T=3.0, throw=False)
    assert int(got.status) == theory.Status.DIVERGED
    assert np.isnan(got.bmd)
    # linear features of D < P' inputs cannot fit P' labels
    flat = theory.Problem(activation=theory.Identity())
    got = theory.solve_from_start(
        flat, theory.RandomLabelsStart(0.9), overparam=4.0, alpha_T=0.5, throw=False
    )
    assert int(got.status) == theory.Status.NONFINITE


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.GaussianStart(scale=-1.0), r"scale = -1: give numbers in \[0, inf\)"),
        (lambda: theory.GaussianStart(scale=None), "scale = None"),
        (
            lambda: theory.RandomLabelsStart(alpha_prime=[0.5, 0.0]),
            r"alpha_prime = 0: give numbers in \(0, inf\)",
        ),
        (lambda: theory.RandomLabelsStart(alpha_prime=[0.5, 0.5]), "give each value once"),
        (lambda: theory.RandomLabelsStart(ridge=[1.0, 2.0]), "give one number"),
        (
            lambda: theory.solve_from_start(SQUARE, 1.0, **AT),
            r"start = 1.0: give a theory.GaussianStart",
        ),
        (
            lambda: theory.solve_from_start(
                theory.Problem(loss=theory.Logistic()), theory.GaussianStart(), **AT
            ),
            "give loss=Square",
        ),
        (
            lambda: theory.solve_from_start(
                SQUARE, theory.GaussianStart(), overparam=np.inf, alpha_T=3.0
            ),
            "overparam = inf",
        ),
        (
            lambda: theory.solve_from_start(SQUARE, theory.SameInputsStart(), **AT, lam=0.1),
            "share their inputs",
        ),
        (
            lambda: simulate.run_from_start(SQUARE, theory.GaussianStart(), 2.0, lam=[0.1, -0.2]),
            "lam = -0.2: give numbers in",
        ),
        (
            lambda: simulate.run_from_start(SQUARE, theory.RandomLabelsStart(1e-3), 2.0, 1.0, D=9),
            "rounds to no pattern",
        ),
        (lambda: simulate.run_from_start(SQUARE, None, 2.0), "start = None"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_figure():
    scales, ratios = [0.5, 1.0, 5.0], [0.1, 0.3, 0.7]
    start = theory.RandomLabelsStart(alpha_prime=ratios, scale=scales)
    curve = theory.solve_from_start(SQUARE, start, **AT)
    few = theory.RandomLabelsStart(alpha_prime=[0.1, 0.7], scale=[0.5, 5.0])
    run = simulate.run_from_start(SQUARE, few, 2.0, D=10, seeds=3, n_flip=2, n_variance=16)
    gaussian = theory.solve_from_start(SQUARE, theory.GaussianStart(scales), **AT)
    fig = figures.initialisation(curve, run, gaussian)
    lines = [x for x in fig.axes[0].get_lines() if len(x.get_xdata()) == 3]
    np.testing.assert_allclose(lines[0].get_ydata(), curve.test_error.sel(alpha_prime=0.1))
    np.testing.assert_allclose(lines[-1].get_ydata(), gaussian.test_error)
    bars = fig.axes[3].containers[1][0]
    want = run.bmd.sel(scale=5.0).mean("seed")
    np.testing.assert_allclose(bars.get_ydata(), want)
    with pytest.raises(ValueError, match="no dimension scale"):
        figures.initialisation(curve.isel(scale=0), run)
    with pytest.raises(ValueError, match="curve: it has no alpha_prime"):
        figures.initialisation(curve.isel(alpha_prime=[0, 1]), run)
