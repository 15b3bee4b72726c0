"""What a solved saddle point says about the model: overlaps, errors, entropies, mean dimension."""

from __future__ import annotations

import numpy as np

from twinpeaks.theory.arrays import Array, Bools
from twinpeaks.theory.equations.channel import Conjugates, Training
from twinpeaks.theory.equations.readout import OrderParameters, order_parameters as read, traces
from twinpeaks.theory.equations.saddle_point import Equations

__all__ = ["OBSERVABLES", "observables"]

#: Their names, rows of ``theory/names/``, in the order of a Dataset.
OBSERVABLES = (
    *("q_d", "q_0", "p_d", "p_0", "r", "Q_d", "Q_0", "m", "V"),
    *("train_loss", "train_error", "test_error", "test_error_mean", "bmd", "bmd_mean"),
    *("energy", "free_energy", "free_entropy", "entropy", "replicon"),
)


def observables(equations: Equations, u: Array) -> tuple[dict[str, Array], Bools]:
    """Every variable of ``OBSERVABLES`` at solved coordinates.

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
    moments, T = problem.activation.moments, points.temperature
    with np.errstate(over="ignore", under="ignore"):  # tails of weight zero
        hats, training = equations.channel.observe(equations.overlaps(u), T)
    if problem.teacher.silent:  # solved at a faint correlation
        hats = hats._replace(mh=np.zeros_like(hats.mh))
    order = read(problem, points, hats)
    coefficients = problem.features.influences(moments)

    def mean_dimension(forms: tuple[Array, ...], Q: Array) -> Array:
        influence = np.zeros(Q.shape)
        for coefficient, form in zip(coefficients, forms, strict=True):
            # kappa'_star may be infinite where the kernel limit leaves it nothing
            influence += np.where(form > 0, coefficient, 0.0) * np.where(form > 0, form, 1.0)
        variance = problem.features.output_variance(forms, Q)
        with np.errstate(invalid="ignore"):
            return np.where(variance > 0, influence / variance, 1.0)

    test_error = problem.teacher.test_error
    energy, free, replicon = _thermodynamics(equations, order, hats, training)
    warm, scale = T > 0, np.where(T > 0, T, 1.0)
    # as beta -> infinity the entropy falls like -(1/2) ln beta, also where no energy is left
    free_entropy = np.where(warm, -free / scale, np.where(free < 0, np.inf, -np.inf))
    entropy = np.where(warm, (energy - free) / scale, -np.inf)
    values = {
        "q_d": order.q_d,
        "q_0": order.q_0,
        "p_d": order.p_d,
        "p_0": order.p_0,
        "r": order.r,
        "Q_d": order.Q_d,
        "Q_0": order.Q_0,
        "m": order.m,
        "V": order.V,
        "train_loss": training.loss,
        "train_error": training.error,
        "test_error": test_error(order.m, order.Q_d),
        "test_error_mean": test_error(order.m, order.Q_0),
        "bmd": mean_dimension(order.forms_d, order.Q_d),
        "bmd_mean": mean_dimension(order.forms_0, order.Q_0),
        "energy": energy,
        "free_energy": free,
        "free_entropy": free_entropy,
        "entropy": entropy,
        "replicon": replicon,
    }
    return values, training.accurate


def _thermodynamics(
    equations: Equations, order: OrderParameters, hats: Conjugates, training: Training
) -> tuple[Array, Array, Array]:
    """Energy, free energy and replicon.

    -phi/beta = m mh - (Q_d Vh - V Qh)/2 - (mh^2 <T R> + Qh <Omega R>)/2
                + temperature (ln beta + <ln(lam + Vh Omega)> - ln 2 pi)/2 - alpha temperature E ln Z

    and at N/P = infinity what the prior alone has (docs/derivations/limits.md).
    """
    problem, points = equations.problem, equations.points
    moments, T, alpha = problem.activation.moments, points.temperature, points.alpha
    warm = T > 0
    if points.kernel:  # a share P/N = 0 of the weights feels the data, the others their prior
        noise = problem.features.kernel(
            points.alpha_T, moments, problem.teacher.rho, points.lam, hats.Vh
        ).noise
        free = np.zeros(T.shape)
        free[warm] = -0.5 * T[warm] * np.log(2 * np.pi * T[warm] / points.lam[warm])
        return 0.5 * T, free, 1.0 - training.stiffness * noise
    k1, ks = moments.kappa_1**2, moments.kappa_star**2
    energy = alpha * training.loss + 0.5 * points.lam * order.q_d
    Vh, Qh, mh = (alpha * h for h in hats)
    t = traces(problem, points, Vh)
    log_det = problem.features.log_det(
        points.c, moments, points.lam, np.maximum(Vh, 1e-40 * points.lam)
    )
    thermal = np.zeros(T.shape)
    # T = 0 times ln beta is 0
    thermal[warm] = 0.5 * T[warm] * (log_det[warm] - np.log(2 * np.pi * T[warm]))
    free = order.m * mh - 0.5 * (order.Q_d * Vh - order.V * Qh)
    free = free - 0.5 * (mh**2 * t.TR + Qh * t.OmegaR) + thermal - alpha * training.potential
    omega2 = k1 * t.SOmegaR2 + ks * t.OmegaR2
    return energy, free, 1.0 - alpha * training.stiffness * omega2
