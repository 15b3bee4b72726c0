"""The statistics are tested as mathematics: on synthetic Datasets whose truth is known."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from twinpeaks import validate

AXES = {"overparam": [0.5, 1.0, 2.0], "lam": [1e-4, 0.1]}
TRUTH = {"test_error": 0.2, "bmd": 1.5}


def make_curve(**axes):
    axes = {**AXES, **axes}
    shape = tuple(len(v) for v in axes.values())
    data = {name: (list(axes), np.full(shape, value)) for name, value in TRUTH.items()}
    data["status"] = (list(axes), np.zeros(shape, dtype=np.int8))
    return xr.Dataset(
        data, {**axes, "alpha_T": 3.0}, attrs={"kind": "theory", "problem": "Problem()"}
    )


def make_run(rng, D=(50, 100), seeds=8, bias=0.0, noise=0.1, **axes):
    dims = {**AXES, **axes, "D": list(D), "seed": list(range(seeds))}
    shape = tuple(len(v) for v in dims.values())
    size = np.array(D)[:, None]
    data = {
        name: (list(dims), value + bias / size + noise * rng.standard_normal(shape))
        for name, value in TRUTH.items()
    }
    data["status"] = (list(dims), np.zeros(shape, dtype=np.int8))
    run = xr.Dataset(
        data, {**dims, "alpha_T": 3.0}, attrs={"kind": "simulation", "problem": "Problem()"}
    )
    patterns = xr.DataArray(3 * np.array(D), dims="D")
    return run.assign(P=patterns, overparam_actual=run.overparam + 0.0 * patterns)


@pytest.fixture
def rng():
    return np.random.default_rng(20240122)


def test_compare_is_mean_minus_theory_over_standard_error(rng):
    run = make_run(rng)
    out = validate.compare(make_curve(), run)
    point = {"overparam": 1.0, "lam": 0.1, "D": 100}
    sample = run.bmd.sel(point).values
    got = out.sel(point | {"variable": "bmd"})
    error = sample.std(ddof=1) / np.sqrt(8)
    assert float(got.theory) == 1.5
    assert float(got.standard_error) == pytest.approx(error)
    assert float(got.z) == pytest.approx((sample.mean() - 1.5) / error)
    assert float(got.p_value) == pytest.approx(stats.ttest_1samp(sample, 1.5).pvalue)
    assert int(got.n_seeds) == 8
    assert "D" not in out.theory.dims


def test_points_are_found_by_label_in_a_finer_unsorted_curve(rng):
    curve = make_curve(overparam=[2.0 * (1 + 1e-12), 0.7, 1.0, 0.5])
    curve["bmd"] = curve.bmd * curve.overparam
    out = validate.compare(curve, make_run(rng))
    assert out.theory.sel(variable="bmd", lam=0.1).values == pytest.approx([0.75, 1.5, 3.0])


def test_scalar_axis_of_the_run_selects_from_the_curve(rng):
    run = make_run(rng).isel(lam=1, D=0)
    out = validate.compare(make_curve(), run)
    assert set(out.z.dims) == {"variable", "overparam"}
    assert float(out.lam) == 0.1


def test_a_failed_seed_makes_its_point_nan_and_is_counted(rng):
    run = make_run(rng)
    run.status[{"overparam": 0, "lam": 0, "D": 0, "seed": 3}] = 1
    out = validate.compare(make_curve(), run)
    assert np.isnan(out.z.isel(overparam=0, lam=0, D=0)).all()
    assert int(out["mean"].isnull().sum()) == 2
    assert out.attrs["points_with_failed_seeds"] == 1
    summary = validate.summarise(out)
    assert summary.attrs["untested"] == 2
    verdict = validate.agrees(summary)
    assert verdict.untested == 2
    assert not verdict
    assert "could not be tested" in verdict.sentence
    assert "--" in validate.table(summary)


def test_an_unsolved_theory_point_is_nan_and_is_counted(rng):
    curve = make_curve()
    curve.status[{"overparam": 1, "lam": 1}] = 2
    out = validate.compare(curve, make_run(rng))
    assert out.attrs["points_without_theory"] == 1
    assert np.isnan(out.z.sel(overparam=1.0, lam=0.1)).all()


def test_training_error_without_errors_is_not_infinitely_significant(rng):
    curve = make_curve().assign(train_error=lambda d: 0.0 * d.bmd + 1e-4)
    run = make_run(rng).assign(train_error=lambda d: 0.0 * d.bmd)
    z = validate.compare(curve, run).z.sel(variable="train_error")
    # 1e-4 of 8 x 150 patterns is 0.12 expected errors, and none were seen.
    assert float(z.sel(D=50).max()) == pytest.approx(-np.sqrt(0.12), rel=1e-3)


def test_training_loss_of_networks_that_fit_exactly_is_that_of_rare_patterns(rng):
    """A pattern in 10^4 is missed, by a loss of 0.6: no spread is seen, and a right theory passes."""
    curve = make_curve().assign(train_loss=lambda d: 0.0 * d.bmd + 6e-5)
    run = make_run(rng)
    run["train_loss"] = 1e-16 * run.bmd
    comparison = validate.compare(curve, run)
    # 6e-5 of 8 x 150 patterns, in units of one
    z = comparison.z.sel(variable="train_loss", D=50)
    assert float(abs(z + np.sqrt(0.072)).max()) < 1e-3
    run.train_loss[{"seed": 2, "D": 0}] = 0.6 / 150
    comparison = validate.compare(curve, run)
    assert validate.agrees(validate.summarise(comparison))
    assert (comparison.pooled_points.sel(variable="train_loss") == 0).all()
    wrong = validate.compare(
        curve.assign(train_loss=curve.train_loss + 0.05),
        make_run(rng).assign(train_loss=run.train_loss),
    )
    assert not validate.agrees(wrong)


def test_both_exactly_zero_is_no_disagreement(rng):
    curve = make_curve().assign(train_error=lambda d: 0.0 * d.bmd)
    run = make_run(rng).assign(train_error=lambda d: 0.0 * d.bmd)
    assert (validate.compare(curve, run).z.sel(variable="train_error") == 0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c, r: (c.assign_attrs(problem="Problem(loss)"), r), "different problems"),
        (lambda c, r: (r, r), "give a theory"),
        (lambda c, r: (c, r.isel(seed=[0])), "at least 2"),
        (lambda c, r: (c, r.isel(seed=0, drop=True)), "at least 2"),
        (lambda c, r: (c.isel(overparam=[0, 1]), r), "overparam = 2: simulated but not"),
        (lambda c, r: (c, r.assign_coords(beta=1.0)), "beta: the theory lacks"),
        (lambda c, r: (c.expand_dims(beta=[1.0, 2.0]), r), "beta: the simulation lacks"),
        (lambda c, r: (c, r.rename(lam="width").assign_coords(lam=0.1)), "width"),
        (lambda c, r: (c, r.assign(overparam_actual=r.overparam_actual * 1.001)), "rounded"),
        (lambda c, r: (c.drop_vars(list(TRUTH)), r), "nothing to compare"),
    ],
)
def test_compare_refuses_what_cannot_be_compared(rng, change, words):
    curve, run = change(make_curve(), make_run(rng))
    with pytest.raises(ValueError, match=words):
        validate.compare(curve, run)


def test_two_sizes_fit_exactly_and_uncertainty_propagates(rng):
    comparison = validate.compare(make_curve(), make_run(rng))
    out = validate.summarise(comparison)
    small, large = (comparison.sel(D=d) for d in (50, 100))
    xr.testing.assert_allclose(
        out.intercept,
        (2 * large["mean"] - small["mean"]).drop_vars("D", errors="ignore"),
    )
    expected = np.hypot(2 * large.standard_error.values, small.standard_error.values)
    np.testing.assert_allclose(out.intercept_error.values, expected)
    assert (out.fit_chi_square == 0).all()


def test_three_sizes_match_numpy_weighted_least_squares(rng):
    comparison = validate.compare(make_curve(), make_run(rng, D=(40, 80, 160), bias=3.0))
    out = validate.summarise(comparison)
    point = {"variable": "bmd", "overparam": 2.0, "lam": 0.1}
    c = comparison.sel(point)
    coefficients, covariance = np.polyfit(
        1 / c.D.values, c["mean"].values, 1, w=1 / c.standard_error.values, cov="unscaled"
    )
    got = out.sel(point)
    assert [float(got.slope), float(got.intercept)] == pytest.approx(list(coefficients))
    # the weights are estimated with 7 degrees of freedom
    weight = 1 / c.standard_error.values
    design = weight[:, None] * np.stack([1 / c.D.values, np.ones(3)], axis=1)
    bracket = 1 + 4 * (1 - np.diag(design @ covariance @ design.T)) / 7
    variances = (design @ covariance) ** 2 * bracket[:, None]
    errors = [float(got.slope_error), float(got.intercept_error)]
    assert errors == pytest.approx(list(np.sqrt(variances.sum(0))))
    assert out.attrs["fit_dof"] == 1


def test_intercept_recovers_the_limit_and_its_p_values_are_uniform(rng):
    axes = {"overparam": np.arange(1.0, 201.0), "lam": np.arange(1.0, 6.0)}
    run = make_run(rng, bias=20.0, **axes)
    comparison = validate.compare(make_curve(**axes), run)
    out = validate.summarise(comparison)
    # Finite size is far off, its extrapolation is not: 2000 p-values are uniform.
    assert float(comparison.p_value.sel(D=50).median()) < 1e-3
    assert stats.kstest(out.p_value.values.ravel(), "uniform").pvalue > 1e-3
    assert float(out.slope.mean()) == pytest.approx(20.0, abs=1.0)
    assert (out.chi_square_p > 1e-3).all()


def test_summarise_refuses_one_size(rng):
    with pytest.raises(ValueError, match="two or more sizes"):
        validate.summarise(validate.compare(make_curve(), make_run(rng, D=(100,))))


def test_holm_matches_the_definition_and_leaves_nan():
    got = validate.holm([0.01, np.nan, 0.04, 0.03])
    np.testing.assert_allclose(got, [0.03, np.nan, 0.06, 0.06])


def test_holm_false_alarm_rate_under_strong_correlation(rng):
    """The reason for Holm: variables of one instance move together."""
    trials, tests, level = 4000, 20, 0.05
    shared = rng.standard_normal((trials, 1))
    z = np.sqrt(0.8) * shared + np.sqrt(0.2) * rng.standard_normal((trials, tests))
    p = 2 * stats.norm.sf(np.abs(z))
    alarms = np.mean([validate.holm(row).min() <= level for row in p])
    pooled = np.mean(stats.chi2.sf((z**2).sum(axis=1), tests) <= level)
    assert alarms <= level + 3 * np.sqrt(level / trials)
    assert pooled > 2 * level  # what the pooled chi-square would have done


def test_false_alarms_of_the_verdict_stay_at_the_level(rng):
    curve = make_curve()
    alarms = sum(
        not validate.agrees(validate.summarise(validate.compare(curve, make_run(rng))), 0.2)
        for _ in range(40)
    )
    assert alarms <= stats.binom.isf(1e-4, 40, 0.2)


def test_verdict_names_the_disagreement(rng):
    curve = make_curve()
    curve.bmd[{"overparam": 1, "lam": 0}] = 4.0
    run = make_run(rng)
    summary = validate.summarise(validate.compare(curve, run))
    verdict = validate.agrees(summary, 1e-2)
    assert not verdict
    assert len(verdict.rejected) == 1
    assert verdict.rejected[0].startswith("bmd, overparam = 1")
    assert "disagree" in verdict.sentence
    curve["bmd"] = 4.0 + 0 * curve.bmd
    verdict = validate.agrees(validate.summarise(validate.compare(curve, run)), 1e-2)
    assert len(verdict.rejected) == 6 + 1
    together = [place for place in verdict.rejected if "all points together" in place]
    assert [place[:3] for place in together] == ["bmd"]


@pytest.mark.parametrize("level", [0.0, 1.0, float("nan")])
def test_level_out_of_range_is_refused(rng, level):
    with pytest.raises(ValueError, match="level"):
        validate.agrees(validate.compare(make_curve(), make_run(rng)), level)


def test_table_has_a_row_per_point_and_a_column_per_variable(rng):
    text = validate.table(validate.summarise(validate.compare(make_curve(), make_run(rng))))
    lines = text.splitlines()
    assert lines[0] == "alpha_T = 3"
    assert lines[1].split() == ["overparam", "lam", "test_error", "bmd"]
    assert len(lines) == 2 + 6 + 1 + 4
    assert len({len(line) for line in lines[1:]}) == 1


def test_table_of_one_point(rng):
    run = make_run(rng, D=(100,)).isel(overparam=0, lam=0, D=0)
    assert len(validate.table(validate.compare(make_curve(), run)).splitlines()) == 2


@pytest.mark.parametrize("D", [(50, 100), (50, 100, 200)])
def test_pooled_z_is_student_on_means_over_points(rng, D):
    """By hand: standardise, average over points, fit a line in 1/D through the means of seeds."""
    curve, run = make_curve(), make_run(rng, D=D, seeds=12, bias=3.0)
    x = (run.bmd - 1.5) / ((run.bmd - 1.5) ** 2).mean(["D", "seed"]) ** 0.5
    each = x.mean(["overparam", "lam"])
    mean, error = each.mean("seed").values, each.std("seed", ddof=1).values / np.sqrt(12)
    design = np.stack([np.ones(len(D)), 1 / np.array(D)], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    intercept = (covariance @ design.T @ (mean / error))[0]
    leverage = np.diag(design @ covariance @ design.T)
    # each error is estimated with 11 degrees of freedom
    covariance *= 1 + 4 * (design @ covariance[0]) ** 2 @ (1 - leverage) / 11 / covariance[0, 0]
    got = validate.summarise(validate.compare(curve, run)).sel(variable="bmd")
    assert float(got.pooled_z) == pytest.approx(intercept / np.sqrt(covariance[0, 0]), rel=1e-9)
    assert int(got.pooled_points) == 6


def test_a_small_common_shift_is_seen_together_and_not_alone(rng):
    """A theory 5 % off everywhere, noise of 12 % a network: no single point can tell."""
    run = make_run(rng, overparam=list(np.geomspace(0.1, 4, 13)), seeds=32, noise=0.024)
    curve = make_curve(overparam=list(np.geomspace(0.1, 4, 13)))
    assert validate.agrees(validate.summarise(validate.compare(curve, run)))
    summary = validate.summarise(
        validate.compare(curve.assign(test_error=curve.test_error * 1.05), run)
    )
    verdict = validate.agrees(summary)
    assert not verdict
    assert all("all points together" in place for place in verdict.rejected[:1])


def test_a_failed_seed_leaves_the_pooled_test_untested(rng):
    run = make_run(rng)
    run.bmd[{"overparam": 0, "lam": 0, "D": 0, "seed": 0}] = np.nan
    run.status[{"overparam": 0, "lam": 0, "D": 0, "seed": 0}] = 1
    summary = validate.summarise(validate.compare(make_curve(), run))
    assert np.isnan(float(summary.pooled_z.sel(variable="bmd")))
    assert not validate.agrees(summary)
