"""Paths and varied numbers of trained networks: every point is the point of the product that it names."""

import numpy as np
import pytest
import xarray as xr

from twinpeaks import simulate, sweeps, theory

FLIPPED = theory.Problem(theory.Tanh(), theory.FlippedSign(), theory.Logistic())
SMALL = {"D": 12, "seeds": 2, "n_flip": 2, "n_variance": 50, "device": "cpu"}
CHAINS = {"warmup": 6, "draws": 8, "trajectory": 1.0, "largest_r_hat": 99.0, "least_ess": 0.1}
FLIPS = [0.0, 0.2]


def train(problem=FLIPPED, **at):
    return simulate.run(problem, n_test=50, **(SMALL | {"lam": [0.01, 1.0]} | at))


def sample(problem=FLIPPED, **at):
    chains = CHAINS | {"lam": 0.1, "beta": [1.0, 5.0], "n_test": 50, "n_draws": 4}
    return simulate.sample(problem, **(SMALL | chains | at))


def attack(problem=FLIPPED, **at):
    given = {"lam": [0.01, 1.0], "eps": [0.2, 0.5], "n_attack": 8, "restarts": 1}
    return simulate.attack(problem, **(SMALL | given | at))


def start(problem=FLIPPED, **at):
    law = theory.RandomLabelsStart(alpha_prime=[0.2, 0.6], scale=3.0)
    given = {"lam": [0.0, 0.5], "n_test": 50}
    return simulate.run_from_start(
        problem.replace(loss=theory.Square()), law, **(SMALL | given | at)
    )


kinds = pytest.mark.parametrize("call", [train, sample, attack, start])


@kinds
def test_a_path_is_its_points(call, tmp_path):
    """Fixed N/D, and lam along with it; and from the store."""
    alpha, ratio, lam = np.array([1.0, 2.0]), np.array([3.0, 1.5]), np.array([0.5, 0.1])
    path = {n: xr.DataArray(x, dims="a") for n, x in (("alpha_T", alpha), ("overparam", ratio))}
    kept = tmp_path / "kept.db"
    data = call(**path, lam=xr.DataArray(lam, dims="a"), store=kept)
    assert data.status.dims[0] == "a"
    assert "lam" not in data.dims
    assert data.N.values.tolist() == [36, 36]
    for i in range(2):
        point = call(overparam=ratio[i], alpha_T=alpha[i], lam=lam[i])
        for name in data.data_vars:
            np.testing.assert_array_equal(data[name].isel(a=i), point[name], err_msg=name)
    with sweeps.Store(kept, create=False) as store:
        (grid,) = store.summary().grids
        xr.testing.assert_identical(store.collect(grid), data)


@kinds
def test_a_varied_number_is_the_problem_with_that_number(call):
    data = call(overparam=0.5, vary={"teacher.flip": FLIPS})
    assert data.flip.values.tolist() == FLIPS
    assert "flip=<flip>" in data.attrs["problem"]
    for flip in FLIPS:
        problem = theory.problem_at(FLIPPED, data.sel(flip=flip))
        assert problem.teacher == theory.FlippedSign(flip)
        point = call(problem, overparam=0.5)
        for name in point.data_vars:
            values = data[name].sel(flip=flip) if "flip" in data[name].dims else data[name]
            np.testing.assert_array_equal(values, point[name], err_msg=name)


@kinds
def test_what_varies_is_checked_before_any_work(call, monkeypatch):
    monkeypatch.setattr(
        "twinpeaks.sweeps.execute._perform", lambda *_: pytest.fail("work was done")
    )
    for vary, words in (
        ({"teacher.flip": [0.1, 0.7]}, "flip = 0.7"),
        ({"teacher.none": [0.1]}, "'teacher.none' is no number"),
        ({"flip": [0.1]}, "'flip' is no field"),
        ([0.1], "give a dictionary"),
    ):
        with pytest.raises(ValueError, match=words):
            call(overparam=0.5, vary=vary)
    two = {"overparam": xr.DataArray([0.5, 1.0], dims="a")}
    with pytest.raises(ValueError, match="give equally many"):
        call(**two, alpha_T=xr.DataArray([1.0, 2.0, 3.0], dims="a"))


@kinds
def test_an_argument_that_there_is_not_is_no_resource(call):
    with pytest.raises(TypeError, match="devise"):
        call(overparam=0.5, devise="cpu")
