"""Corrupted labels: what they do to errors and mean dimension, loss by loss."""

import numpy as np
import pytest
import xarray as xr

from twinpeaks import figures, theory

FLIPS = [0.0, 0.1, 0.25, 0.5]
WIDTHS = np.geomspace(0.02, 20.0, 25)


@pytest.fixture(
    scope="module", params=[theory.Square(), theory.Logistic(), theory.Hinge()], ids=repr
)
def curve(request):
    return theory.solve(
        theory.Problem(teacher=theory.FlippedSign(), loss=request.param),
        vary={"teacher.flip": FLIPS},
        overparam=WIDTHS,
        alpha_T=3.0,
        lam=1e-3,
    )


def test_errors_rise_with_corruption(curve):
    # far past the threshold it is below 1e-6, and no longer ordered there for the logistic loss
    assert np.all(curve.train_error.diff("flip") > -1e-6)
    assert np.all(curve.test_error.diff("flip") > 0)


def test_the_peak_of_the_mean_dimension_rises_with_corruption(curve):
    assert np.all(curve.bmd.max("overparam").diff("flip") > 0)


def test_of_pure_noise_nothing_is_learned_but_it_is_fitted(curve):
    noise = curve.sel(flip=0.5)
    assert np.allclose(noise.test_error, 0.5, atol=1e-9)
    assert np.all(noise.train_error < 0.5)
    assert float(noise.train_error[-1]) < 0.01


def test_the_mean_dimension_tells_wide_networks_of_noise_from_narrow_ones(curve):
    tops = curve.bmd.isel(overparam=slice(1, -1)).max("overparam")
    assert np.all(tops > curve.bmd[:, 0])
    assert np.all(tops > curve.bmd[:, -1])


def test_the_figure_has_a_column_for_each_loss(curve):
    picture = figures.label_corruption({"one": curve, "other": curve})
    assert len(picture.axes) == 6
    assert all(len(ax.lines) == len(FLIPS) for ax in picture.axes)
    with pytest.raises(ValueError, match="give flip and overparam"):
        figures.label_corruption({"one": curve.isel(flip=0)})


def test_the_figure_of_two_peaks_marks_them():
    problem, alpha_T = theory.Problem(), [3.0, 10.0]
    line = theory.solve(problem, overparam=WIDTHS, alpha_T=alpha_T, lam=1e-4)
    tops = theory.peaks(problem, "bmd", alpha_T=alpha_T, lam=1e-4, between=(0.02, 5.0))
    ax = figures.double_peak(line, tops).axes[0]
    assert np.isfinite(ax.lines[3].get_xdata()).sum() == 2
    with pytest.raises(ValueError, match="give alpha_T and overparam"):
        figures.double_peak(xr.Dataset({"bmd": ("lam", [1.0])}), tops)
