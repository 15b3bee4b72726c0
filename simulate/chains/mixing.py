"""Whether chains have mixed, and how many independent draws theirs are worth.

A. Vehtari, A. Gelman, D. Simpson, B. Carpenter and P.-C. Buerkner, *Rank-normalization, folding, and
localization: an improved R-hat* (arXiv 1903.08008), as ``arviz-stats`` computes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from twinpeaks.theory.arrays import Array

__all__ = ["Limits", "Mixing", "Status", "mixing", "standard_error"]

_TAILS = (0.05, 0.95)


class Status(IntEnum):
    """What became of one sampled point; only MIXED points carry numbers."""

    MIXED = 0
    UNMIXED = 1
    NONFINITE = 2

    @property
    def sentence(self) -> str:
        """What happened and what to try next."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.MIXED: "Mixed: R-hat and effective sample sizes are within their limits.",
    Status.UNMIXED: (
        "The chains have not mixed: R-hat is too large or an effective sample size too small. Raise "
        "draws and warmup, or trajectory where acceptance is good and R-hat is not; or raise lam."
    ),
    Status.NONFINITE: (
        "The design, the energy or its curvature is not finite; raise lam, or lower beta."
    ),
}


@dataclass(frozen=True)
class Limits:
    """What chains must reach for their averages to be reported.

    Attributes
    ----------
    r_hat : float
        Largest rank-normalised split R-hat, > 1.
    ess : float
        Smallest effective sample size of all chains together, bulk and tail.
    """

    r_hat: float = 1.01
    ess: float = 400.0


@dataclass(frozen=True)
class Mixing:
    """The worst over several functions of the weights.

    Attributes
    ----------
    r_hat : float
        Rank-normalised split R-hat.
    ess_bulk, ess_tail : float
        Effective sample sizes, the second of the 5 % and 95 % quantiles.
    """

    r_hat: float
    ess_bulk: float
    ess_tail: float

    @classmethod
    def independent(cls, draws: int) -> Mixing:
        """Of draws that are independent by construction."""
        return cls(1.0, float(draws), float(draws))

    def within(self, limits: Limits) -> bool:
        """Whether every diagnostic is finite and within its limit."""
        # a comparison with NaN is False: what cannot be diagnosed has not mixed
        enough = self.ess_bulk >= limits.ess and self.ess_tail >= limits.ess
        return enough and self.r_hat <= limits.r_hat


def mixing(functions: Iterable[Array]) -> Mixing:
    """Diagnose chains by functions of the weights, each of shape (chains, draws)."""
    from arviz_stats.base.array import array_stats

    found = []
    with np.errstate(all="ignore"):  # a constant has no R-hat, and NaN is refused
        for x in functions:
            found.append(
                (
                    float(array_stats.rhat(x, method="rank")),
                    float(array_stats.ess(x, method="bulk")),
                    float(array_stats.ess(x, method="tail", prob=_TAILS)),
                )
            )
    r_hat, bulk, tail = np.array(found).T
    return Mixing(float(r_hat.max()), float(bulk.min()), float(tail.min()))  # NaN wins


def standard_error(x: Array, *, independent: bool) -> float:
    """Monte Carlo standard error of the mean of x, shape (chains, draws): sd / sqrt(ESS)."""
    sd = float(x.std(ddof=1))
    if sd == 0.0 or not np.isfinite(sd):
        return sd
    if independent:
        return float(sd / x.size**0.5)
    from arviz_stats.base.array import array_stats

    with np.errstate(all="ignore"):
        effective = float(array_stats.ess(x, method="mean"))
    return float(sd / effective**0.5)
