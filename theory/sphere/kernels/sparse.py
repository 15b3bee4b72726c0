"""Networks that learn sparse features instead of a kernel."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SparseFeatures"]


@dataclass(frozen=True)
class SparseFeatures:
    """Trained features, in the place of a kernel: the ReLU network of least total variation.

    f(x) = int relu(theta.x) dm(theta) with |theta| = 1, and the measure m of least total variation that
    fits the data; it has at most n atoms (arXiv 2206.12314). ``sphere.run`` finds it, ``sphere.exponents``
    has the exponent of its error, and ``sphere.solve`` refuses it: no theory of its learning curve is known.
    """
