"""Theory and simulation side by side: points of paths and families, and what is no Dataset."""

import numpy as np
import pytest
import xarray as xr
from points import SQUARE, along

from twinpeaks import figures, theory, validate


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


@pytest.mark.parametrize("one_side", ["curve", "run", "both"])
def test_a_member_selected_from_a_family_is_compared_as_that_problem(one_side):
    at = {"overparam": [0.5, 2.0], "alpha_T": 3.0, "lam": 0.1}
    family = theory.solve(SQUARE, vary={"teacher.flip": [0.1, 0.2]}, **at)
    alone = theory.solve(SQUARE.replace(teacher=theory.FlippedSign(0.2)), **at)
    member = family.sel(flip=0.2)
    curve = alone if one_side == "run" else member
    run = simulated(alone if one_side == "curve" else member, np.random.default_rng(3))
    result = validate.compare(curve, run)
    np.testing.assert_allclose(result.theory.sel(variable="bmd"), alone.bmd, rtol=1e-9)
    assert figures.twin_peaks(curve, run, panels=("test_error", "bmd")).axes
    with pytest.raises(ValueError, match=r"teacher is FlippedSign\(flip=0.1"):
        validate.compare(family.sel(flip=0.1), run)


def test_a_dimension_of_the_theory_alone_is_no_point_of_comparison():
    """Its values would stand beside one measurement each, as if that had been made several times."""
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
    with pytest.raises(ValueError, match=words):
        ask(validate, SQUARE, {"overparam": 1.5, "alpha_T": 3.0, "lam": 0.1})
