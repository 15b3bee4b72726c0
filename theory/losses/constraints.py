"""Hard constraints: what a loss becomes as lam -> 0 on data that can be fitted.

The weights of least norm among those of least loss: y t >= T for a margin loss that rests from T on, and
y t = T for one that is smallest there alone; t = y for a loss of y - t. A loss that falls for ever ends
in the direction of maximum margin if it falls steeply (Soudry et al., arXiv 1710.10345; Rosset, Zhu &
Hastie, JMLR 5, 941), and in no known one otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.losses._rest import falls_steeply
from twinpeaks.theory.losses.base import DifferenceLoss, Loss, MarginLoss

__all__: list[str] = []  # limits of losses, not losses that one trains with


@dataclass(frozen=True)
class Equality(DifferenceLoss):
    """t = y: the limit lam -> 0 of a loss of y - t past the interpolation threshold."""

    quadratic = 0.0


@dataclass(frozen=True)
class HardMargin(MarginLoss):
    """y t >= 1: the limit lam -> 0 of a loss of the margin past separability."""

    margin_kinks = (1.0,)

    def margin_value(self, s: Any) -> Any:
        """0 where the constraint holds."""
        return np.where(s >= 1, 0.0, np.inf)

    def margin_slope(self, s: Any) -> Any:
        """Infinite below the margin."""
        return np.where(s < 1, -np.inf, 0.0)

    def margin_curvature(self, s: Any) -> Any:
        """0 where the constraint holds."""
        return array_namespace(s).zeros_like(s)

    def prox(self, y: ArrayLike, omega: ArrayLike, V: ArrayLike, max_steps: int = 200) -> Array:
        """Return y max(y omega, 1)."""
        y, omega, V = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (y, omega, V)))
        return np.asarray(y * np.maximum(y * omega, 1.0))


def constraint(loss: Loss) -> tuple[Loss, float] | None:
    """What a loss that is fitted to the end asks of every pattern.

    Returns
    -------
    Equality or HardMargin, and the scale of t: infinite where the weights grow for ever. None where
    the loss does not say.
    """
    if loss.least is None:
        return None
    low, high = loss.least
    if loss.of == "difference":
        return (Equality(), 1.0) if low == high == 0 else None
    if not low > 0:
        return None  # no weights at all fit as well
    if np.isfinite(low):
        return (HardMargin(), low) if high == np.inf else (Equality(), low) if low == high else None
    steep = falls_steeply(lambda s: np.asarray(loss.slope(1.0, s)))
    return (HardMargin(), low) if steep else None
