"""How much kernel predictors change when the sphere is turned a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.harmonics import gegenbauer, log_multiplicity
from twinpeaks.theory.sphere.kernels.base import check_dimension

__all__ = ["rotation_change"]


def rotation_change(powers: ArrayLike, d: int, angle: float) -> float:
    r"""E |f(x) - f(x')|^2 for x' at an angle from x in a random direction, over the variance of f.

    Parameters
    ----------
    powers : sequence of float
        s_0, s_1, ...: the mean square of one coefficient of f on the harmonics of each degree.
    d : int
        Dimension of the ambient space, >= 2.
    angle : float
        In radians, from 0 to pi.

    Returns
    -------
    float
        2 sum_k N s_k (1 - P_k(cos angle)) / (2 sum_{k > 0} N s_k): 0 for no turn, and 1 for independent x'.

    Raises
    ------
    InvalidProblem
        Names the argument, its value and what to give.

    Notes
    -----
    E f(x) f(x') = sum_k N s_k P_k(cos angle) by the addition theorem, whatever the law of the direction.
    ``measure.rotation_stability`` estimates it for any function.

    Examples
    --------
    >>> from twinpeaks.theory.sphere import rotation_change
    >>> round(rotation_change([0.0, 1.0], 3, 3.141592653589793 / 2), 12)  # linear: 1 - cos
    1.0
    """
    s: Array = np.asarray(powers, dtype=float)
    d = check_dimension(d)
    if s.ndim != 1 or not np.all(np.isfinite(s) & (s >= 0)) or not s[1:].any():
        raise InvalidProblem("powers: give numbers >= 0, one a degree, not all 0 beyond degree 0")
    if not 0 <= angle <= np.pi:
        raise InvalidProblem(f"angle = {angle!r}: give radians from 0 to pi")
    weight = np.exp(log_multiplicity(d, np.arange(s.size, dtype=float))) * s
    kept = gegenbauer(d, np.cos(angle), s.size - 1)
    return float(np.sum(weight * (1.0 - kept)) / np.sum(weight[1:]))
