"""Two problems, points on a line, and what two solutions of one point share."""

import numpy as np
import xarray as xr

from twinpeaks import theory

FLIPPED = theory.Problem(teacher=theory.FlippedSign(), loss=theory.Logistic())
SQUARE = theory.Problem(teacher=theory.FlippedSign())
#: What two converged solutions of one point share, whatever they started from.
EXACT = ("q_d", "p_d", "m", "Q_d", "V", "train_loss", "test_error", "bmd", "energy", "replicon")


def along(dim, values, **coords):
    return xr.DataArray(values, coords, dims=dim)


def assert_same(got, expected, names=EXACT, rtol=1e-12):
    for name in names:
        np.testing.assert_allclose(got[name], expected[name], rtol=rtol, atol=1e-300, err_msg=name)
