"""What a solved saddle point says about the model: overlaps, errors and the mean dimension."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.channel import Overlaps
from theory.readout import order_parameters
from theory.saddle_point import Equations

__all__ = ["DESCRIPTIONS", "observables"]

Array = NDArray[np.float64]

# name: (long name, units, definition)
DESCRIPTIONS: dict[str, tuple[str, str, str]] = {
    "q_d": ("squared weight norm", "1", "|w|^2 / N"),
    "q_0": ("weight overlap of two replicas", "1", "w^a . w^b / N"),
    "p_d": ("squared norm of the projected weights", "1", "|F w|^2 / (N D)"),
    "p_0": ("projected overlap of two replicas", "1", "F w^a . F w^b / (N D)"),
    "r": ("overlap of projected weights and teacher", "1", "F w . w_T / (sqrt(N) D)"),
    "Q_d": ("variance of the student field", "1", "kappa_1^2 p_d + kappa_star^2 q_d"),
    "Q_0": ("student-field overlap of two replicas", "1", "kappa_1^2 p_0 + kappa_star^2 q_0"),
    "m": ("covariance of student and teacher fields", "1", "kappa_1 r"),
    "V": ("susceptibility", "1", "lim beta (Q_d - Q_0)"),
    "train_loss": ("training loss", "per pattern", "E l(y, t) over the training set"),
    "train_error": ("training error", "fraction", "P(y t < 0) over the training set"),
    "test_error": ("test error", "fraction", "arccos(m / sqrt(rho Q_d)) / pi"),
    "bmd": (
        "Boolean mean dimension",
        "1",
        "(kappa_1^2 p_d + dkappa_star^2 q_d) / (kappa_1^2 p_d + kappa_star^2 q_d)",
    ),
    "energy": ("energy density", "per weight", "alpha train_loss + lam q_d / 2"),
}


def observables(equations: Equations, u: Array) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Every variable of ``DESCRIPTIONS`` at solved coordinates.

    Parameters
    ----------
    equations : Equations
    u : ndarray of shape (points, 3)
        Converged coordinates.

    Returns
    -------
    values : dict of ndarray of shape (points,)
    accurate : ndarray of bool
        Whether the integrals of the training averages reached their tolerance.
    """
    problem, points = equations.problem, equations.points
    moments = problem.activation.moments
    overlaps: Overlaps = equations.overlaps(u)
    hats, training = equations.channel.observe(overlaps, points.alpha)
    order = order_parameters(problem, points, hats)
    linear = moments.kappa_1**2 * order.p
    influence = linear + moments.dkappa_star**2 * order.q
    values = {
        "q_d": order.q,
        "q_0": order.q,
        "p_d": order.p,
        "p_0": order.p,
        "r": order.r,
        "Q_d": order.Q,
        "Q_0": order.Q,
        "m": order.m,
        "V": order.V,
        "train_loss": training.loss,
        "train_error": training.error,
        "test_error": problem.teacher.test_error(order.m, order.Q),
        "bmd": influence / order.Q,
        "energy": points.alpha * training.loss + 0.5 * points.lam * order.q,
    }
    return values, training.accurate
