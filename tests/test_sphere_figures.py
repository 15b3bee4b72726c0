"""Figures and commands of the sphere on small data."""

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.figure import Figure

from twinpeaks import figures
from twinpeaks.commands import cli
from twinpeaks.theory import sphere

pytestmark = pytest.mark.filterwarnings(
    "ignore:variance_share is up to:twinpeaks.theory.sphere.AmplitudeWarning"
)


def simulated(curve, factor, seeds=4):
    noise = np.exp(0.1 * np.random.default_rng(0).standard_normal((curve.sizes["n"], seeds)))
    error = factor * curve.test_error * xr.DataArray(noise, dims=("n", "seed"))
    return xr.Dataset({"test_error": error})


def test_learning_curves_are_drawn():
    curves = {
        d: sphere.solve(sphere.Problem(d, target=sphere.Constant()), n=[8, 16, 64]) for d in (2, 3)
    }
    lazy = {d: simulated(curve, 1.3) for d, curve in curves.items()}
    sparse = {d: simulated(curve, 30.0) for d, curve in curves.items()}
    picture = figures.sphere_learning_curves(curves, lazy, sparse)
    assert isinstance(picture, Figure)
    line = picture.axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), curves[2].test_error)
    with pytest.raises(ValueError, match="curves, lazy and sparse have d"):
        figures.sphere_learning_curves(curves, {2: lazy[2]}, sparse)


def test_the_other_figures_refuse_what_lacks_a_dimension():
    curve = sphere.solve(sphere.Problem(20), n=[8, 16])
    for draw in (figures.sphere_double_descent, figures.sphere_phase_diagram):
        with pytest.raises(ValueError, match="has no dimension"):
            draw(curve)


def test_the_command_solves(tmp_path):
    words = ["--target", "constant", "-d", "5", "--n", "8,64", "-o", str(tmp_path / "c.nc")]
    done = CliRunner().invoke(cli, ["sphere", "solve", *words], standalone_mode=False)
    assert done.exit_code == 0, done.output
    assert "note: variance_share is up to" in done.stderr
    found = xr.load_dataset(tmp_path / "c.nc", engine="h5netcdf")
    exact = sphere.solve(sphere.Problem(5, target=sphere.Constant()), n=[8, 64])
    np.testing.assert_allclose(found.test_error, exact.test_error, rtol=1e-12)


@pytest.mark.torch
def test_the_command_simulates(tmp_path):
    words = ["--kernel", "sparse", "--target", "constant", "--n", "8", "--seeds", "2"]
    done = CliRunner().invoke(
        cli, ["sphere", "simulate", *words, "-o", str(tmp_path / "s.nc")], standalone_mode=False
    )
    assert done.exit_code == 0, done.output
    found = xr.load_dataset(tmp_path / "s.nc", engine="h5netcdf")
    assert (found.gap < 1e-5).all()
    assert (found.tv < 4).all()  # 1/mu_0 from below


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["solve", "-d", "1"], "d = 1: give a whole number"),
        (["solve", "--kernel", "sparse"], "no theory of its learning curve"),
        (["solve", "--overparam", "2"], "no kernel of random features"),
        (["solve", "--smoothness", "-1"], "smoothness = -1.0: give a number > 0"),
        (["solve", "--kernel", "tanh"], "--kernel"),
    ],
)
def test_bad_options_are_refused(words, said):
    done = CliRunner().invoke(cli, ["sphere", *words], standalone_mode=False)
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output


@pytest.mark.torch
def test_a_point_that_failed_is_named_and_one_from_many_starts_has_not(tmp_path):
    words = ["--kernel", "sparse", "-d", "5", "--target", "constant", "--n", "8", "--seeds", "1"]
    done = CliRunner().invoke(cli, ["sphere", "simulate", *words], standalone_mode=False)
    assert done.exit_code == 0, done.output  # multistart
    words = ["--kernel", "rfk", "-d", "2", "--target", "constant", "--n", "200", "--seeds", "1"]
    done = CliRunner().invoke(cli, ["sphere", "simulate", *words])
    assert done.exit_code == 1
    assert "(cancellation)" in done.stderr or "(singular)" in done.stderr
