"""Numbers of components as axes: one call equals many, whatever is asked."""

import numpy as np
import pytest
import xarray as xr
from points import FLIPPED, SQUARE, along, assert_same

from twinpeaks import theory
from twinpeaks.theory.equations.thresholds import with_threshold
from twinpeaks.theory.family import varied


def test_a_varied_number_equals_separate_problems():
    flips = [0.2, 0.0, 0.1]
    family = theory.solve(
        FLIPPED,
        vary={"teacher.flip": flips},
        overparam=[0.5, np.inf, 2.0],
        alpha_T=3.0,
        lam=[0.0, 0.1],
    )
    assert family.test_error.dims == ("flip", "overparam", "lam")
    assert "teacher=FlippedSign(flip=<flip>, rho=1.0)" in family.attrs["problem"]
    assert varied(family) == {"flip": "teacher.flip"}
    for flip in flips:
        member = theory.problem_at(FLIPPED, family.sel(flip=flip))
        assert repr(member) == repr(FLIPPED.replace(teacher=theory.FlippedSign(flip=flip)))
        alone = theory.solve(member, overparam=[0.5, np.inf, 2.0], alpha_T=3.0, lam=[0.0, 0.1])
        # escaped weights are infinite at lam = 0
        assert_same(family.sel(flip=flip), alone)


@pytest.mark.parametrize(
    ("problem", "path", "values"),
    [
        (theory.Problem(teacher=theory.Linear()), "teacher.noise", [0.0, 0.5]),
        (theory.Problem(teacher=theory.Probit(), loss=theory.Hinge()), "teacher.rho", [0.5, 2.0]),
        (theory.Problem(features=theory.PowerLaw()), "features.exponent", [0.1, 0.6]),
    ],
    ids=["noise", "rho", "exponent"],
)
def test_any_number_of_any_component(problem, path, values):
    name = path.split(".")[1]
    family = theory.solve(problem, vary={path: values}, overparam=1.5, alpha_T=2.0, lam=0.1)
    for value in values:
        member = theory.problem_at(problem, family.sel({name: value}))
        assert getattr(getattr(member, path.split(".")[0]), name) == value
        assert_same(
            family.sel({name: value}), theory.solve(member, overparam=1.5, alpha_T=2.0, lam=0.1)
        )


def test_a_varied_number_on_a_path_with_an_axis_and_one_across():
    flips, widths, rho = [0.0, 0.1, 0.2], [0.5, 2.0, np.inf], [0.5, 2.0]
    family = theory.solve(
        SQUARE,
        vary={"teacher.flip": along("a", flips), "teacher.rho": rho},
        overparam=along("a", widths),
        alpha_T=3.0,
        lam=0.1,
    )
    assert family.bmd.dims == ("a", "rho")
    for i, j in np.ndindex(3, 2):
        teacher = theory.FlippedSign(flip=flips[i], rho=rho[j])
        alone = theory.solve(
            SQUARE.replace(teacher=teacher), overparam=widths[i], alpha_T=3.0, lam=0.1
        )
        assert theory.problem_at(SQUARE, family.isel(a=i, rho=j)).teacher == teacher
        assert_same(family.isel(a=i, rho=j), alone)


def test_a_family_survives_netcdf(tmp_path):
    family = theory.solve(
        SQUARE, vary={"teacher.flip": [0.0, 0.1]}, overparam=1.5, alpha_T=3.0, lam=0.1
    )
    family.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as back:
        assert theory.problem_at(SQUARE, back.isel(flip=1)).teacher.flip == 0.1
        rate = theory.flip_rate(SQUARE, back.load(), 0.5)
    xr.testing.assert_allclose(rate, theory.flip_rate(SQUARE, family, 0.5))


def test_points_of_families_are_one_point():
    family = theory.solve(
        SQUARE, vary={"teacher.flip": [0.0, 0.1]}, overparam=1.5, alpha_T=3.0, lam=0.1
    )
    with pytest.raises(ValueError, match="2 values of flip: select one"):
        theory.problem_at(SQUARE, family)


# --- questions asked of families and paths

DEEP = theory.Problem(
    activation=theory.Erf(), teacher=theory.Linear(), features=theory.Deep(widths=(1.0, 2.0))
)
NORMAL = theory.Problem(teacher=theory.FlippedSign(), activation=theory.ReLU())
NORMAL = NORMAL.replace(activation=theory.Tanh())


@pytest.mark.parametrize(
    ("problem", "vary", "ask"),
    [
        (NORMAL, {"teacher.flip": [0.0, 0.2]}, lambda p, d: theory.flip_rate(p, d, [0.1, 0.5])),
        (NORMAL, {"teacher.flip": [0.0, 0.2]}, lambda p, d: theory.robust_test_error(p, d, 0.5)),
        (NORMAL, {"teacher.rho": [0.5, 2.0]}, lambda p, d: theory.fourier_weights(p, d, 3)),
        (NORMAL, {"teacher.flip": [0.0, 0.2]}, lambda p, d: theory.noise_stability(p, d, [0.5, 1])),
        (DEEP, {"teacher.noise": [0.0, 0.2]}, lambda p, d: theory.fourier_weights(p, d, 3)),
        (NORMAL, {"teacher.flip": [0.0, 0.2]}, lambda p, d: with_threshold(p, d).threshold),
    ],
    ids=["flip_rate", "robust_test_error", "weights", "stability", "deep weights", "threshold"],
)
def test_questions_answer_for_every_member_of_a_path(problem, vary, ask):
    a = np.array([1.0, 4.0, 1.0])
    at = {"overparam": along("a", [2.0, 0.5, 1.5]), "alpha_T": along("a", a), "lam": 0.1}
    family = theory.solve(problem, vary=vary, **at)
    together = ask(problem, family)
    (name,) = varied(family)
    assert together.dims[:2] == (name, "a") or set(together.dims) == {name, "a"}
    for i, j in np.ndindex(2, 3):
        point = family.isel({name: i, "a": j})
        member = theory.problem_at(problem, point)
        numbers = {k: float(point[k]) for k in ("overparam", "alpha_T", "lam")}
        alone = ask(member, theory.solve(member, **numbers))
        xr.testing.assert_allclose(
            together.isel({name: i, "a": j}).drop_vars([*together.coords]).squeeze(),
            alone.drop_vars([*alone.coords]).squeeze(),
            rtol=1e-9,
        )


def test_a_renamed_axis_is_still_known():
    """``rho`` is also a correlation: ``noise_stability`` says so, and a new name helps."""
    family = theory.solve(
        SQUARE, vary={"teacher.rho": [0.5, 2.0]}, overparam=1.5, alpha_T=3.0, lam=0.1
    )
    with pytest.raises(
        ValueError, match=r"rho: data has a variable of that name; give data.rename"
    ):
        theory.noise_stability(SQUARE, family, 1.0)
    renamed = family.rename(rho="teacher_rho")
    got = theory.noise_stability(SQUARE, renamed, 1.0)
    np.testing.assert_allclose(got, family.Q_d, rtol=1e-12)
    with pytest.raises(ValueError, match="data belongs to"):
        theory.flip_rate(SQUARE, family.drop_vars("rho"), 0.5)


def test_thresholds_bayes_errors_and_instabilities_of_families():
    vary, a = {"teacher.flip": [0.0, 0.2]}, [1.0, 3.0]
    threshold = theory.interpolation_threshold(FLIPPED, a, vary=vary)
    bayes = theory.bayes_error(FLIPPED, a, vary=vary)
    zero_one = FLIPPED.replace(loss=theory.ZeroOne())
    line = theory.instability(zero_one, overparam=0.3, alpha_T=3.0, vary=vary)
    best = theory.optimal_lam(SQUARE, overparam=0.7, alpha_T=3.0, vary=vary)
    top = theory.peak(SQUARE, "bmd", alpha_T=3.0, lam=1e-3, vary=vary)
    start = theory.solve_from_start(
        SQUARE, theory.GaussianStart(scale=[0.0, 1.0]), overparam=2.0, alpha_T=3.0, vary=vary
    )
    assert threshold.dims == bayes.dims == ("flip", "alpha_T")
    assert start.bmd.dims == ("flip", "scale")
    for i, flip in enumerate(vary["teacher.flip"]):
        teacher = theory.FlippedSign(flip=flip)
        noisy, square = FLIPPED.replace(teacher=teacher), SQUARE.replace(teacher=teacher)
        alone = theory.interpolation_threshold(noisy, a)
        np.testing.assert_allclose(threshold[i], alone, rtol=1e-12)
        np.testing.assert_allclose(bayes[i], theory.bayes_error(noisy, a), rtol=1e-10)
        cold = theory.instability(noisy.replace(loss=theory.ZeroOne()), overparam=0.3, alpha_T=3.0)
        np.testing.assert_allclose(line.beta[i], cold.beta, rtol=1e-9)
        one = theory.optimal_lam(square, overparam=0.7, alpha_T=3.0)
        np.testing.assert_allclose(best.lam[i], one.lam, rtol=1e-8)
        one = theory.peak(square, "bmd", alpha_T=3.0, lam=1e-3)
        np.testing.assert_allclose(top.location[i], one.location, rtol=1e-10)
        one = theory.solve_from_start(
            square, theory.GaussianStart(scale=[0.0, 1.0]), overparam=2.0, alpha_T=3.0
        )
        assert_same(start.isel(flip=i), one, ("q_d", "Q_d", "test_error", "bmd", "distance"))
