"""The 0-1 loss under its tilted measure: two truncated Gaussians, in closed form.

With x = y omega / sqrt(T V), Z = exp(-beta) Phi(-x) + Phi(x). In the units of zero temperature
f = T d ln Z / d omega. All of it is written with logarithms of Phi, so that large beta is safe.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from twinpeaks.theory.arrays import Array
from twinpeaks.theory.numerics.quadrature import Panels, panels

__all__ = ["averages", "mesh"]


def averages(
    y: float, omega: Array, V: Array, T: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """f, df/domega, E[l], P(y t < 0) and T ln Z."""
    width = np.sqrt(T * V)
    x = y * omega / width
    wrong = special.log_ndtr(-x) - 1.0 / T
    log_z = np.logaddexp(wrong, special.log_ndtr(x))
    # d ln Z / dx = (1 - exp(-beta)) phi(x) / Z
    score = -np.expm1(-1.0 / T) * np.exp(-0.5 * x * x - log_z) / np.sqrt(2 * np.pi)
    f = T * y * score / width
    df = -score * (x + score) / V
    share = np.exp(wrong - log_z)
    return f, df, share, share, T * log_z


def mesh(y: float, V: Array, omega: Array, T: Array) -> Panels:
    """The mesh wanted in omega, refined where Z crosses over: x = 0 and x = -sqrt(2 beta)."""
    width = np.sqrt(T * V)[:, None]
    turn = np.concatenate([np.zeros_like(width), -np.sqrt(2.0 / T)[:, None]], axis=1)
    knots = turn[..., None] + np.array([-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0])
    inner = y * width * knots.reshape(len(width), -1)
    return panels(np.concatenate([omega, np.clip(inner, omega[:, :1], omega[:, -1:])], axis=1))
