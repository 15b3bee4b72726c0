"""Where gradient descent starts: the law of w_init, which knows nothing of the training labels.

In the limit a start enters through the matrix C = E[w_init w_init^T | F], equivalent to a function of
the feature covariance Omega. Each class gives the traces of C that the read-out needs; the equations
are derived in docs/derivations/adversarial-initialisation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.axes import check_number, read_axis
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.starts.resolvents import Resolvents

__all__ = ["GaussianStart", "Imprint", "RandomLabelsStart", "SameInputsStart", "Start"]

_FAR = 1e20  # <M> = u <M G_u> there, to rounding
_EPS = float(np.finfo(float).eps)


class Imprint(NamedTuple):
    """What training leaves of a start of |w_init|^2 = N, with K = u G_u the matrix that shrinks it.

    Attributes
    ----------
    natural : ndarray of shape (points,)
        |w_init|^2 / N before it is rescaled.
    forms : ndarray of shape (matrices, points)
        w_init^T M_j w_init / N, that is <C M_j>.
    kept : ndarray of shape (matrices, points)
        <C K^2 M_j>.
    overlap : ndarray of shape (points,)
        <C K>.
    rounding : ndarray of shape (points,)
        Estimate of the relative error of ``kept``.
    """

    natural: Array
    forms: Array
    kept: Array
    overlap: Array
    rounding: Array


def _values(name: str, given: Any) -> float | tuple[float, ...]:
    """A number, or a tuple of distinct numbers: what a frozen value can hold and show."""
    try:
        axis = read_axis(name, given)
    except ValueError as error:
        raise InvalidProblem(str(error)) from None
    if axis.dim not in (None, name):
        raise InvalidProblem(
            f"{name} has the dimension {axis.dim!r}: a start takes numbers and sequences"
        )
    return float(axis.values) if axis.dim is None else tuple(map(float, axis.values))


class Start:
    """The law of w_init.

    Attributes
    ----------
    scale : float, 1-d array_like or None
        Root mean square of the entries of w_init, |w_init|^2 = N scale^2, >= 0; None keeps the norm
        that w_init was trained to. An array becomes a dimension of the result.
    """

    scale: ArrayLike | None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.scale is not None:
            object.__setattr__(self, "scale", _values("scale", self.scale))

    @property
    def axes(self) -> dict[str, Array]:
        """Axes that the start brings, as arrays of dimension 0 (a number) or 1."""
        return {} if self.scale is None else {"scale": np.asarray(self.scale, dtype=float)}

    def check(self, lam: Array) -> None:
        """Refuse ridge penalties of the training for which there is no formula."""

    def imprint(self, features: Resolvents, alpha: Array, u: Array, **extra: Array) -> Imprint:
        """The traces of C, at effective ridge u of the training.

        Parameters
        ----------
        features : Resolvents
        alpha : ndarray of shape (points,)
            P/N.
        u : ndarray of shape (points,)
            >= 0; at u = 0 training forgets the start.
        extra : ndarray of shape (points,)
            Values on the axes other than ``scale``.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class GaussianStart(Start):
    """w_init with i.i.d. N(0, scale^2) entries: C = scale^2.

    Parameters
    ----------
    scale : float or 1-d array_like
        Standard deviation of the entries, >= 0.
    """

    scale: ArrayLike = 1.0

    def __post_init__(self) -> None:
        """Check the numbers; None is no scale here."""
        object.__setattr__(self, "scale", _values("scale", self.scale))

    def imprint(self, features: Resolvents, alpha: Array, u: Array, **extra: Array) -> Imprint:
        """C = 1, so that <K^2 M> = u (<G M> - <Omega G^2 M>)."""
        live = u > 0
        t = features.at(np.where(live, u, 1.0))
        difference = t.thermal - t.noise
        with np.errstate(divide="ignore", invalid="ignore"):
            rounding = np.nanmax(_EPS * (t.thermal + t.noise) / difference, axis=0)
        return Imprint(
            natural=np.ones(u.shape),
            forms=_FAR * features.at(np.full(u.shape, _FAR)).thermal,
            kept=np.where(live, u * difference, 0.0),
            overlap=np.where(live, u * t.thermal[-1], 0.0),
            rounding=np.where(live, rounding, 0.0),
        )


@dataclass(frozen=True)
class RandomLabelsStart(Start):
    """w_init trained with square loss on fair coins for labels, on inputs of its own.

    With ridge = 0 it is the minimum-norm interpolator for alpha' < 1, and the least-squares solution
    beyond. C = Omega G_w^2 / (alpha' - <Omega^2 G_w^2>) with alpha' = ridge / w + <Omega G_w>.

    Parameters
    ----------
    alpha_prime : float or 1-d array_like
        P'/N, random patterns per weight, > 0. An array becomes a dimension of the result. At
        alpha' = 1 and ridge = 0 the natural norm is infinite, and only a given scale has a meaning.
    scale : float, 1-d array_like or None
        |w_init|^2 = N scale^2 after rescaling; None keeps the norm as trained.
    ridge : float
        Ridge penalty of that training, >= 0.
    """

    alpha_prime: ArrayLike = 0.5
    scale: ArrayLike | None = None
    ridge: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        super().__post_init__()
        object.__setattr__(self, "alpha_prime", _values("alpha_prime", self.alpha_prime))
        try:
            object.__setattr__(self, "ridge", check_number("ridge", self.ridge, "[0, inf)"))
        except ValueError as error:
            raise InvalidProblem(str(error)) from None

    @property
    def axes(self) -> dict[str, Array]:
        """``scale``, unless it is None, and ``alpha_prime``."""
        return {**super().axes, "alpha_prime": np.asarray(self.alpha_prime, dtype=float)}

    def imprint(self, features: Resolvents, alpha: Array, u: Array, **extra: Array) -> Imprint:
        """Traces with the effective ridges of both trainings."""
        trained = _trained(features, extra["alpha_prime"], self.ridge)
        live = u > 0
        pair = features.pair(np.where(live, u, 1.0), trained.w)
        # G_u G_w^2 = (u + Omega) G_u^2 G_w^2
        mixed = u * pair.forms[-1] + features.variance(pair.forms)
        return Imprint(
            natural=trained.natural,
            forms=trained.noise / trained.noise[-1],
            kept=np.where(live, u**2 * pair.forms / trained.noise[-1], 0.0),
            overlap=np.where(live, u * mixed / trained.noise[-1], 0.0),
            rounding=np.where(live, pair.rounding, 0.0),
        )


@dataclass(frozen=True)
class SameInputsStart(Start):
    """w_init trained to the end on fair coins for labels, on the training inputs themselves.

    It lies in the row space of the design, which training without a ridge penalty overwrites: nothing
    of it is left. With a penalty something is, for which there is no formula here.

    Parameters
    ----------
    scale : float, 1-d array_like or None
        |w_init|^2 = N scale^2 after rescaling; None keeps the norm as trained.
    """

    scale: ArrayLike | None = None

    def check(self, lam: Array) -> None:
        """Refuse lam > 0."""
        if np.any(lam > 0):
            raise ValueError(
                f"lam = {np.max(lam):g} with start = {self!r}: a start and a ridge solution that share "
                "their inputs are not treated; give lam = 0, or a RandomLabelsStart"
            )

    def imprint(self, features: Resolvents, alpha: Array, u: Array, **extra: Array) -> Imprint:
        """(1 - X^+ X) w_init = 0."""
        trained = _trained(features, alpha, 0.0)
        nothing = np.zeros(u.shape)
        return Imprint(
            natural=trained.natural,
            forms=trained.noise / trained.noise[-1],
            kept=np.zeros(trained.noise.shape),
            overlap=nothing,
            rounding=nothing,
        )


class _Trained(NamedTuple):
    """Effective ridge w, |w_init|^2 / N, and <Omega G_w^2 M_j>, of a training on random labels."""

    w: Array
    natural: Array
    noise: Array


def _trained(features: Resolvents, alpha: Array, ridge: float) -> _Trained:
    """Training on alpha N patterns; room = alpha - <Omega^2 G^2> without its cancellation."""
    w = features.effective_ridge(alpha, np.full(alpha.shape, ridge))
    noise = features.at(w).noise
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(w > 0, ridge / np.where(w > 0, w, 1.0) + w * noise[-1], alpha - 1.0)
        return _Trained(w, noise[-1] / room, noise)
