"""Error function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import is_numpy_array
from scipy import special

from twinpeaks.theory.activations.base import Activation, HermiteMoments
from twinpeaks.theory.arrays import Array

__all__ = ["Erf"]


@dataclass(frozen=True)
class Erf(Activation):
    """sigma(x) = erf(x)."""

    def __call__(self, x: Any) -> Any:
        """Error function."""
        return special.erf(x) if is_numpy_array(x) else x.erf()

    @cached_property
    def moments(self) -> HermiteMoments:
        """E[g erf g] = 2/sqrt(3 pi), E erf^2 = (2/pi) asin(2/3), E erf'^2 = 4/(pi sqrt 5)."""
        k1_squared = 4 / (3 * np.pi)
        return HermiteMoments(
            kappa_0=0.0,
            kappa_1=float(np.sqrt(k1_squared)),
            kappa_star=float(np.sqrt(2 / np.pi * np.arcsin(2 / 3) - k1_squared)),
            dkappa_star=float(np.sqrt(4 / (np.pi * np.sqrt(5)) - k1_squared)),
        )

    def _correlation(self, rho: Array) -> Array:
        """(2/pi) asin(2 rho / 3) (Williams, NeurIPS 1996)."""
        return np.asarray(2 / np.pi * np.arcsin(2 * rho / 3))

    def closed_moments(self, ctx: Any) -> tuple[Any, Any, Any]:
        """As ``moments``, with asin(2/3) = atan(2/sqrt 5)."""
        k1, root = 2 / ctx.sqrt(3 * ctx.pi), ctx.sqrt(ctx.mpf(5))
        star2 = 2 / ctx.pi * ctx.atan2(ctx.mpf(2), root) - k1**2
        return k1, star2, 4 / (ctx.pi * root) - k1**2
