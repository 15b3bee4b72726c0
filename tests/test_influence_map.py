"""The map of influences: what is drawn, of one's own model and of the digits."""

import numpy as np
import pytest
import xarray as xr

import twinpeaks as tp
from twinpeaks import figures


def drawn(figure):
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]


def titles(figure):
    return [ax.get_title(loc="left").splitlines() for ax in figure.axes if ax.images]


def test_influences_of_any_model_as_an_image():
    """x_11 x_22 + x_00: three equal influences, a third of them on the outermost pixels."""
    shape = (4, 5)
    found = tp.influences(lambda x: x[:, 1, 1] * x[:, 2, 2] + x[:, 0, 0], shape, 20, 0)
    figure = tp.influence_map(found)
    (image,) = drawn(figure)
    expected = np.zeros(shape)
    expected[[0, 1, 2], [0, 1, 2]] = 100 / 3
    np.testing.assert_allclose(image, expected, atol=1e-9)
    assert titles(figure) == [["outermost pixels 33 %"]]
    np.testing.assert_array_equal(drawn(tp.influence_map(found.value)), [image])


def test_channels_are_images_and_one_of_them_may_be_dead():
    found = tp.influences(lambda x: x[:, 0, 1, 1] * x[:, 2, 0, 2], (3, 3, 3), 20, 0)
    figure = tp.influence_map(found)
    assert [image.sum() for image in drawn(figure)] == [100, 0, 100]
    assert [t[1] for t in titles(figure)] == [f"outermost pixels {p} %" for p in (0, 0, 100)]


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        (np.ones(16), r"shape \(16,\): give influences of images"),
        (np.zeros((4, 4)), "not all 0"),
        (np.full((4, 4), np.nan), "finite"),
        (xr.Dataset({"bmd": 1.0}), r"influence over \(row, column\)"),
        (xr.Dataset({"influence": (("column", "row"), np.ones((4, 4)))}), "row, column"),
    ],
)
def test_what_is_no_map(maps, words):
    with pytest.raises(ValueError, match=words):
        tp.influence_map(maps)


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("sklearn")
    (data,) = figures.DEFAULTS["influence_map"]()
    return data


def test_pixels_that_never_vary_have_influence_under_the_binary_law_alone(digits):
    never = ~digits.varies.values
    assert never.sum() == 3  # of load_digits
    total = digits.influence.sum(("row", "column"))
    on_them = (digits.influence.where(never).sum(("row", "column")) / total).transpose(
        "model", "law"
    )
    assert on_them.sel(law="marginals").values.tolist() == [0.0, 0.0]
    assert on_them.sel(law="binary", model="random features") > 0.05
    ring = np.ones((8, 8), dtype=bool)
    ring[1:-1, 1:-1] = False
    share = digits.influence.where(ring).sum(("row", "column")) / total
    assert np.all(share.sel(law="binary") > share.sel(law="marginals"))
    figure = figures.influence_map(digits)
    assert len(drawn(figure)) == 4
    marks = figure.axes[0].lines[0]
    assert {*zip(marks.get_ydata(), marks.get_xdata(), strict=True)} == {
        *map(tuple, np.argwhere(never))
    }
    assert titles(figure)[0][0] == "random features, binary"


def test_the_maps_sum_to_the_mean_dimension(digits):
    """Over the variance at points drawn here, known to a few percent."""
    from sklearn.datasets import load_digits

    from twinpeaks.figures.influence_map import _random_features

    held = load_digits()
    x = held.data / 8 - 1
    f = _random_features(x, held.target)
    law = tp.Marginals(x.reshape(-1, 8, 8))
    points = law.draw(np.random.default_rng(0), 20_000).x
    at = digits.sel(model="random features", law="marginals")
    ratio = float(at.influence.sum() / f(points).var(axis=0).sum())
    assert ratio == pytest.approx(float(at.mean_dimension), rel=0.05)
