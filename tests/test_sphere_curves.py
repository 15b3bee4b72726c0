"""Learning curves on the sphere: many digits, limits, derivatives, thresholds, refusals."""

import json
import warnings

import numpy as np
import pytest
from data.make_sphere import CASES, FILE, row

from twinpeaks import theory
from twinpeaks.theory import sphere
from twinpeaks.theory.sphere.harmonics import log_multiplicity

pytestmark = pytest.mark.filterwarnings(
    "ignore:variance_share is up to:twinpeaks.theory.sphere.AmplitudeWarning"
)
GOLDEN = list(zip(CASES, json.loads(FILE.read_text("utf-8")), strict=True))
NTK, RFK, FIELD = sphere.NTK(), sphere.RFK(), sphere.GaussianField


@pytest.mark.parametrize(("case", "known"), GOLDEN, ids=lambda v: str(v)[:60])
def test_golden_rows(case, known):
    *parts, n, lam, ratio = case
    curve = sphere.solve(sphere.Problem(*parts), n=n, lam=lam, overparam=ratio)
    for name, digits in known.items():
        assert float(curve[name]) == pytest.approx(float(digits), rel=1e-12, abs=0), name


@pytest.mark.slow
@pytest.mark.parametrize(("case", "known"), GOLDEN, ids=lambda v: str(v)[:60])
def test_golden_rows_are_made_again(case, known):
    assert row(*case) == known


@pytest.mark.parametrize("d", [2, 3, 8])
@pytest.mark.parametrize("kernel", [NTK, RFK], ids=repr)
def test_kappa_solves_its_equation_degree_by_degree(d, kernel):
    """sum N s = [K(0) - sum N lambda s] / kappa: the second sum converges in a few thousand degrees."""
    n, lam = np.array([3.0, 40.0]), np.array([0.0, 0.3])
    found = sphere.solve(sphere.Problem(d, kernel), n=n, lam=lam)
    k = np.arange(60_000)
    value, count = kernel.eigenvalues(d, k), np.exp(log_multiplicity(d, k.astype(float)))
    for i, penalty in enumerate(lam):
        for j, patterns in enumerate(n):
            kappa = float(found.kappa[j, i])
            learned = kernel.trace(d) - np.sum(count * value**2 / (value + kappa))
            assert (learned + penalty) / kappa == pytest.approx(patterns, rel=1e-9)


@pytest.mark.parametrize("lam", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("ratio", [0.3, 1.5, np.inf])
def test_the_exponent_is_the_derivative(lam, noise, ratio):
    problem = sphere.Problem(5, RFK, FIELD(0.7), noise)
    h = 1e-5
    n = 50.0 * np.exp([-h, 0.0, h])
    curve = sphere.solve(problem, n=n, lam=lam, overparam=ratio)
    slope = -np.diff(np.log(curve.test_error[::2]))[0] / (2 * h)
    assert float(curve.exponent[1]) == pytest.approx(slope, abs=2e-7)


def test_wide_features_are_their_kernel():
    problem = sphere.Problem(4, RFK, FIELD(1.0), 0.1)
    for lam in (0.0, 1e-2):
        curve = sphere.solve(problem, n=100, lam=lam, overparam=[1e3, 1e5, np.inf])
        gap = np.abs(curve.test_error[:-1] / curve.test_error[-1] - 1).values
        assert gap[0] < 0.01
        assert gap[1] < 1.2e-2 * gap[0]  # like 1/p


def test_many_patterns_and_few_features_are_the_kernel_of_the_features():
    """n and p may be exchanged in g h = p lam / kappa: with n -> infinity T = p at lam = 0."""
    problem = sphere.Problem(4, RFK, FIELD(1.0))
    narrow = sphere.solve(problem, n=1e7, lam=0.0, overparam=1e-5)
    kernel = sphere.solve(problem, n=100, lam=0.0)
    assert float(narrow.kappa) == pytest.approx(float(kernel.kappa), rel=1e-12)


def test_without_data_and_with_a_large_penalty_nothing_is_learned():
    problem = sphere.Problem(3, NTK, FIELD(1.5), 0.3)
    curve = sphere.solve(problem, n=20, lam=1e12)
    assert float(curve.test_error) == pytest.approx(1.0, abs=1e-9)
    assert float(curve.train_error) == pytest.approx(1.3, abs=1e-9)
    assert float(curve.ridge_share) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("d", "kernel", "smoothness"),
    [(3, NTK, 0.5), (3, NTK, 1.5), (3, NTK, 6.0), (3, RFK, 3.0), (3, RFK, 6.0), (5, NTK, 6.0),
     (2, RFK, 6.0), (2, NTK, 0.3)],
)  # fmt: skip
def test_local_exponents_tend_to_the_formula(d, kernel, smoothness):
    problem = sphere.Problem(d, kernel, FIELD(smoothness))
    local = float(sphere.solve(problem, n=1e9).exponent)
    law = sphere.exponents(problem)
    assert not law.lazy_has_logarithm
    assert local == pytest.approx(law.lazy, rel=0.02)


def test_at_a_tie_there_is_a_logarithm():
    """error ~ ln n n^-beta: the local exponent misses beta by 1 / ln n (up to a shift of ln n)."""
    problem = sphere.Problem(3, NTK, FIELD(3.0))
    law = sphere.exponents(problem)
    assert law.lazy_has_logarithm
    gap = law.lazy - sphere.solve(problem, n=[1e5, 1e9]).exponent.values
    shift = 1 / gap - np.log([1e5, 1e9])
    assert abs(shift[1] - shift[0]) < 0.3


def test_the_constant_has_the_exponents_of_the_article():
    for d in (3, 4, 5):
        for kernel, power in ((NTK, 2.0), (RFK, 6.0)):
            law = sphere.exponents(sphere.Problem(d, kernel, sphere.Constant()))
            assert law.lazy == pytest.approx(2 + power / (d - 1))
            assert law.feature == pytest.approx(1 + 3 / (d - 1))
            assert law.feature_is_worse


def test_sparse_features_are_never_better_in_exponent():
    for d in range(2, 12):
        for kernel in (NTK, RFK):
            for smoothness in np.arange(0.25, 12, 0.25):
                law = sphere.exponents(sphere.Problem(d, kernel, FIELD(float(smoothness))))
                assert law.feature <= law.lazy
                limit = 2 * (d - 1) + 4 * kernel.smoothness
                assert law.feature_is_worse == (smoothness > (d + 2) / 2 and limit > d + 2)


def test_amplitudes_in_the_plane():
    known = {0.1: 0.9050350676, 0.25: 1.037089946, 0.5: 4 / 3, 1.0: 7 / 3, 1.5: 64 / 15, 3.0: 8.0}
    for smoothness, ratio in known.items():
        assert sphere.amplitude_ratio(smoothness) == pytest.approx(ratio, rel=1e-9)
        near = [sphere.amplitude_ratio(smoothness + h) for h in (-1e-7, 1e-7)]
        assert near == pytest.approx([ratio, ratio], rel=1e-5)
    gaussian = sphere.solve(sphere.Problem(2, NTK, sphere.Constant()), n=10**5)
    exact = float(sphere.constant_error(10**5))
    assert exact / float(gaussian.test_error) == pytest.approx(8.0, rel=1e-3)


def test_thresholds_have_no_limit_and_beyond_them_all_is_learned():
    problem = sphere.Problem(3, sphere.Zonal((1.0, 0.5, 0.2)), FIELD(1.5, degrees=2), 0.1)
    curve = sphere.solve(problem, n=[5, 9, 18], lam=0.0)  # 1 + 3 + 5 modes
    assert curve.status.values.tolist() == [0, sphere.Status.NO_LIMIT, 0]
    assert np.isnan(curve.test_error[1])
    # least squares on all modes: sigma^2 rank / (n - rank)
    assert float(curve.test_error[2]) == pytest.approx(0.1)
    close = sphere.solve(problem, n=18, lam=1e-11)
    assert float(close.test_error) == pytest.approx(0.1, rel=1e-8)
    square = sphere.solve(sphere.Problem(5, RFK), n=[64, 64.5], lam=0.0, overparam=1.0)
    assert (square.status == sphere.Status.NO_LIMIT).all()


def test_degrees_that_cannot_be_learned_are_a_floor():
    target = FIELD(1.0, parity="all", degrees=9)
    problem = sphere.Problem(3, NTK, target)
    k = np.arange(3, 10, 2)
    floor = float(np.sum((2 * k + 1) * target.powers(3, k)))
    curve = sphere.solve(problem, n=1e8, lam=10.0)
    assert curve.floor == pytest.approx(floor, rel=1e-12)
    assert floor < float(curve.test_error) < 1.02 * floor
    assert sphere.solve(sphere.Problem(3, NTK, FIELD(1.0)), n=8).floor == 0.0


def test_a_wrong_amplitude_is_warned_of():
    with pytest.warns(sphere.AmplitudeWarning, match=r"variance_share is up to 0.* in d = 3"):
        sphere.solve(sphere.Problem(3, NTK), n=64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sphere.solve(sphere.Problem(3, NTK), n=64, lam=30.0)
        sphere.solve(sphere.Problem(30, NTK), n=64)


def test_the_best_penalty_is_where_the_error_is_flat():
    problem = sphere.Problem(6, NTK, FIELD(1.0), 0.2)
    best = sphere.optimal_lam(problem, n=[30, 3000])
    for n, lam, least in zip(best.n.values, best.lam.values, best.test_error.values, strict=True):
        around = sphere.solve(problem, n=float(n), lam=lam * np.array([0.9, 1.1])).test_error
        assert (around > least).all()
        grid = sphere.solve(problem, n=float(n), lam=np.geomspace(1e-8, 1e6, 300)).test_error
        assert float(grid.min()) >= least
    plain = sphere.optimal_lam(sphere.Problem(3, NTK, FIELD(1.5)), n=100)
    assert float(plain.lam) == 0.0


def test_the_peak_over_the_width():
    problem = sphere.Problem(20, RFK, FIELD(0.5), 0.1)
    top = sphere.peak(problem, n=500, lam=[1e-6, 1e-3])
    for lam, place, height in zip(top.lam, top.location, top.height, strict=True):
        around = sphere.solve(
            problem, n=500, lam=float(lam), overparam=float(place) * np.exp([-1e-2, 1e-2])
        )
        assert (around.test_error < height).all()
    none = sphere.peak(problem, n=500, lam=1e4)
    assert np.isnan(none.height)
    assert none.status == sphere.Status.NO_LIMIT


def test_turning_a_field_changes_it_by_its_covariance():
    target, angle = FIELD(1.0, degrees=30), 0.4
    k = np.arange(31)
    covariance = np.sum((2 * k + 1) * target.powers(3, k) * sphere_legendre(np.cos(angle), 30))
    free = 1.0 - float(target.powers(3, np.array([0]))[0])
    found = sphere.rotation_change(target.powers(3, k), 3, angle)
    assert found == pytest.approx((1.0 - covariance) / free, rel=1e-12)
    assert sphere.rotation_change([0.0, 1.0], 7, np.pi) == pytest.approx(2.0)


def sphere_legendre(x, last):
    from scipy.special import eval_legendre

    return eval_legendre(np.arange(last + 1), x)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: sphere.solve(sphere.Problem(), n=0), r"n = 0: give numbers in \(0, inf\)"),
        (lambda: sphere.solve(sphere.Problem(), n=5, lam=-1), "lam = -1: give numbers"),
        (lambda: sphere.solve(sphere.Problem(), n=5, overparam=2.0), "is no kernel of random features"),
        (lambda: sphere.solve(theory.Problem(), n=5), "give a sphere.Problem"),
        (lambda: sphere.solve(sphere.Problem(kernel=sphere.SparseFeatures()), n=5), "no theory of its"),
        (lambda: sphere.exponents(sphere.Problem(noise=0.1)), "noise = 0.1: these are the exponents"),
        (lambda: sphere.exponents(sphere.Problem(kernel=sphere.Zonal((1.0,)))), "has no power law"),
        (lambda: sphere.exponents(sphere.Problem(target=FIELD(1.0, "all"))), "has a floor"),
        (lambda: sphere.peak(sphere.Problem(), n=5, lam=0.1), "has no width"),
        (lambda: sphere.peak(sphere.Problem(kernel=RFK), n=5, lam=0), "lam = 0: give numbers"),
        (lambda: sphere.amplitude_ratio(0), "smoothness = 0: give a number > 0"),
        (lambda: sphere.constant_error(3), "n = 3: give whole numbers from 4"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
