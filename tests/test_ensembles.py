"""Covariances of models that share data, features, both or neither."""

from __future__ import annotations

import numpy as np
import pytest

from twinpeaks import theory


@pytest.mark.parametrize(
    ("overparam", "lam", "expected"),
    [
        (1.0, 1e-2, (0.7013, 0.5729, 0.5523)),
        (3.0, 1e-4, (0.7557, 0.5977, 0.5921)),
        (0.5, 1e-2, (0.6005, 0.5349, 0.4760)),
    ],
)
def test_reference_numbers(overparam: float, lam: float, expected: tuple[float, ...]) -> None:
    """Values derived apart from this code, to their four digits."""
    problem = theory.Problem()
    curve = theory.solve(problem, overparam=overparam, alpha_T=3.0, lam=lam)
    terms = theory.variance_terms(problem, curve)
    found = [float(terms[name]) for name in ("Q_1", "Q_2", "Q_3")]
    assert found == pytest.approx(expected, abs=6e-5)


def test_signal_and_noise_make_the_whole() -> None:
    """Q - Q_2 = Qh <Omega^2 R^2>, by the eigenvalues of one large matrix S (1 %)."""
    problem = theory.Problem()
    curve = theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=1e-2)
    terms = theory.variance_terms(problem, curve)
    d, n = 400, 1200
    f = np.random.default_rng(1).normal(size=(d, n))
    s = np.linalg.eigvalsh(f.T @ f / d)
    moments = problem.activation.moments
    omega = moments.kappa_1**2 * s + moments.kappa_star**2
    v, q, m = (float(curve[name]) for name in ("V", "Q_d", "m"))
    qh = (1.0 - 2.0 * problem.teacher.correlation * m + q) / (1.0 + v) ** 2
    noise = qh * np.mean((omega / (1e-2 + omega / (1.0 + v))) ** 2)
    assert q - float(terms["Q_2"]) == pytest.approx(noise, rel=1e-2)


def test_sources_of_variance_are_not_negative_and_add_up() -> None:
    """The terms are variances, across both sides of the threshold."""
    problem = theory.Problem()
    curve = theory.solve(problem, overparam=[0.1, 0.5, 1.0, 3.0, 30.0], alpha_T=3.0, lam=1e-4)
    terms = theory.variance_terms(problem, curve)
    parts = [terms[f"variance_{name}"].values for name in ("features", "data", "interaction")]
    assert min(part.min() for part in parts) > 0.0
    assert np.allclose(sum(parts), (curve.Q_d - terms.Q_3).values, rtol=1e-12)


def test_what_is_refused() -> None:
    """Losses, laws and temperatures without a derivation are named."""
    for problem in (
        theory.Problem(loss=theory.Logistic()),
        theory.Problem(features=theory.Orthogonal()),
    ):
        curve = theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=0.1)
        with pytest.raises(theory.InvalidProblem, match="variance_terms needs"):
            theory.variance_terms(problem, curve)
    problem = theory.Problem()
    curve = theory.solve(problem, overparam=1.0, alpha_T=3.0, lam=0.1, beta=10.0)
    with pytest.raises(ValueError, match="beta is finite"):
        theory.variance_terms(problem, curve)


def test_one_member_is_the_model_and_all_of_them_are_linear() -> None:
    """K = 1 is ``solve``; at K = inf nothing nonlinear is left."""
    problem = theory.Problem()
    at = {"overparam": [0.5, 1.0, 3.0], "alpha_T": 3.0, "lam": 1e-4}
    curve, mean = theory.solve(problem, **at), theory.solve_ensemble(problem, [1, np.inf], **at)
    for name in ("test_error", "bmd"):
        assert np.allclose(mean[name].sel(members=1), curve[name], rtol=1e-12)
    assert np.all(mean.bmd.sel(members=np.inf) == 1.0)


def test_members_below_one_are_refused() -> None:
    """There is no mean of no models."""
    with pytest.raises(ValueError, match="members"):
        theory.solve_ensemble(theory.Problem(), [0, 1], overparam=1.0, alpha_T=3.0, lam=0.1)


def test_limits_and_parts_of_models_are_refused() -> None:
    """Nothing is NaN without a failed point, and there is no half model."""
    problem = theory.Problem()
    for at in ({"overparam": np.inf, "lam": 0.1}, {"overparam": 2.0, "lam": 0.0}):
        with pytest.raises(ValueError, match="infinite"):
            theory.solve_ensemble(problem, [1], alpha_T=3.0, **at)
    with pytest.raises(ValueError, match="whole"):
        theory.solve_ensemble(problem, [1.5], overparam=1.0, alpha_T=3.0, lam=0.1)


def test_averaging_removes_both_peaks_only_as_members_grow() -> None:
    """At lam = 1e-4 ten models still peak at N = P in error and BMD; their limit in neither."""
    near = {"overparam": [0.5, 1.0, 3.0], "alpha_T": 3.0, "lam": 1e-4}
    mean = theory.solve_ensemble(theory.Problem(), [1, 10, np.inf], **near)
    for name in ("test_error", "bmd"):
        low, peak, high = mean[name].sel(members=10).values
        assert peak > 1.4 * max(low, high)
    assert float(np.ptp(mean.test_error.sel(members=np.inf).values)) < 4e-3
