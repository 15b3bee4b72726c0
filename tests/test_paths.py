"""Paths through the axes and numbers of components as axes: one call equals many."""

import inspect
import sys

import numpy as np
import pytest
import xarray as xr

from twinpeaks import theory
from twinpeaks.theory.equations.thresholds import with_threshold
from twinpeaks.theory.family import varied

FLIPPED = theory.Problem(teacher=theory.FlippedSign(), loss=theory.Logistic())
SQUARE = theory.Problem(teacher=theory.FlippedSign())
#: What two converged solutions of one point share, whatever they started from.
EXACT = ("q_d", "p_d", "m", "Q_d", "V", "train_loss", "test_error", "bmd", "energy", "replicon")


def along(dim, values, **coords):
    return xr.DataArray(values, coords, dims=dim)


def assert_same(got, expected, names=EXACT, rtol=1e-12):
    for name in names:
        np.testing.assert_allclose(got[name], expected[name], rtol=rtol, atol=1e-300, err_msg=name)


# --- paths


def test_a_path_is_the_diagonal_of_the_product():
    """Forty points at fixed N/D, limits in between, not monotone; times a product axis."""
    alpha_T = np.geomspace(0.3, 20, 12)
    alpha_T = np.concatenate([alpha_T[::2], alpha_T[::-2]])
    overparam = 3.0 / alpha_T
    overparam[[2, 7]] = np.inf
    lam = np.where(np.arange(alpha_T.size) % 5 == 3, 0.0, 10.0 ** -(np.arange(alpha_T.size) % 4))
    path = theory.solve(
        FLIPPED,
        overparam=along("a", overparam),
        alpha_T=along("a", alpha_T),
        lam=along("a", lam),
        beta=np.inf,
    )
    assert path.test_error.dims == ("a",)
    assert path.lam.values.tolist() == lam.tolist()
    for i in range(alpha_T.size):
        alone = theory.solve(FLIPPED, overparam=overparam[i], alpha_T=alpha_T[i], lam=lam[i])
        assert_same(path.isel(a=i), alone)


def test_a_path_times_a_product_at_finite_temperature():
    """Temperature and size on one path, the penalty across."""
    problem, lam = theory.Problem(), [1e-3, 0.1]
    beta, overparam = np.array([1.0, np.inf, 10.0]), np.array([2.0, 0.5, np.inf])
    path = theory.solve(
        problem, overparam=along("a", overparam), alpha_T=2.0, lam=lam, beta=along("a", beta)
    )
    product = theory.solve(problem, overparam=overparam, alpha_T=2.0, lam=lam, beta=beta)
    diagonal = product.isel(overparam=along("a", [0, 1, 2]), beta=along("a", [0, 1, 2]))
    assert path.bmd.dims == ("a", "lam")
    assert_same(path, diagonal.transpose("a", "lam"))


def test_a_long_path_is_followed_coarse_to_fine():
    """400 points cost little more than one evaluation each, as those of a product do."""
    a = np.geomspace(0.5, 50, 400)
    path = theory.solve(
        FLIPPED, overparam=along("a", 5.0 / a), alpha_T=along("a", a), lam=along("a", 0.1 / a)
    )
    assert float(path.evaluations.mean()) < 3.0


def test_points_closer_than_rounding_of_their_logarithms():
    """ln 1e5 and ln of its neighbour are one number; the points are still two."""
    near = np.nextafter(1e5, np.inf)
    got = theory.solve(theory.Problem(), overparam=[1e5, near], alpha_T=3.0, lam=1.0)
    assert_same(got.isel(overparam=0), got.isel(overparam=1), rtol=1e-9)


def test_optimal_penalties_draw_a_path():
    """What ``optimal_lam`` returns is a path over N/P, and ``solve`` gives the same model there."""
    best = theory.optimal_lam(SQUARE, overparam=[0.3, 2.0], alpha_T=3.0)
    got = theory.solve(SQUARE, overparam=best.overparam, alpha_T=3.0, lam=best.lam)
    assert got.test_error.dims == ("overparam",)
    assert_same(got, best, rtol=1e-7)


def test_peak_and_optimum_along_paths():
    a = np.array([2.0, 4.0])
    top = theory.peak(
        SQUARE, "bmd", along="overparam", alpha_T=along("a", a), lam=along("a", 1e-3 * a)
    )
    one = theory.peak(SQUARE, "bmd", along="overparam", alpha_T=4.0, lam=4e-3)
    assert top.location.dims == ("a",)
    assert float(top.location[1]) == pytest.approx(float(one.location), rel=1e-10)
    best = theory.optimal_lam(SQUARE, overparam=along("a", 6.0 / a), alpha_T=along("a", a))
    alone = theory.optimal_lam(SQUARE, overparam=1.5, alpha_T=4.0)
    assert float(best.lam[1]) == pytest.approx(float(alone.lam), rel=1e-8)


# --- numbers of components


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


def test_radii_along_a_path_of_the_curve():
    curve = theory.solve(SQUARE, overparam=along("a", [0.5, 2.0]), alpha_T=3.0, lam=0.1)
    got = theory.flip_rate(SQUARE, curve, along("a", [0.1, 0.4]))
    product = theory.flip_rate(SQUARE, curve, [0.1, 0.4])
    assert got.values.tolist() == [float(product[0, 0]), float(product[1, 1])]
    with pytest.raises(ValueError, match="eps has the dimension 'a' with 3 values"):
        theory.flip_rate(SQUARE, curve, along("a", [0.1, 0.4, 0.5]))


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


# --- every argument of every public function refuses what is no axis

AXES = {"overparam": 1.5, "alpha_T": 3.0, "lam": 0.1, "beta": np.inf}
CURVE = {}


def curve():
    if not CURVE:
        CURVE["square"] = theory.solve(SQUARE, overparam=1.5, alpha_T=3.0, lam=0.1)
    return CURVE["square"]


def call(function, **changes):
    """Call a public function with reasonable arguments, some changed."""
    given = {
        **AXES,
        "problem": SQUARE,
        "variable": "test_error",
        "start": theory.GaussianStart(),
        "data": curve(),
        "eps": 0.1,
        "rho": 0.5,
        "vary": None,
        "degrees": 2,
    } | changes
    wanted = inspect.signature(function).parameters
    if function is theory.peak:
        given["overparam" if "overparam" not in changes else "lam"] = None
        given["along"] = "lam" if "overparam" in changes else "overparam"
    return function(**{k: v for k, v in given.items() if k in wanted and v is not None})


FUNCTIONS = (
    theory.solve,
    theory.solve_from_start,
    theory.peak,
    theory.optimal_lam,
    theory.instability,
    theory.interpolation_threshold,
    theory.bayes_error,
    theory.bmd_tail,
    theory.flip_rate,
    theory.robust_test_error,
    theory.noise_stability,
)
ARGUMENTS = [
    (function, name)
    for function in FUNCTIONS
    for name in (*AXES, "eps", "rho")
    if name in inspect.signature(function).parameters
]
BAD = {
    "complex": 0.1 + 1j,
    "date": np.datetime64("2020"),
    "masked": np.ma.masked_less([0.01, 0.1], 0.05),
    "text": "0.1",
    "truth": [0.1, True],
    "objects": np.array([0.1, None]),
    "two dimensions": [[0.1, 0.2]],
    "empty": [],
    "nan": np.nan,
    "out of range": -2.0,
    "twice": [0.1, 0.1],
    "an array named after another axis": along("alpha_T", [0.1, 0.2]),
}


CASES = [
    (function, name, kind)
    for function, name in ARGUMENTS
    for kind in BAD
    # functions of alpha_T alone have no other axis that could be meant
    if "another axis" not in kind or "overparam" in inspect.signature(function).parameters
]


@pytest.mark.parametrize(
    ("function", "name", "kind"), CASES, ids=[f"{f.__name__}-{n}-{k}" for f, n, k in CASES]
)
def test_every_axis_of_every_function_refuses(function, name, kind, monkeypatch):
    """One sentence, naming the argument, before any equation is evaluated."""
    bad = BAD[kind]
    if isinstance(bad, xr.DataArray) and name == "alpha_T":
        bad = bad.rename(alpha_T="overparam")
    curve()

    def work(*_, **__):
        raise AssertionError("worked before it checked")

    module = sys.modules["twinpeaks.theory.solve"]  # beside the function of that name
    monkeypatch.setattr(module, "solve_grid", work)
    monkeypatch.setattr(module, "solve_ridgeless", work)
    with pytest.raises(ValueError, match=name) as caught:
        call(function, **{name: bad})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [f for f in FUNCTIONS if "vary" in inspect.signature(f).parameters],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize(
    "vary", [{"teacher.flip": 0.7}, {"teacher.depth": 1}, {"flip": 0.1}, [0.1]]
)
def test_every_function_refuses_members_that_there_are_not(function, vary):
    with pytest.raises(ValueError, match="vary"):
        call(function, vary=vary)


def test_functions_answer_what_they_should_refuse_changed():
    """The arguments of the contract above are good ones but for the change."""
    for function in FUNCTIONS:
        if function is theory.peak:
            assert call(function, lam=1e-3).location.size == 1
        elif function is theory.instability:
            assert call(function).beta.size == 1
        else:
            call(function)


# --- theory and simulation side by side


def simulated(curve, rng, seeds=6, D=(60, 120)):
    """A simulation whose instances scatter about the theory of every point."""
    noise = xr.DataArray(
        0.01 * rng.standard_normal((len(D), seeds)),
        {"D": list(D), "seed": range(seeds)},
        ("D", "seed"),
    )
    run = (curve[["test_error", "bmd"]] + noise).assign(
        status=(curve.status + 0 * noise).astype(int)
    )
    attrs = {"kind": "simulation", "problem": curve.attrs["problem"]}
    return run.assign_coords(curve.coords).assign_attrs(attrs).drop_vars("beta")


def test_comparison_along_paths_and_families():
    """Points are found by all their coordinates, in whatever order either side has them."""
    from twinpeaks import validate

    at = {
        "overparam": along("a", [0.5, 2.0, 2.0]),
        "alpha_T": along("a", [3.0, 1.0, 2.0]),
        "lam": 0.1,
    }
    family = theory.solve(SQUARE, vary={"teacher.flip": [0.0, 0.1, 0.2]}, **at)
    rng = np.random.default_rng(7)
    run = simulated(family, rng).isel(a=[2, 0], flip=[2, 0])
    result = validate.compare(family, run)
    for name in ("test_error", "bmd"):
        expected = family[name].isel(a=[2, 0], flip=[2, 0])
        got = result.theory.sel(variable=name).transpose(*expected.dims)
        np.testing.assert_array_equal(got, expected)
    # a product has the points of a path; a path has not those of a product
    product = theory.solve(
        SQUARE,
        vary={"teacher.flip": [0.0, 0.2]},
        overparam=[0.5, 2.0],
        alpha_T=[1.0, 2.0, 3.0],
        lam=0.1,
    )
    np.testing.assert_allclose(validate.compare(product, run).theory, result.theory, rtol=1e-12)
    with pytest.raises(ValueError, match=r"overparam = 0.5, alpha_T = 1; .*: simulated but not in"):
        validate.compare(family, simulated(product, rng))
    other = theory.solve(SQUARE.replace(loss=theory.Hinge()), vary={"teacher.flip": [0.0]}, **at)
    with pytest.raises(ValueError, match="different problems"):
        validate.compare(other, run)
    summary = validate.summarise(result)
    header = validate.table(summary).splitlines()[1]
    assert header.split()[:3] == ["flip", "overparam", "alpha_T"]
    rejected = validate.agrees(result.assign(p_value=0.0 * result.p_value)).rejected
    place = "bmd, flip = 0.2, overparam = 2, alpha_T = 2, lam = 0.1"
    assert any(place in sentence for sentence in rejected)


def test_a_dimension_of_the_theory_alone_is_no_point_of_comparison():
    """Its values would stand beside one measurement each, as if that had been made several times."""
    from twinpeaks import validate

    curve = theory.solve(SQUARE, overparam=1.5, alpha_T=3.0, lam=0.1)
    run = simulated(curve, np.random.default_rng(3))
    for many in (curve.expand_dims(foo=[1, 2]), curve.expand_dims(D=[60, 120])):
        with pytest.raises(
            ValueError, match="the theory has this dimension, on which no axis lies"
        ):
            validate.compare(many, run)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda v, p, at: v.compare(5, 5), "curve has kind = 'int'"),
        (lambda v, p, at: v.table(theory.solve(p, **at)), "result has kind = 'theory'"),
        (lambda v, p, at: v.table(5), "result has kind = 'int'"),
        (lambda v, p, at: theory.problem_at(p, 5), "point is a int"),
        (lambda v, p, at: theory.solve(p, **at, tolerances=1e-8), "tolerances = 1e-08: give"),
        (lambda v, p, at: theory.solve(p, **at, tolerances=0), "tolerances = 0: give"),
        (lambda v, p, at: theory.solve(p, **at, progress=True), "progress = True: give"),
    ],
)
def test_what_is_no_dataset_or_tool_is_refused_by_name(ask, words):
    from twinpeaks import validate

    with pytest.raises(ValueError, match=words):
        ask(validate, SQUARE, {"overparam": 1.5, "alpha_T": 3.0, "lam": 0.1})
