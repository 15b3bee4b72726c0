"""Extrapolation, pooled test, chi-square and power, on synthetic data whose truth is known."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from twinpeaks import validate
from twinpeaks.validate.line_fit import fit_inverse_size
from twinpeaks.validate.pooled import pooled_deviation, two_sided
from twinpeaks.validate.shared import shared_correlation

RATIOS = (0.2, 0.5, 1.0, 2.0)
LAM = (1e-4, 0.1)
TRUTH = 1.5
# Independent repetitions cost little as variables of one Dataset.
REPEATED = ("q_d", "p_d", "r", "Q_d", "m", "test_error", "bmd", "energy", "q_0", "p_0")


def synthetic(
    rng, D, seeds=16, *, line=0.0, square=0.0, noise=0.1, falls=0.0, shared=False, names=("bmd",)
):
    """A theory and a simulation with bias line / D + square / D^2 and sd ~ D^-falls."""
    dims = {"overparam": RATIOS, "lam": LAM, "D": D, "seed": range(seeds)}
    axes = {name: list(values) for name, values in dims.items()}
    shape = tuple(len(v) for v in axes.values())
    size = np.array(D, dtype=float)[:, None]
    bias = line / size + square / size**2
    noise = noise * (D[0] / size) ** falls
    run = xr.Dataset(coords={**axes, "alpha_T": 3.0})
    for name in names:
        draw = rng.standard_normal((shape[0], 1, *shape[2:]) if shared else shape)
        run[name] = (list(axes), np.broadcast_to(TRUTH + bias + noise * draw, shape))
    run["status"] = xr.zeros_like(run[names[0]], dtype=np.int8)
    curve = run.isel(D=0, seed=0, drop=True)
    curve = curve.assign({name: 0 * curve[name] + TRUTH for name in names})
    about = {"problem": "Problem()"}
    return curve.assign_attrs(kind="theory", **about), run.assign_attrs(kind="simulation", **about)


def summary_of(rng, D, order=1, **how):
    return validate.summarise(validate.compare(*synthetic(rng, D, **how)), order)


@pytest.fixture
def rng():
    return np.random.default_rng(1812)


@pytest.mark.parametrize("order", [1, 2])
def test_fit_is_weighted_least_squares_of_numpy(rng, order):
    comparison = validate.compare(*synthetic(rng, (40, 60, 90, 160), line=5.0, falls=0.7))
    point = {"variable": "bmd", "overparam": 1.0, "lam": 0.1}
    at = comparison.sel(point)
    known = xr.full_like(at["dof"], np.inf)
    fit = fit_inverse_size(at["mean"], at["standard_error"], known, order)
    coefficients, covariance = np.polyfit(
        1 / at.D.values, at["mean"].values, order, w=1 / at.standard_error.values, cov="unscaled"
    )
    np.testing.assert_allclose(fit.value.values, coefficients[::-1], rtol=1e-9)
    np.testing.assert_allclose(fit.error.values, np.sqrt(np.diag(covariance))[::-1], rtol=1e-9)
    residual = np.polyval(coefficients, 1 / at.D.values) - at["mean"].values
    misfit = float(np.sum((residual / at.standard_error.values) ** 2))
    assert float(fit.misfit) == pytest.approx(misfit, rel=1e-9)


def test_a_bias_in_powers_of_the_root_is_removed_only_when_it_is_named(rng):
    """The mean dimension of features with kinks: D^(-1/2)."""
    curve, run = synthetic(rng, (50, 100, 200), seeds=400, noise=0.02)
    run["bmd"] = run.bmd - 0.5 * run.D**-0.5
    comparison = validate.compare(curve, run)
    assert not validate.agrees(validate.summarise(comparison))
    named = validate.summarise(comparison, slow=("bmd",))
    assert validate.agrees(named)
    assert float(abs(named.slope / -0.5 - 1).max()) < 0.2


def test_welch_satterthwaite_by_hand(rng):
    """Two sizes, D and 2 D: the limit is 2 x_2 - x_1."""
    at = validate.compare(*synthetic(rng, (50, 100), falls=0.5)).isel(
        variable=0, overparam=0, lam=0
    )
    fit = fit_inverse_size(at["mean"], at["standard_error"], at["dof"], 1)
    one, two = at.standard_error.values**2 * np.array([1, 4])
    expected = (one + two) ** 2 / (one**2 / 15 + two**2 / 15)
    assert float(fit.dof.isel(power=0)) == pytest.approx(expected, rel=1e-9)


def test_a_parabola_removes_what_a_line_cannot(rng):
    bent = {"line": 3.0, "square": 400.0, "seeds": 400, "noise": 0.05}
    curve, run = synthetic(rng, (40, 80, 160), **bent)
    comparison = validate.compare(curve, run)
    line, parabola = (validate.summarise(comparison, order) for order in (1, 2))
    assert not validate.agrees(line)
    assert float(line.bend_p_value.max()) < 1e-6  # and the lack of fit says why
    assert float(line.pooled_bend_p_value.max()) < 1e-12
    assert validate.agrees(parabola)
    assert float(abs(line.bend / 400 - 1).max()) < 0.2
    assert np.isnan(parabola.bend).all()  # three sizes: nothing is left to test


@pytest.mark.parametrize(("order", "D"), [(1, (40, 80, 160)), (2, (40, 60, 90, 160))])
def test_lack_of_fit_and_limit_have_uniform_p_values(order, D):
    """80 independent points, 4 times; Kolmogorov-Smirnov at a false-alarm rate of 1e-3 each."""
    rng = np.random.default_rng(5)
    how = {"seeds": 24, "line": 4.0, "falls": 0.5, "names": REPEATED}
    found = [summary_of(rng, D, order, **how) for _ in range(4)]
    for name in ("p_value", "bend_p_value"):
        values = np.concatenate([s[name].values.ravel() for s in found])
        assert stats.kstest(values, "uniform").pvalue > 1e-3, name


def deviations(rng, size, seeds, points, D, repeated, common=0.0):
    """A right theory, 0, of many variables, and normal numbers that are equicorrelated over points."""
    names = [f"v{k}" for k in range(repeated)]
    shape = (repeated, points, len(D), seeds)
    drawn = np.sqrt(1 - common) * rng.standard_normal(shape)
    drawn += np.sqrt(common) * rng.standard_normal((repeated, 1, len(D), seeds))
    axes = {"variable": names, "point": range(points), "D": list(D), "seed": range(seeds)}
    x = xr.DataArray(size * drawn, {n: list(v) for n, v in axes.items()}, tuple(axes))
    return x.to_dataset("variable"), xr.zeros_like(x.isel(D=0, seed=0, drop=True))


@pytest.mark.parametrize("common", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("seeds", "points"), [(2, 2), (2, 6), (3, 2), (4, 6), (6, 20)])
def test_pooled_test_keeps_its_level_at_few_seeds(seeds, points, common):
    """At each size, of independent points and of copies; a false alarm of this test has 1e-4."""
    rng, level = np.random.default_rng(seeds), 0.01
    run, theory = deviations(rng, 3.0, seeds, points, (50, 100), 1500, common)
    spread = rng.uniform(0.1, 10.0, points)  # points whose spreads differ
    found = pooled_deviation(run * xr.DataArray(spread, dims="point"), theory)
    z = found["pooled_mean"] / found["pooled_error"]
    p = two_sided(z, seeds - 1).values
    assert (p < level).sum() <= stats.binom.isf(5e-5, p.size, level)
    fit = fit_inverse_size(
        found["pooled_mean"], found["pooled_error"], xr.full_like(z, seeds - 1), 1
    )
    limit = (fit.value / fit.error).isel(power=0)
    p = two_sided(limit, fit.dof.isel(power=0)).values
    assert (p < level).sum() <= stats.binom.isf(5e-5, p.size, level)


@pytest.mark.parametrize("order", [1, 2])
def test_errors_know_that_their_weights_are_estimated(order):
    """More sizes than coefficients, 16 seeds, 200000 fits: level 0.05 is kept to a tenth.

    The rates are 0.0527 and 0.0508, known to 0.0005 (a false alarm has 2e-4), and 0.0651 and 0.0558 with
    errors that take the weights as known.
    """
    rng, n, dof, D = np.random.default_rng(order), 200_000, 15, [30, 50, 80, 130]
    mean = xr.DataArray(rng.standard_normal((n, 4)), {"D": D}, ("trial", "D"))
    error = mean.copy(data=np.sqrt(rng.chisquare(dof, (n, 4)) / dof))
    fit = fit_inverse_size(mean, error, xr.full_like(mean, dof), order)
    p = two_sided(fit.value / fit.error, fit.dof).isel(power=0)
    assert 0.049 < float((p < 0.05).mean()) < 0.0545


def test_pooled_test_keeps_its_level_where_the_spread_falls_with_the_size():
    """In units of each size's own spread the bias 4/D is no line in 1/D, and a theory that is
    right was rejected in 8 of 10 runs at level 0.05. 11 or more of 60 have probability 1e-4."""
    rng = np.random.default_rng(3)
    how = {"seeds": 64, "line": 2.0, "falls": 0.5, "names": REPEATED}
    found = [summary_of(rng, (50, 100), **how).pooled_p_value for _ in range(6)]
    small = sum(int((p < 0.05).sum()) for p in found)
    assert small <= stats.binom.isf(1e-4, 60, 0.05)


@pytest.mark.parametrize(("shared", "dof"), [(True, len(RATIOS)), (False, 2 * len(RATIOS))])
def test_chi_square_knows_which_points_are_copies(shared, dof):
    """Points that differ in lam alone may be copies of one another: half the degrees of freedom."""
    rng = np.random.default_rng(7)
    how = {"seeds": 40, "shared": shared, "names": REPEATED}
    found = [summary_of(rng, (50, 100), **how) for _ in range(5)]
    effective = np.mean([s.chi_square_dof.values for s in found])
    assert effective == pytest.approx(dof, rel=0.06)
    p = np.concatenate([s.chi_square_p.values for s in found])
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_correlation_is_that_of_numpy(rng):
    _, run = synthetic(rng, (50, 100))
    run["bmd"] = run.bmd + 0.2 * rng.standard_normal(run.sizes["seed"])  # common to all points
    found = shared_correlation(run, ["bmd"])
    at = {"overparam": 0.5, "D": 100}
    expected = np.corrcoef(run.bmd.sel(at).transpose("lam", "seed").values)
    got = found.sel(at, drop=True).isel(variable=0).transpose("first", "second")
    np.testing.assert_allclose(got.values, expected, rtol=1e-12)


def test_detectable_error_is_detected_as_often_as_it_says():
    """A theory off by exactly that much: rejected with probability 0.9 by the pooled test alone."""
    rng = np.random.default_rng(11)
    level, seen = 1e-2, []
    for _ in range(6):
        how = {"seeds": 64, "line": 2.0, "falls": 0.5, "names": REPEATED}
        curve, run = synthetic(rng, (50, 100), **how)
        right = validate.summarise(validate.compare(curve, run))
        share = validate.detectable(right, level)
        off = {name: curve[name] * (1 + float(share.sel(variable=name))) for name in REPEATED}
        wrong = validate.summarise(validate.compare(curve.assign(off), run))
        seen += list(wrong.pooled_p_value.values <= level)
    low, high = stats.binom.interval(1 - 1e-4, len(seen), 0.9)
    assert low <= sum(seen) <= high


def test_a_family_is_corrected_as_one(rng):
    one = summary_of(rng, (50, 100))
    alone, many = validate.agrees(one), validate.agrees({str(i): one for i in range(10)})
    assert many.tests == 10 * alone.tests
    assert many.p_value == pytest.approx(min(1.0, 10 * alone.p_value))
    curve, run = synthetic(rng, (50, 100))
    wrong = validate.summarise(validate.compare(curve.assign(bmd=2 * curve.bmd), run))
    verdict = validate.agrees({"right": one, "wrong": wrong})
    assert not verdict
    assert all(place.startswith("wrong: bmd") for place in verdict.rejected)


def test_a_training_loss_that_vanishes_is_compared_on_its_scale(rng):
    """Separable data: the trained loss is rounding, the theory 3e-11, and neither is wrong."""
    curve, run = synthetic(rng, (50, 100))
    curve["train_loss"], run["train_loss"] = 0 * curve.bmd + 3e-11, 1e-16 * run.bmd
    summary = validate.summarise(validate.compare(curve, run))
    assert float(summary.largest_z.sel(variable="train_loss")) < 0.1
    assert int(summary.pooled_points.sel(variable="train_loss")) == 0
    curve["train_loss"] = curve.train_loss + 1e-6  # which is not rounding
    assert not validate.agrees(validate.summarise(validate.compare(curve, run)))


@pytest.mark.parametrize(
    ("D", "order", "words"),
    [((50, 100), 2, "2 sizes; give order = 1"), ((50, 100), 3, "give 1"), ((50, 100), 0, "give 1")],
)
def test_order_out_of_range_is_refused(rng, D, order, words):
    with pytest.raises(ValueError, match=words):
        validate.summarise(validate.compare(*synthetic(rng, D)), order)


@pytest.mark.parametrize(
    ("argument", "value"), [("level", 0.0), ("power", 1.0), ("tests", 0), ("summary", None)]
)
def test_detectable_refuses_and_names_the_argument(rng, argument, value):
    arguments = {"summary": summary_of(rng, (50, 100))} | {argument: value}
    with pytest.raises(ValueError, match=argument):
        validate.detectable(**arguments)
