"""The mode of a module is kept while it is measured, and put back."""

import pytest

from twinpeaks import measure

torch = pytest.importorskip("torch")
from twinpeaks.measure.models.module import evaluating  # noqa: E402

nn = torch.nn


def test_calls_at_the_same_time_share_the_mode():
    """The first to finish leaves evaluation to the others, the last puts the mode back."""
    module = nn.Sequential(nn.Linear(3, 3), nn.Dropout())
    module[0].eval()
    first, second = evaluating(module), evaluating(module)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not module[1].training
    second.__exit__(None, None, None)
    assert module.training
    assert module[1].training
    assert not module[0].training

    class Stubborn(nn.Module):
        def train(self, mode=True):
            super().train(mode)
            if not mode:
                raise RuntimeError("no")
            return self

    stubborn = Stubborn()
    with pytest.raises(RuntimeError, match="no"):
        measure.mean_dimension(stubborn, 3, 30, 0)
    assert stubborn.training
