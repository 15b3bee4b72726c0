"""Hermite coefficients: closed forms, sum rules, kinks found without being declared."""

import math

import mpmath as mp
import numpy as np
import pytest
from components import ACTIVATIONS
from hypothesis import given, settings, strategies as st
from scipy import integrate

from twinpeaks import theory
from twinpeaks.theory.activations import Activation

CLOSED = [theory.ReLU(), theory.Erf(), theory.Identity()]
FIELDS = ("kappa_0", "kappa_1", "kappa_star", "dkappa_star")


def by_quadrature(activation):
    """The generic path, whatever the class overrides."""
    return Activation.moments.func(activation)


@pytest.mark.parametrize("activation", CLOSED, ids=repr)
@pytest.mark.parametrize("field", FIELDS)
def test_quadrature_meets_closed_form(activation, field):
    exact, found = getattr(activation.moments, field), getattr(by_quadrature(activation), field)
    assert found == pytest.approx(exact, rel=1e-12, abs=1e-14)


def test_reference_values_of_tanh():
    """The figures of the model's specification."""
    moments = theory.Tanh().moments
    assert moments.kappa_1 == pytest.approx(0.605705509602, abs=5e-13)
    assert moments.kappa_star == pytest.approx(0.165575741084, abs=5e-13)
    assert moments.dkappa_star == pytest.approx(0.312287908964, abs=2e-12)
    assert moments.error < 1e-13


@pytest.mark.parametrize("activation", [theory.Tanh(), theory.Erf()], ids=repr)
def test_hermite_series_sums_to_moments(activation):
    """sum_{k>=2} kappa_k^2 and sum k kappa_k^2 are kappa_star^2 and dkappa_star^2."""
    k = np.arange(250)
    kappa = activation.hermite(249)
    moments = activation.moments
    assert kappa[:2] == pytest.approx([moments.kappa_0, moments.kappa_1], abs=1e-13)
    assert np.sum(kappa[2:] ** 2) == pytest.approx(moments.kappa_star**2, rel=1e-9)
    assert np.sum(k[2:] * kappa[2:] ** 2) == pytest.approx(moments.dkappa_star**2, rel=1e-7)


def test_polynomial_is_its_own_expansion():
    """He_3 / sqrt(6) + 2 He_1 has exactly two coefficients, and E sigma'^2 = 3 + 4."""
    activation = theory.Custom(lambda x: (x**3 - 3 * x) / np.sqrt(6) + 2 * x)
    assert activation.hermite(5) == pytest.approx([0, 2, 0, 1, 0, 0], abs=1e-12)
    assert activation.moments.dkappa_star == pytest.approx(np.sqrt(3), rel=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.floats(-3, 3), st.floats(-2, 2))
def test_undeclared_kink_is_found(kink, slope):
    """max(x - kink, slope (x - kink)) against scipy with the kink declared."""

    def f(x):
        return np.maximum(x - kink, slope * (x - kink))

    def mean(h):
        g = lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * h(x)  # noqa: E731
        kwargs = {"epsabs": 1e-14, "epsrel": 1e-13}
        return integrate.quad(g, -12, kink, **kwargs)[0] + integrate.quad(g, kink, 12, **kwargs)[0]

    found = theory.Custom(f).moments
    k0, k1 = mean(f), mean(lambda x: x * f(x))
    d2 = mean(lambda x: np.where(x < kink, min(1, slope), max(1, slope)) ** 2)
    assert found.kappa_0 == pytest.approx(k0, abs=2e-12)
    assert found.kappa_1 == pytest.approx(k1, abs=2e-12)
    assert found.kappa_star**2 == pytest.approx(
        mean(lambda x: f(x) ** 2) - k0**2 - k1**2, abs=1e-11
    )
    assert found.dkappa_star**2 == pytest.approx(d2 - k1**2, abs=1e-11)


@pytest.mark.parametrize("kinks", [(), (0.4,)])
def test_a_jump_makes_the_mean_dimension_infinite(kinks):
    activation = theory.Custom(lambda x: np.where(x < 0.4, -1.0, 1.0) + 0.1 * x, kinks=kinks)
    assert activation.moments.dkappa_star == np.inf
    curve = theory.solve(theory.Problem(activation=activation), overparam=2, alpha_T=3, lam=0.1)
    assert float(curve.bmd) == np.inf
    assert 0 < float(curve.test_error) < 0.5


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1 / (x - 1.0), "not finite|resolved"),
        (lambda x: x[:1], "elementwise"),
        (lambda x: np.cos(x), "kappa_1"),
        (lambda x: 0 * x, "kappa_1"),
        (lambda x: np.random.default_rng(0).normal(size=x.shape), "resolved"),
    ],
)
def test_bad_activation_is_refused_by_name(function, message):
    with pytest.raises(theory.InvalidProblem, match=message), np.errstate(all="ignore"):
        theory.Problem(activation=theory.Custom(function, name="mine"))


def test_not_a_callable():
    with pytest.raises(theory.InvalidProblem, match="function = 3"):
        theory.Custom(3)


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (lambda x: np.exp(2 * x), lambda x: 2 * np.exp(2 * x)),
        (lambda x: x + np.sin(50 * x), lambda x: 1 + 50 * np.cos(50 * x)),
        (lambda x: x + np.sin(3 * x**2), lambda x: 1 + 6 * x * np.cos(3 * x**2)),
    ],
)
def test_steep_tails_and_fast_waves_are_not_jumps(function, derivative):
    """E[sigma'^2] on a trapezoidal rule of 2^18 nodes; these once counted as discontinuous."""
    x = np.linspace(-13, 13, 2**18)
    weight = np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * (x[1] - x[0])
    k1 = np.sum(weight * x * function(x))
    exact = np.sqrt(np.sum(weight * derivative(x) ** 2) - k1**2)
    assert theory.Custom(function).moments.dkappa_star == pytest.approx(exact, rel=1e-8)


def test_an_activation_that_is_not_square_integrable_is_refused():
    for function in (lambda x: 1 / x, lambda x: 1e200 * np.tanh(x)):
        with (
            np.errstate(all="ignore"),
            pytest.raises(theory.InvalidProblem, match="square-integrable"),
        ):
            theory.Problem(theory.Custom(function, name="wild"))


def test_a_free_bias_meets_symmetric_labels_only():
    """kappa_0 is left out of the equations, which is right for mirrored labels alone."""
    tilted = theory.CustomTeacher(lambda nu: 1 / (1 + np.exp(-2 * nu - 0.7)), name="tilted")
    shifted = theory.CustomLink(lambda nu: nu + 1.5, name="shifted")
    for teacher in (tilted, shifted):
        with pytest.raises(theory.InvalidProblem, match=r"kappa_0 = 0\.399"):
            theory.Problem(theory.ReLU(), teacher)
        theory.Problem(theory.Tanh(), teacher)
    straight = theory.CustomTeacher(lambda nu: 1 / (1 + np.exp(-2 * nu)), name="straight")
    assert straight.symmetric
    theory.Problem(theory.ReLU(), straight)


def test_labels_that_fall_with_the_field_are_refused():
    falling = theory.CustomTeacher(lambda nu: 1 / (1 + np.exp(nu)), name="falling")
    with pytest.raises(theory.InvalidProblem, match="fall with nu"):
        theory.solve(theory.Problem(teacher=falling), overparam=1.0, alpha_T=1.0, lam=0.1)


CONSTANT = {
    "1": lambda x: 0 * x + 1.0,
    "0.3": lambda x: 0.3 + 0 * x,
    "1 + 1e-15 x": lambda x: 1 + 1e-15 * x,
    "cos(1e-9 x)": lambda x: np.cos(1e-9 * x),
}


@pytest.mark.parametrize("function", CONSTANT.values(), ids=CONSTANT.keys())
def test_constants_up_to_rounding_are_refused(function):
    """The scale of rounding is that of sigma, not that of what is left of it."""
    with pytest.raises(theory.InvalidProblem, match="0 to rounding"):
        theory.Problem(activation=theory.Custom(function, name="constant"))
    # the same slope without the constant that hides it is an activation like any other
    theory.Problem(activation=theory.Custom(lambda x: 1e-15 * np.tanh(x), name="small"))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_correlations_beyond_one_by_rounding_are_one(activation):
    """Computed ones are; those that are really outside are refused."""
    at_ends = activation.correlation(np.array([-1.0, 1.0]))
    beyond = activation.correlation(np.array([-1.0, 1.0]) * (1 + 4e-16))
    np.testing.assert_array_equal(beyond, at_ends)
    for bad in (1 + 1e-9, -1.1, np.nan):
        with pytest.raises(ValueError, match="give correlations in"):
            activation.correlation(bad)


@pytest.mark.parametrize("function", [math.tanh, lambda x: mp.tanh(x), lambda x: x[:1]])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (theory.Custom, "function"),
        (theory.CustomLoss, "function"),
        (lambda f: theory.CustomLoss(np.exp, derivative=f), "derivative"),
        (theory.CustomTeacher, "probability"),
        (theory.CustomLink, "link"),
    ],
)
def test_functions_of_something_else_are_refused_at_once(make, name, function):
    with pytest.raises(theory.InvalidProblem, match=f"^{name} = .*elementwise on float64"):
        make(function)


@pytest.mark.parametrize("bad", [-1.0, 0.0, np.nan, np.inf, 1e3, 0.01, "1e-9", True])
@pytest.mark.parametrize("name", ["residual", "step", "quadrature"])
def test_tolerances_promise_digits(name, bad):
    with pytest.raises(ValueError, match=f"{name} = .*give a tolerance"):
        theory.Tolerances(**{name: bad})
