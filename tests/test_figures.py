import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from twinpeaks import figures
from twinpeaks.figures.style import PALETTE, colours

X = np.geomspace(0.1, 10, 21)
LAM = [1e-4, 0.1]


def double_descent():
    x, lam = xr.DataArray(X, dims="overparam"), xr.DataArray(LAM, dims="lam")
    peak = np.exp(-(np.log(x) ** 2) / 0.3) * (0.2 - lam)
    data = {"train_error": 0.4 * np.exp(-3 * x) + lam, "test_error": 0.3 / (1 + x) + peak}
    data["bmd"] = 1 + 5 * peak
    return xr.Dataset(data, {"overparam": X, "lam": LAM}, {"kind": "theory"})


def noisy(curve, D=(50, 100), seeds=5):
    rng = np.random.default_rng(1)
    run = curve.isel(overparam=slice(0, None, 5)).expand_dims(D=list(D), seed=range(seeds))
    run = run.map(lambda v: v + 0.02 * rng.standard_normal(v.shape))
    return run.assign(status=xr.zeros_like(run.bmd, dtype=np.int8))


def curves_of(ax):
    return [line for line in ax.get_lines() if len(line.get_xdata()) == len(X)]


def test_lines_carry_the_theory():
    curve = double_descent()
    fig = figures.twin_peaks(curve.isel(overparam=slice(None, None, -1)))
    for ax, name in zip(fig.axes, ("train_error", "test_error", "bmd"), strict=True):
        assert ax.get_xscale() == "log"
        for line, lam, colour in zip(curves_of(ax), LAM, PALETTE, strict=False):
            np.testing.assert_array_equal(line.get_xdata(), X)
            np.testing.assert_allclose(line.get_ydata(), curve[name].sel(lam=lam))
            assert line.get_color() == colour
    assert r"$N/P$" in fig.axes[0].get_xlabel()
    assert r"\varepsilon_{\rm test}" in fig.axes[1].get_ylabel()
    labels = [text.get_text() for text in fig.legends[0].get_texts()]
    assert labels == [r"$\lambda = 10^{-4}$", r"$\lambda = 0.1$"]


def test_points_carry_mean_and_standard_error_in_the_colour_of_their_line():
    curve = double_descent()
    run = noisy(curve)
    fig = figures.twin_peaks(curve, run)
    bars = fig.axes[2].containers
    assert len(bars) == 4  # two sizes, two ridge penalties
    sample = run.bmd.sel(D=50, lam=1e-4)
    data, _, (stems,) = bars[0]
    np.testing.assert_allclose(data.get_ydata(), sample.mean("seed"))
    half = [0.5 * (s[1, 1] - s[0, 1]) for s in stems.get_segments()]
    np.testing.assert_allclose(half, sample.std("seed", ddof=1) / np.sqrt(5))
    assert data.get_color() == PALETTE[0]
    assert "$D = 100$" in fig.legends[0].get_texts()[-1].get_text()


def test_a_point_with_a_failed_seed_is_not_drawn():
    curve = double_descent()
    run = noisy(curve)
    run.status[{"D": 0, "seed": 2, "overparam": 1, "lam": 0}] = 1
    data = figures.twin_peaks(curve, run).axes[0].containers[0][0]
    assert np.flatnonzero(np.isnan(data.get_ydata())).tolist() == [1]


def test_rows_by_label():
    curve = double_descent()
    fig = figures.twin_peaks({"square": (curve, noisy(curve)), "logistic": (curve, None)})
    assert len(fig.axes) == 6
    assert fig.axes[3].get_title(loc="left") == "logistic"
    assert not fig.axes[3].containers


def test_without_simulation_of_several_sizes_and_with_scalar_ridge():
    curve = double_descent().isel(lam=0)
    run = noisy(curve, D=(100,)).isel(D=0)
    assert len(figures.twin_peaks(curve, run).axes[0].containers) == 1
    run = run.drop_vars("D")
    labels = [t.get_text() for t in figures.twin_peaks(curve, run).legends[0].get_texts()]
    assert labels[-1] == "simulation"


def dotted(fig):
    return [[x for x in ax.get_lines() if x.get_linestyle() == ":"] for ax in fig.axes]


def test_each_row_marks_its_own_interpolation_threshold():
    curve = double_descent()
    rows = {
        "a": (curve.assign(threshold=1.0), None),
        "b": (curve.assign(threshold=("alpha_T", [0.3])), None),
        "c": (curve, None),
    }
    fig = figures.twin_peaks(rows)
    places = [[float(line.get_xdata()[0]) for line in lines] for lines in dotted(fig)]
    assert places == 3 * [[1.0]] + 3 * [[0.3]] + 3 * [[]]
    assert fig.legends[0].get_texts()[-1].get_text() == "interpolation threshold"
    assert not any(dotted(figures.twin_peaks(curve)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda c: (c.isel(overparam=0), None), "no dimension overparam"),
        (lambda c: (c.expand_dims(alpha_T=[1.0, 2.0]), None), r"select one value, curve.sel"),
        (lambda c: (c.drop_vars("bmd"), None), "no variable bmd"),
        (lambda c: ({}, None), "empty"),
        (lambda c: ({"a": (c, None)}, c), "inside it"),
    ],
)
def test_refuses_what_it_cannot_show(make, words):
    with pytest.raises(ValueError, match=words):
        figures.twin_peaks(*make(double_descent()))


def test_save_writes_both_formats_and_keeps_dots_in_the_name(tmp_path):
    before = dict(mpl.rcParams)
    written = figures.save(figures.twin_peaks(double_descent()), tmp_path / "lam0.1")
    assert [p.name for p in written] == ["lam0.1.png", "lam0.1.pdf"]
    assert written[0].read_bytes()[:4] == b"\x89PNG"
    assert written[1].read_bytes()[:4] == b"%PDF"
    assert dict(mpl.rcParams) == before


def test_every_module_but_style_is_a_figure():
    assert "style" not in figures.REGISTRY
    assert figures.REGISTRY["twin_peaks"] is figures.twin_peaks
    assert isinstance(figures.twin_peaks(double_descent()), Figure)
    with pytest.raises(AttributeError, match=r"there are: .*twin_peaks"):
        _ = figures.no_such_figure


@pytest.mark.parametrize("count", [1, 7, 12])
def test_colours_are_distinct(count):
    assert len(set(colours(count))) == count


def test_different_problems_do_not_share_a_panel():
    curve = double_descent().assign_attrs(problem="Problem(loss=Square())")
    run = noisy(curve).assign_attrs(problem="Problem(loss=Logistic())")
    with pytest.raises(ValueError, match="rows of their own"):
        figures.twin_peaks(curve, run)


@pytest.mark.parametrize(
    ("figure", "path", "words"),
    [(5, "x", "figure is a int"), (None, "", "path = '': give the name")],
)
def test_what_is_no_figure_or_file_is_refused(figure, path, words):
    with pytest.raises(ValueError, match=words):
        figures.save(Figure() if figure is None else figure, path)
