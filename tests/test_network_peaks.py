"""The claim of docs/networks.md: test error and mean dimension peak together where training error ends."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import twinpeaks as tp


@pytest.mark.slow
def test_both_peaks_of_two_layer_networks():
    """Paired differences over 5 training sets, each above the 5 % point of Student's t, 2.13.

    Over 10 sets they were 13, 4.5, 11 and 14 standard errors or more (docs/networks.md); of 5 they are 9, 3.2,
    7.6 and 9.7, and by the noncentral t the least of the four is seen with a power of 0.8, the others of 0.99.
    """
    data = tp.run_networks(n=300, noise=0.2, width=[12, 48, 64, 256], seeds=5, laws=["binary"])
    assert (data.status == 0).all()
    assert (data.train_error.sel(width=12) > 0.05).all()
    assert (data.train_error.sel(width=64) < 0.005).all()
    bmd = data.bmd.sel(output="logits")
    for values, top in ((data.test_error, 64), (bmd, 48)):
        for other in (12, 256):
            gap = (values.sel(width=top) - values.sel(width=other)).values
            assert gap.mean() > 2.13 * gap.std(ddof=1) / np.sqrt(5), (values.name, other)
