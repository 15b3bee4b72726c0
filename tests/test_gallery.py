"""Every figure draws what it computes; maps and stability on small grids of their own."""

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.figure import Figure

from twinpeaks import figures, theory
from twinpeaks.commands import cli


def test_every_figure_says_what_it_draws():
    assert set(figures.DEFAULTS) == set(figures.REGISTRY)


#: Figures of trained networks, which take minutes: drawn where their claims are tested, or small.
TRAINED = {"adversarial_start", "input_laws", "network_peaks", "network_robustness", "sample_size"}
TRAINED |= {"theory_and_networks"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(figures.REGISTRY.keys() - TRAINED))
def test_every_figure_draws_its_own_data(name, tmp_path):
    steps = []
    data = figures.DEFAULTS[name](lambda done, total: steps.append((done, total)))
    picture = figures.REGISTRY[name](*data)
    assert isinstance(picture, Figure)
    assert steps[-1][0] == steps[-1][1]
    assert any(a.get_xlabel() for a in picture.axes)
    assert any(a.get_ylabel() for a in picture.axes)
    assert figures.save(picture, tmp_path / name, ["png"])[0].stat().st_size > 20_000


def test_maps_carry_their_lines():
    problem = theory.Problem()
    at = {"alpha_T": 3.0, "lam": [1e-3, 1e-2, 0.1]}
    data = theory.solve(problem, overparam=np.geomspace(0.1, 5, 6), **at).assign(threshold=1.0)
    data["peak_bmd"] = theory.peak(problem, "bmd", **at)["location"]
    picture = figures.maps(data)
    error, bmd = picture.axes[:2]
    assert [len(error.lines), len(bmd.lines)] == [1, 2]  # the peak belongs to one of the maps
    drawn = bmd.lines[1]
    assert list(drawn.get_ydata()) == [1e-3, 1e-2, 0.1]
    # each point of the line is a maximum of the map along N/P
    near = theory.solve(problem, overparam=drawn.get_xdata() * 1.05, **at).bmd
    top = theory.peak(problem, "bmd", **at)["height"]
    assert np.all(np.diagonal(near.values) < top.values)


def test_maps_refuse_what_is_no_map():
    curve = theory.solve(theory.Problem(), overparam=[0.5, 1.0], alpha_T=3.0, lam=1e-2)
    with pytest.raises(ValueError, match=r"dimensions \('overparam',\); give"):
        figures.maps(curve)
    with pytest.raises(ValueError, match="at least one"):
        figures.maps()


def test_stability_colours_stable_points_only():
    widths, beta = [0.1, 0.5, 2.0], [1.0, 3.0, 10.0]
    replicon = xr.DataArray(
        np.array([[0.8, -0.2, np.nan], [0.9, 0.6, 0.5], [0.95, 0.9, 0.8]]),
        {"overparam": widths, "beta": beta},
        ("overparam", "beta"),
    )
    line = xr.Dataset({"beta": ("overparam", [2.0, np.inf, np.inf])}, {"overparam": widths})
    data = replicon.to_dataset(name="replicon")
    picture = figures.stability(data, line, {"one": data.isel(beta=0)})
    mesh = picture.axes[0].collections[0]
    assert int(np.ma.getmaskarray(mesh.get_array()).sum()) == 2
    assert picture.axes[0].lines[0].get_xdata().size == 1


def call(*words):
    return CliRunner().invoke(cli, words)


def test_the_command_draws_from_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = theory.solve(
        theory.Problem(), overparam=[0.5, 1.0, 2.0], alpha_T=3.0, lam=[1e-3, 1e-2, 0.1]
    )
    monkeypatch.setitem(figures.DEFAULTS, "maps", lambda progress: (small,))
    done = call("figure", "maps")
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "gallery").iterdir()} == {"maps.png", "maps.pdf"}
    assert call("figure", "maps", "-o", "one.png").exit_code == 0
    assert (tmp_path / "one.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "NAME is missing: give --all or one of adversarial-start"),
        (("maps", "--all"), "NAME = maps beside --all"),
        (("peeks",), "NAME = peeks: give one of"),
        (("maps", "-o", "maps.xyz"), "--output = maps.xyz"),
    ],
)
def test_what_cannot_be_drawn_is_said(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("figure", *words)
    assert done.exit_code == 2
    assert message in done.output
