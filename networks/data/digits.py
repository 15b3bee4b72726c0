"""Handwritten digits that come with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpeaks.extras import need
from twinpeaks.networks.data.base import Data, Patterns

__all__ = ["Digits"]


@dataclass(frozen=True)
class Digits(Data):
    """1797 handwritten digits of 8 x 8 pixels.

    Raises
    ------
    MissingExtra
        On loading, if scikit-learn is not installed.

    Examples
    --------
    >>> Digits().load().inputs.shape
    (1797, 8, 8)
    """

    def read(self) -> Patterns:
        """Pixels from 0 to 16 become -1 to 1."""
        need("sklearn", "data", "Digits")
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        inputs = (pixels / 8.0 - 1.0).reshape(-1, 8, 8)
        return Patterns("digits", inputs, np.asarray(labels, dtype=np.int64), 10)
