"""The pieces of the derivation: rules of differentiation, components in symbols, Stein's lemma."""

import numpy as np
import pytest
import sympy as sp
from array_api_compat import array_namespace
from expressions import LINEAR, LOSSES, NUMERIC, TEACHERS, Evaluator, rule

from twinpeaks import theory
from twinpeaks.theory.derivation import notation as n
from twinpeaks.theory.derivation.averages import PatternMean, SpectralMean, stein
from twinpeaks.theory.derivation.functions import (
    Alignment,
    Covariance,
    Kernel,
    LogZ,
    Resolvent,
    Stieltjes,
)
from twinpeaks.theory.derivation.laws import stieltjes, stieltjes_slope
from twinpeaks.theory.derivation.teachers import gaussian
from twinpeaks.theory.derivation.trace import trace


def test_explicit_integrals_have_the_value_of_the_averages():
    """Every average written out, integrated by scipy as sympy prints it."""
    problem = theory.Problem(loss=theory.Logistic(), teacher=theory.Probit(noise=0.3))
    free = theory.free_entropy(problem)
    values = {n.V: 0.5, n.Q_0: 1.1, n.m: 0.6, n.Vh: 0.9, n.Qh: 0.7, n.mh: 0.8}
    values |= {n.alpha: 1.2, n.beta: 2.0, n.lam: 0.1, n.c: 1.7}
    number = Evaluator(free, problem, values)
    assert not free.explicit.atoms(PatternMean, SpectralMean, LogZ, Kernel, Stieltjes)
    reach = {n.xi: 9, n.t: 20}
    finite = free.explicit.subs(number.values).replace(
        sp.Integral, lambda f, over: sp.Integral(f, (over[0], -reach[over[0]], reach[over[0]]))
    )
    got = sp.lambdify((), finite, NUMERIC)()
    assert got == pytest.approx(number(free.expression), rel=1e-8)


@pytest.mark.parametrize("c", [0.3, 1.0, 4.0])
def test_g_and_its_rules(c):
    """The root, its derivative, and <ln(S + z)>, whose derivative in z is g."""
    z = sp.Rational(7, 10)
    g = stieltjes(n.z)
    assert abs(float((c * z * g**2 + (z + 1 - c) * g - 1).subs({n.z: z, n.c: c}))) < 1e-14
    slope = g.diff(n.z) - stieltjes_slope(g, n.z)
    assert abs(float(slope.subs({n.z: z, n.c: c}))) < 1e-13
    law = theory.free_entropy(features=theory.Gaussian())
    resolvent = Resolvent(n.S, n.Vh, n.beta * n.lam)
    values = {n.c: c, n.lam: 0.2, n.beta: 3, n.Vh: 0.8, n.kappa_1: 0.6, n.kappa_star: 0.17}
    log_r = law.trace(sp.log(resolvent), unfold=True)
    want = -law.trace(Covariance(n.S) * resolvent, unfold=True)
    assert float((log_r.diff(n.Vh) - want).subs(values)) == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("teacher", [*TEACHERS, LINEAR], ids=repr)
def test_kernels_are_gaussian_averages_of_the_label_law(teacher):
    """Z_* = int dnu N(nu; omega, V) P(y | nu), a probability in y that obeys the heat equation."""
    rule_ = theory.free_entropy(teacher=teacher).teacher
    centre, width = 0.4, 0.7
    heat = rule_.kernel.diff(n.V_star) - rule_.kernel.diff(n.omega_star, 2) / 2
    values = rule_.labels if rule_.labels.is_FiniteSet else [n.y]
    assert all(sp.simplify(heat.subs(n.y, y)) == 0 for y in values)
    given = {**rule_.parameters, n.omega_star: centre, n.V_star: width}
    nu, weight = rule(np.append(np.linspace(-9, 9, 91), 0.0))
    law = sp.lambdify((n.y, n.nu), rule_.law.subs(rule_.parameters), NUMERIC)
    density = np.exp(-((nu - centre) ** 2) / (2 * width)) / np.sqrt(2 * np.pi * width)
    for y in (-1.0, 1.0):
        got = float(rule_.kernel.subs({**given, n.y: y}))
        assert got == pytest.approx(float(np.sum(weight * density * law(y, nu))), rel=1e-12)
    if rule_.labels.is_FiniteSet:
        total = sum(rule_.kernel.subs(n.y, y) for y in rule_.labels)
        assert sp.simplify(total - 1) == 0


def test_the_heat_equation_of_the_student():
    """d N(t; omega, V)/dV = d^2 N/domega^2 / 2, and what it makes of a logarithm."""
    density = gaussian(n.t, n.omega, n.V)
    assert sp.simplify(density.diff(n.V) - density.diff(n.omega, 2) / 2) == 0
    Z = sp.Function("Z")(n.omega)
    f = sp.log(Z).diff(n.omega)
    assert sp.simplify((f**2 + f.diff(n.omega)) / 2 - Z.diff(n.omega, 2) / (2 * Z)) == 0


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_symbolic_losses_are_what_the_solver_integrates(loss):
    t = np.array([-3.0, -0.5, 0.3, 0.999, 1.0, 1.7, 6.0])
    for expr in (loss.symbolic(n.y, n.t), trace(loss.value, n.y, n.t)):
        assert not expr.has(sp.Float)
        for y in (-1.0, 1.0):
            got = sp.lambdify((n.y, n.t), expr, NUMERIC)(y, t)
            assert got == pytest.approx(loss.value(y, t), rel=1e-14)


def test_what_is_not_array_code_stays_abstract():
    custom = theory.CustomLoss(lambda s: np.logaddexp(0.0, 1.0 - s) ** 2 / 2, name="soft")
    expr = custom.symbolic(n.y, n.t)
    assert expr == sp.Function("ell", real=True)(n.y, n.t)
    problem = theory.Problem(loss=custom, features=theory.PowerLaw(exponent=0.3))
    free = theory.free_entropy(problem)
    assert free.expression.has(Alignment)
    assert free.explicit.has(sp.Function("mu", nonnegative=True)(n.S))


@pytest.mark.parametrize("cold", [False, True])
def test_one_derivation_serves_every_loss(cold):
    """The equations of the abstract loss, with a formula put in, are those of the formula."""
    parts = {"teacher": theory.Sign(), "features": theory.Gaussian(), "zero_temperature": cold}
    abstract = theory.free_entropy(**parts)
    for loss in (theory.Logistic(), theory.Hinge()):
        concrete = theory.free_entropy(loss=loss, **parts)
        for x, expr in abstract.saddle_point.items():
            assert expr.subs(abstract.loss, concrete.loss) == concrete.saddle_point[x]


def test_steins_lemma():
    """E[xi^3 tanh(xi)] as E of what remains without factors of xi."""
    labels = sp.FiniteSet(1)
    before = PatternMean(n.xi**3 * sp.tanh(n.xi) * n.y, labels)
    after = stein(before)
    assert after != before
    assert not any(
        n.xi in h.as_ordered_factors() for h in (a.integrand for a in after.atoms(PatternMean))
    )
    x, w = rule(np.linspace(-10, 10, 41))
    weight = w * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)

    def value(expr):
        expr = expr.replace(
            PatternMean,
            lambda h, _: sp.Float(np.sum(weight * sp.lambdify(n.xi, h.subs(n.y, 1))(x)), 17),
        )
        return float(expr)

    assert value(after) == pytest.approx(value(before), rel=1e-12)


def test_bad_arguments_are_refused():
    with pytest.raises(theory.InvalidProblem, match="loss = 'square': give an instance of"):
        theory.free_entropy(loss="square")
    with pytest.raises(theory.InvalidProblem, match="beside a problem"):
        theory.free_entropy(theory.Problem(), loss=theory.Square())
    with pytest.raises(theory.InvalidProblem, match="problem = 3"):
        theory.free_entropy(3)
    with pytest.raises(theory.InvalidProblem, match=r"ZeroOne.*give a finite beta"):
        theory.free_entropy(loss=theory.ZeroOne(), zero_temperature=True)
    with pytest.raises(theory.InvalidProblem, match="cannot learn"):
        theory.free_entropy(loss=theory.Hinge(), teacher=LINEAR)


def test_a_new_loss_needs_no_formula():
    """Any code in the array API is traced: Huber's loss, as one would write it."""

    def huber(y, t, k=0.7):
        e = y - t
        xp = array_namespace(e)
        return xp.where(xp.abs(e) <= k, 0.5 * e * e, k * (xp.abs(e) - 0.5 * k))

    t = np.linspace(-3.0, 3.0, 13)
    expr = trace(huber, n.y, n.t)
    assert expr.has(sp.Piecewise)
    assert sp.lambdify((n.y, n.t), expr)(0.4, t) == pytest.approx(
        huber(np.float64(0.4), t), rel=1e-14
    )
