"""The Bayes-optimal error: closed forms, limits, and the floor under every solved curve."""

import numpy as np
import pytest
from components import BINARY
from scipy import integrate, optimize, stats

from twinpeaks import theory


def floor(alpha_T, **parts):
    return theory.bayes_error(theory.Problem(**parts), alpha_T).values


def even(nu):
    """Labels that say nothing of the sign of nu, and 1/2 on average."""
    return (np.abs(nu) > stats.norm.ppf(0.75)).astype(float)


EVEN = theory.CustomTeacher(even, breaks=(-stats.norm.ppf(0.75), stats.norm.ppf(0.75)))


def test_sign_teacher_at_many_patterns():
    """0.442 / alpha_T (Opper & Haussler, PRL 66, 2677 (1991)), whatever the norm of the teacher."""
    alpha_T = np.array([50.0, 100.0, 200.0, 400.0])
    error = floor(alpha_T)
    assert error * alpha_T == pytest.approx(0.442, rel=2e-3)
    assert error == pytest.approx(floor(alpha_T, teacher=theory.Sign(rho=7.0)), rel=1e-11)


def test_sign_teacher_by_scipy():
    """The textbook equations, q at rho = 1, with scipy's own quadrature: an independent path."""

    def equation(q, alpha_T):
        slope = np.sqrt(q / (1 - q))

        def f(xi):
            score = np.exp(2 * stats.norm.logpdf(slope * xi) - stats.norm.logcdf(slope * xi))
            return stats.norm.pdf(xi) * score / (1 - q)

        qh = 2 * alpha_T * integrate.quad(f, -12, 12, epsabs=1e-13, epsrel=1e-12, limit=400)[0]
        return q - qh / (1 + qh)

    for alpha_T in (0.3, 3.0, 20.0):
        q = optimize.brentq(equation, 1e-6, 1 - 1e-6, args=(alpha_T,), xtol=1e-14)
        assert float(floor(alpha_T)) == pytest.approx(np.arccos(np.sqrt(q)) / np.pi, rel=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.1, 4.0])
def test_linear_teacher_is_a_quadratic(noise):
    """e = rho - q solves e^2 + (noise + rho alpha_T - rho) e - rho noise = 0."""
    rho, alpha_T = 1.3, np.array([0.0, 1e-6, 0.4, 1.0, 3.0, 1e4])
    half = 0.5 * (noise + rho * alpha_T - rho)
    positive = np.sqrt(half**2 + rho * noise) - half
    error = floor(alpha_T, teacher=theory.Linear(noise=noise, rho=rho))
    assert error == pytest.approx(positive + noise, rel=1e-7, abs=1e-9)


def test_best_ridge_on_the_inputs_is_bayes():
    """Linear labels, kernel limit, identity features: ridge with lam = noise/rho is the posterior."""
    noise, rho = 0.3, 1.3
    for law in (theory.Gaussian(), theory.PowerLaw(0.4, 0.0)):
        problem = theory.Problem(
            activation=theory.Identity(), teacher=theory.Linear(noise, rho), features=law
        )
        # the prior variance of the raw components; tr Sigma = D makes it rho here
        best = theory.solve(problem, overparam=np.inf, alpha_T=[0.5, 2.0], lam=noise / rho)
        assert best.test_error.values == pytest.approx(
            theory.bayes_error(problem, [0.5, 2.0]).values, rel=1e-9
        )


@pytest.mark.parametrize("teacher", BINARY[:-1], ids=repr)
def test_more_patterns_help(teacher):
    """Falls from 1/2 to the label noise."""
    error = floor(np.geomspace(1e-9, 1e3, 25), teacher=teacher)
    assert error[0] == pytest.approx(0.5, abs=1e-4)
    assert np.all(np.diff(error) < 0)
    irreducible = getattr(teacher, "flip", None)
    if irreducible is not None:
        assert error[-1] == pytest.approx(irreducible, rel=1e-2)
        assert error[-1] > irreducible
    assert float(floor(0.0, teacher=teacher)) == pytest.approx(0.5, abs=1e-15)


def test_custom_teacher_equals_closed_form():
    """Both labels by quadrature against the symmetric shortcut."""
    custom = theory.CustomTeacher(
        lambda nu: np.where(nu < 0, 0.1, 0.9), breaks=(0.0,), rho=1.4, name="flipped"
    )
    alpha_T = [0.3, 5.0, 80.0]
    exact = floor(alpha_T, teacher=theory.FlippedSign(0.1, rho=1.4))
    assert floor(alpha_T, teacher=custom) == pytest.approx(exact, rel=1e-10)


def test_even_teacher_has_a_transition():
    """A non-monotone teacher: no overlap at few patterns, a jump at many."""
    few, many = floor([0.3, 4.0], teacher=EVEN)
    assert few == pytest.approx(0.5, abs=1e-12)
    assert many < 0.15


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"loss": theory.Logistic(), "activation": theory.Identity()},
        {"teacher": theory.FlippedSign(0.1), "loss": theory.SquaredHinge()},
        {"teacher": theory.Probit(0.3), "features": theory.Orthogonal()},
        {"teacher": theory.Linear(0.2), "activation": theory.Identity()},
        {"teacher": theory.Linear(0.2), "features": theory.PowerLaw(0.5, 0.3)},
        {"teacher": theory.Sign(), "features": theory.PowerLaw(0.5, 0.0)},
    ],
    ids=str,
)
def test_no_student_is_better(parts):
    """Over widths up to the kernel limit and ridges that include the best."""
    problem = theory.Problem(**parts)
    lam = np.geomspace(1e-3, 1e2, 11)
    at = {"alpha_T": [0.5, 3.0], "lam": lam}
    for overparam in ([0.2, 1.0, 20.0], np.inf):
        solved = theory.solve(problem, overparam=overparam, **at)
        best = solved.test_error.min([d for d in solved.test_error.dims if d != "alpha_T"])
        gap = best.values / theory.bayes_error(problem, at["alpha_T"]).values - 1
        assert np.all(gap > -1e-10)
    assert np.all(gap < 0.3)  # the bound is a tight one: the best kernel comes near


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"teacher": theory.CustomLink(np.tanh)}, "CustomLink.*give a BinaryTeacher"),
        ({"features": theory.Spectrum((0.5, 1.0), (0.1, 0.2))}, "Spectrum.*no prior"),
    ],
)
def test_unknown_posteriors_are_refused(parts, message):
    with pytest.raises(theory.InvalidProblem, match=message):
        floor(1.0, **parts)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_ratios_are_refused(bad):
    with pytest.raises(ValueError, match=r"alpha_T = .* give numbers in \[0, inf\)"):
        floor([1.0, bad])
