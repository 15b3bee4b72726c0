"""Equations and driver: Jacobians, stationarity of the energy, and every way to fail."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import ndtr

from twinpeaks import theory
from twinpeaks.theory.equations.channel import channel_for
from twinpeaks.theory.equations.readout import Points
from twinpeaks.theory.equations.saddle_point import Equations, Tolerances, follow, newton
from twinpeaks.theory.feature_laws.gaussian import Gaussian
from twinpeaks.theory.losses.base import MarginLoss

PROBLEMS = [
    theory.Problem(loss=loss, activation=activation, teacher=theory.Sign(rho=rho))
    for loss in (theory.Square(), theory.Logistic())
    for activation, rho in ((theory.Tanh(), 1.0), (theory.ReLU(), 0.4))
]


def equations(problem, overparam, alpha_T, lam, beta=np.inf):
    axes = (overparam, alpha_T, lam, 1 / np.asarray(beta, float))
    points = Points(*np.broadcast_arrays(*(np.atleast_1d(np.asarray(a, float)) for a in axes)))
    return Equations(problem, channel_for(problem, Tolerances().quadrature), points)


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_jacobian_is_the_derivative_of_the_residual(problem):
    u = np.array([[0.3, -0.5, -0.2], [2.0, 1.5, 0.7], [-3.0, -6.0, -1.0], [6.0, 5.0, 0.1]])
    eq = equations(problem, [0.7, 1.0, 5.0, 2.0], [3.0] * 4, [1e-3, 1e-5, 1.0, 1e-6])
    jacobian = eq.evaluate(u).jacobian
    h = 1e-5
    for k in range(3):
        e = h * np.eye(3)[k]
        difference = (eq.evaluate(u + e).residual - eq.evaluate(u - e).residual) / (2 * h)
        assert jacobian[:, :, k] == pytest.approx(difference, rel=2e-7, abs=2e-8)


def energy_functional(problem, overparam, alpha_T, lam, x):
    """The zero-temperature free energy as a function of all six order parameters.

    e = m mh - (Q Vh - V Qh)/2 - <(mh^2 T + Qh Omega) R>/2 + alpha E[Moreau envelope], by scipy's
    quad over omega and over the Marchenko-Pastur density.
    """
    V, Q, m, Vh, Qh, mh = x
    moments, rho = problem.activation.moments, problem.teacher.rho
    k1, ks = moments.kappa_1**2, moments.kappa_star**2
    alpha, c = 1 / overparam, alpha_T * overparam
    low, high = (1 - np.sqrt(c)) ** 2, (1 + np.sqrt(c)) ** 2
    mid, rad = (low + high) / 2, (high - low) / 2

    def h(s):
        o = k1 * s + ks
        return (mh**2 * c * rho * k1 * s + Qh * o) / (lam + Vh * o)

    def bulk(theta):
        s = mid - rad * np.cos(theta)
        return h(s) * (rad * np.sin(theta)) ** 2 / (2 * np.pi * c * s)

    kwargs = {"epsabs": 1e-13, "epsrel": 1e-13, "limit": 500}
    spectrum = integrate.quad(bulk, 0, np.pi, **kwargs)[0] + max(0, 1 - 1 / c) * h(0.0)
    slope = m / np.sqrt(Q) / np.sqrt(rho - m * m / Q)

    def envelope(xi):
        omega = np.sqrt(Q) * xi
        t = float(problem.loss.prox(1.0, omega, V))
        moreau = (t - omega) ** 2 / (2 * V) + float(problem.loss.value(1.0, np.float64(t)))
        return 2 * np.exp(-xi * xi / 2) / np.sqrt(2 * np.pi) * ndtr(slope * xi) * moreau

    loss = integrate.quad(envelope, -9, 9, points=[-3, 0, 3], **kwargs)[0]
    return m * mh - (Q * Vh - V * Qh) / 2 - spectrum / 2 + alpha * loss


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_energy_is_stationary_at_the_solution_and_has_its_value(problem):
    at = {"overparam": 0.8, "alpha_T": 3.0, "lam": 0.02}
    point = theory.solve(problem, **at)
    eq = equations(problem, **at)
    V, Q, m = (float(point[k]) for k in ("V", "Q_d", "m"))
    hats = eq.channel.linearise(
        eq.overlaps(eq.coordinates(*np.array([[V], [Q], [m]]))), eq.points.temperature
    ).hats
    x = np.array([V, Q, m, *(float(h[0]) / 0.8 for h in hats)])
    assert energy_functional(problem, **at, x=x) == pytest.approx(float(point.energy), rel=1e-9)

    def logarithmic_derivatives(x):
        out = []
        for k in range(6):
            h = 1e-4
            values = (
                energy_functional(problem, **at, x=x * (1 + d * h * np.eye(6)[k]))
                for d in (1, -1, 2, -2)
            )
            up, down, up2, down2 = values
            out.append((8 * (up - down) - (up2 - down2)) / (12 * h))
        return np.abs(out)

    assert np.max(logarithmic_derivatives(x)) < 1e-9
    elsewhere = x * np.array([1.05, 0.93, 1.08, 0.95, 1.04, 0.9])
    assert np.min(logarithmic_derivatives(elsewhere)) > 1e-5


def test_fallback_and_newton_agree():
    """The path from strong regularisation and cold Newton are two ways to one solution."""
    problem = theory.Problem(loss=theory.Logistic())
    eq = equations(problem, [0.1, 0.5, 1.0, 10.0], [3.0] * 4, [1e-6, 1e-4, 1e-7, 1e-5])
    direct = newton(eq, eq.weak_student(), Tolerances())
    path = follow(eq, Tolerances())
    assert path.converged.all()
    assert direct.converged.all()
    assert path.u == pytest.approx(direct.u, abs=1e-8)


class KinkedLoss(MarginLoss):
    """A smooth loss with an undeclared narrow feature: no fixed mesh sees it."""

    def margin_value(self, s):
        return np.log1p(np.exp(-s)) + 1e-3 * np.abs(s - 0.1234567)

    def margin_slope(self, s):
        return -1 / (1 + np.exp(s)) + 1e-3 * np.sign(s - 0.1234567)

    def margin_curvature(self, s):
        return 1 / (2 + np.exp(s) + np.exp(-s))


class ImpossibleLaw(Gaussian):
    """Traces that no matrix has: m^2 exceeds rho Q."""

    def traces(self, *args):
        t = super().traces(*args)
        return t._replace(
            TR2=1e-6 * t.TR2,
            TSR2=1e-6 * t.TSR2,
            OmegaR2=1e-6 * t.OmegaR2,
            SOmegaR2=1e-6 * t.SOmegaR2,
        )


class RestlessLaw(Gaussian):
    """A law that answers every V of square loss, at alpha_T = 3, with e V: there is no solution."""

    def traces(self, c, moments, rho, ridge, Vh):
        t = super().traces(c, moments, rho, ridge, Vh)
        return t._replace(OmegaR=np.e * (3.0 / c / Vh - 1.0))


class BrokenLaw(Gaussian):
    """Traces of NaN."""

    def traces(self, *args):
        t = super().traces(*args)
        return t._replace(OmegaR=np.nan * t.OmegaR)


@pytest.mark.parametrize(
    ("status", "problem", "tolerances"),
    [
        (theory.Status.MAX_STEPS, theory.Problem(loss=theory.Logistic()), Tolerances(max_steps=1)),
        (theory.Status.DIVERGED, theory.Problem(features=RestlessLaw()), Tolerances()),
        (theory.Status.NONFINITE, theory.Problem(features=BrokenLaw()), Tolerances()),
        (theory.Status.UNPHYSICAL, theory.Problem(features=ImpossibleLaw()), Tolerances()),
        (
            theory.Status.QUADRATURE_INACCURATE,
            theory.Problem(loss=theory.Logistic()),
            Tolerances(quadrature=1e-22),
        ),
    ],
    ids=lambda x: x.label if isinstance(x, theory.Status) else "",
)
def test_every_failure_has_its_status_and_no_number(status, problem, tolerances):
    # weak regularisation, lest relaxation alone arrives
    lam = 1e-4 if status is theory.Status.MAX_STEPS else 0.1
    at = {"overparam": [0.5, 2.0], "alpha_T": 3.0, "lam": lam}
    with pytest.raises(theory.SolveError) as caught:
        theory.solve(problem, **at, tolerances=tolerances)
    assert status.sentence in str(caught.value)
    assert "overparam = 0.5" in str(caught.value)
    assert (caught.value.solution.status == status).all()
    result = theory.solve(problem, **at, tolerances=tolerances, throw=False)
    assert (result.status == status).all()
    for name in ("q_d", "test_error", "bmd", "energy"):
        assert np.isnan(result[name]).all(), name


def test_one_bad_point_does_not_spoil_its_neighbours():
    """A point beyond float64 is NaN; the others are what they are alone."""
    problem = theory.Problem()
    lam = np.array([1e-300, 1e-2, 1.0])
    mixed = theory.solve(problem, overparam=2.0, alpha_T=3.0, lam=lam, throw=False)
    alone = theory.solve(problem, overparam=2.0, alpha_T=3.0, lam=lam[1:])
    good = mixed.isel(lam=slice(1, None))
    assert (good.status == 0).all()
    assert good.bmd.values == pytest.approx(alone.bmd.values, rel=1e-9)
    assert bool(np.isfinite(mixed.bmd[0])) == bool(mixed.status[0] == 0)
