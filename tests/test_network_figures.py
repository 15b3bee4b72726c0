"""Figures of trained networks, drawn from small runs; options of the command."""

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.figure import Figure

from twinpeaks import figures, networks
from twinpeaks.commands import cli

SMALL = {"training": networks.Training(epochs=10), "n": 40, "seeds": 2, "samples": 8}


@pytest.fixture(scope="module")
def run():
    return networks.run_networks(**SMALL, noise=[0.0, 0.2], width=[4, 8])


def test_every_experiment_is_drawn(run):
    losses = run.isel(noise=0).expand_dims(loss=["square", "hinge"])
    assert len(figures.network_peaks(losses).axes) == 6
    sizes = run.expand_dims(n=[40]).drop_vars("weight_decay")
    assert isinstance(figures.sample_size(sizes), Figure)
    assert isinstance(figures.input_laws(run.isel(noise=0).sel(output=["logits"])), Figure)
    starts = run.isel(noise=0).expand_dims(weight_decay=[0.0], copies=[0, 3])
    assert isinstance(figures.adversarial_start(starts), Figure)


@pytest.mark.parametrize(
    "name",
    ["network_peaks", "sample_size", "input_laws", "adversarial_start", "network_robustness"],
)
def test_what_lacks_a_dimension_is_refused(name):
    with pytest.raises(ValueError, match="has no dimension"):
        figures.REGISTRY[name](xr.Dataset({"bmd": ("x", [1.0])}))


def test_points_with_a_failed_seed_are_left_out(run):
    broken = run.isel(noise=0).copy(deep=True)
    broken["test_error"][0, 1] = np.nan
    picture = figures.network_peaks(broken.expand_dims(loss=["square"]))
    drawn = picture.axes[0].lines[0].get_ydata()
    assert np.isfinite(drawn).tolist() == [True, False]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["maps", "--full"], "--full = True: maps takes none"),
        (["qq", "--scheduler", "2"], "--scheduler = 2: qq takes none"),
        (["maps", "--store", "x"], "draw one of adversarial-start, input-laws"),
        (["--all", "--full"], "--full = True beside --all"),
    ],
)
def test_options_that_a_figure_does_not_take_are_refused(words, said):
    done = CliRunner().invoke(cli, ["figure", *words], standalone_mode=False)
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output


def test_theory_and_networks_are_drawn(run):
    line = xr.Dataset(
        {n: ("overparam", [1.0, 2.0]) for n in ("test_error", "bmd")}, {"overparam": [0.5, 2.0]}
    )
    many = line.expand_dims(seed=2).copy()
    nets = run.isel(noise=0, law=0, output=0).assign_coords(ratio=("width", [0.5, 1.0]))
    assert len(figures.theory_and_networks(line, line, many, nets).axes) == 6
    with pytest.raises(ValueError, match="features: it has no dimension seed"):
        figures.theory_and_networks(line, line, line, nets)
