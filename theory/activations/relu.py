"""Rectified linear unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from twinpeaks.theory.activations.base import Activation, HermiteMoments
from twinpeaks.theory.arrays import Array

__all__ = ["ReLU"]


@dataclass(frozen=True)
class ReLU(Activation):
    """sigma(x) = max(x, 0)."""

    kinks = (0.0,)

    def __call__(self, x: Any) -> Any:
        """Positive part."""
        xp = array_namespace(x)
        return xp.where(x > 0, x, xp.zeros_like(x))

    @cached_property
    def moments(self) -> HermiteMoments:
        """E sigma = 1/sqrt(2 pi), E[g sigma] = 1/2, E sigma^2 = E sigma'^2 = 1/2."""
        return HermiteMoments(
            kappa_0=float(1 / np.sqrt(2 * np.pi)),
            kappa_1=0.5,
            kappa_star=float(np.sqrt(0.25 - 1 / (2 * np.pi))),
            dkappa_star=0.5,
        )

    def _correlation(self, rho: Array) -> Array:
        """The arc-cosine kernel of degree 1 (Cho & Saul, NeurIPS 2009)."""
        angle = np.arccos(rho)
        return np.asarray((np.sin(angle) + (np.pi - angle) * rho) / (2 * np.pi))

    def closed_moments(self, ctx: Any) -> tuple[Any, Any, Any]:
        """1/2, 1/4 - 1/(2 pi) and 1/4."""
        quarter = ctx.mpf(1) / 4
        return ctx.mpf(1) / 2, quarter - 1 / (2 * ctx.pi), quarter
