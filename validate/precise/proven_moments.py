"""Hermite moments of activations, enclosed in intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

from twinpeaks.theory.activations import Activation

__all__ = ["EnclosedMoments", "enclosed_moments"]

Interval = Any


class EnclosedMoments(NamedTuple):
    """Intervals around kappa_1, kappa_star^2 and dkappa_star^2."""

    k1: Interval
    star2: Interval
    dstar2: Interval


def enclosed_moments(activation: Activation, dps: int) -> EnclosedMoments:
    """Intervals of about that many digits that contain the moments, at the precision of ``mpmath.iv``.

    Raises
    ------
    ValueError
        For an activation that proves none.
    """
    found = activation.enclosed_moments(dps)
    if found is None:
        raise ValueError(
            f"activation = {activation!r} has no enclosure: give its class a method closed_moments or "
            "enclosed_moments, as Tanh, ReLU, Erf and Identity have"
        )
    return EnclosedMoments(*found)
