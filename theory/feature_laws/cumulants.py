"""Laws of independent inputs, as far as many of them show which law they follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.feature_laws._empirical import read_array

__all__ = ["Cumulants"]


@dataclass(frozen=True, eq=False)
class Cumulants:
    """Independent inputs by their first four cumulants.

    A sum of D inputs is Gaussian up to terms of relative order 1/D, which these hold.

    Parameters
    ----------
    mean, variance, skewness, kurtosis : float or array_like of shape (D,)
        Of each input; the kurtosis is the excess, 0 for a normal law. All laws obey
        kurtosis >= skewness^2 - 2.

    Raises
    ------
    InvalidProblem
        For numbers that no law has.

    Examples
    --------
    >>> from twinpeaks import theory
    >>> boolean = theory.Cumulants(kurtosis=-2.0)  # -1 and +1
    >>> uniform = theory.Cumulants(variance=1.0 / 3.0, kurtosis=-1.2)  # on [-1, 1]
    >>> theory.Cumulants.of([[-1.0], [1.0]]).kurtosis
    array([-2.])
    """

    mean: ArrayLike = 0.0
    variance: ArrayLike = 1.0
    skewness: ArrayLike = 0.0
    kurtosis: ArrayLike = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        held = {}
        for name in ("mean", "variance", "skewness", "kurtosis"):
            value = getattr(self, name)
            held[name] = read_array(name, value, *(None,) * min(np.ndim(value), 1))
        sizes = {v.size for v in held.values() if v.ndim}
        if len(sizes) > 1:
            raise InvalidProblem(f"cumulants have lengths {sorted(sizes)}: give one for each input")
        if np.min(held["variance"]) < 0:
            raise InvalidProblem(f"variance = {np.min(held['variance']):g}: give variances >= 0")
        room = held["kurtosis"] - held["skewness"] ** 2 + 2.0
        if np.min(room) < -1e-9 * (1.0 + np.max(held["skewness"] ** 2)):
            raise InvalidProblem(
                "kurtosis is less than skewness^2 - 2 by "
                f"{-np.min(room):g}: no law has that; give the excess kurtosis, 0 for a normal law"
            )
        for name, value in held.items():
            object.__setattr__(self, name, value)

    @staticmethod
    def read(law: Any, name: str) -> Cumulants:
        """Of what holds them: cumulants, or a law to draw from such as ``Binary(n)``.

        Raises
        ------
        InvalidProblem
            If it is neither; also for inputs that are groups of columns.
        """
        if isinstance(law, Cumulants):
            return law
        held = getattr(law, "cumulants", None)
        if not (isinstance(held, tuple) and len(held) == 4):
            raise InvalidProblem(
                f"{name} = {law!r}: give a law of independent columns, such as tp.Binary(n), or "
                "tp.Cumulants"
            )
        return Cumulants(*held)

    @staticmethod
    def of(inputs: Any) -> Cumulants:
        """Each input by itself with the law it has in given data, shape (patterns, D): its marginal."""
        x = read_array("inputs", inputs, None, None)
        mean = x.mean(axis=0)
        moments = [np.mean((x - mean) ** k, axis=0) for k in (2, 3, 4)]
        flat = moments[0] <= 1e-24 * np.max(x**2, axis=0)
        scale = np.where(flat, 1.0, moments[0])
        skewness = np.where(flat, 0.0, moments[1] / scale**1.5)
        kurtosis = np.where(flat, 0.0, moments[2] / scale**2 - 3.0)
        return Cumulants(mean, np.where(flat, 0.0, moments[0]), skewness, kurtosis)

    def spread(self, D: int) -> tuple[Array, Array, Array, Array]:
        """Mean, variance, skewness and kurtosis of each of D inputs.

        Raises
        ------
        InvalidProblem
            If these are the cumulants of another number of inputs.
        """
        given = (self.mean, self.variance, self.skewness, self.kurtosis)
        bad = {np.size(v) for v in given if np.ndim(v)} - {D}
        if bad:
            raise InvalidProblem(
                f"cumulants of {bad.pop()} inputs for {D}: give one for each input"
            )
        mean, variance, skewness, kurtosis = (np.broadcast_to(v, D).astype(float) for v in given)
        return mean, variance, skewness, kurtosis
