"""Axes at the command line: numbers of components, paths, and what does not fit together."""

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import twinpeaks as tp
from twinpeaks.commands import cli


def call(*args):
    return CliRunner().invoke(cli, [str(a) for a in args])


@pytest.mark.torch
def test_numbers_of_components_are_axes(tmp_path):
    at = [
        "--overparam",
        "0.5,1",
        "--lam",
        "0.1",
        "--teacher",
        "flippedsign",
        "--vary",
        "teacher.flip=0.1,0",
    ]
    assert call("solve", *at, "-o", tmp_path / "theory.nc").exit_code == 0
    written = xr.load_dataset(tmp_path / "theory.nc")
    assert written.flip.values.tolist() == [0.0, 0.1]
    for flip in (0.0, 0.1):
        problem = tp.Problem(teacher=tp.FlippedSign(flip=flip))
        alone = tp.solve(problem, overparam=[0.5, 1.0], alpha_T=3.0, lam=0.1)
        np.testing.assert_allclose(written.test_error.sel(flip=flip), alone.test_error, rtol=1e-9)
    small = [
        "-D",
        "6",
        "--seeds",
        "2",
        "--n-test",
        "10",
        "--n-flip",
        "2",
        "-o",
        tmp_path / "run.nc",
    ]
    assert call("simulate", *at, *small).exit_code == 0
    assert dict(xr.load_dataset(tmp_path / "run.nc").test_error.sizes) == {
        "overparam": 2,
        "flip": 2,
        "seed": 2,
    }


TRAINED = [pytest.param(name, marks=pytest.mark.torch) for name in ("simulate", "sample")]


@pytest.mark.parametrize("command", ["solve", *TRAINED])
def test_a_path_is_taken_point_by_point_in_the_order_given(command, tmp_path):
    at = [
        "--overparam",
        "0.5,1,2",
        "--alpha-T",
        "6,3,1.5",
        "--lam",
        "0.1",
        "--path",
        "overparam,alpha-T",
    ]
    small = ["-D", "4", "--seeds", "1", "--n-test", "10", "--n-flip", "2"]
    more = [] if command == "solve" else small
    done = call(command, *at, *more, "-o", tmp_path / "a.nc")
    assert done.exit_code in (0, 1 if command == "sample" else 0), done.output
    written = xr.load_dataset(tmp_path / "a.nc")
    assert written.overparam.dims == written.alpha_T.dims == ("path",)
    assert (written.overparam * written.alpha_T).values.tolist() == [3.0, 3.0, 3.0]
    if command == "solve":
        alone = tp.solve(tp.Problem(), overparam=0.5, alpha_T=6.0, lam=0.1)
        np.testing.assert_allclose(written.test_error[0], alone.test_error, rtol=1e-9)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--path", "overparam"], "--path = overparam: give two axes or more"),
        (["--path", "overparam,lam"], "'lam' is no axis of several values"),
        (["--path", "overparam,nope"], "'nope' is no axis"),
        (["--path", "overparam,overparam"], "'overparam' is no axis of several values, or in two"),
        (["--alpha-T", "1,2,3", "--path", "overparam,alpha_T"], "of one length"),
        (["--vary", "flip=1"], "--vary = flip=1: give PART.PARAMETER=GRID"),
        (["--vary", "teacher.flip"], "--vary = "),
        (["--vary", "teacher.flip=0,1"], "'teacher.flip' is no number of teacher"),
        (["--vary", "teacher.rho=1", "--vary", "teacher.rho=2"], "the same number twice"),
        (["--vary", "teacher.rho=-1"], "rho = -1"),
    ],
)
def test_axes_that_do_not_fit_together_are_one_sentence(more, words):
    done = call("solve", "--overparam", "1,2", *more)
    assert done.exit_code == 2, done.output
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
