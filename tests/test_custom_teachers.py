"""Teachers given as callables: averages against closed forms, and what is found, named or refused."""

import numpy as np
import pytest
from scipy import special

from twinpeaks import theory, validate


def normal(k):
    return theory.CustomTeacher(lambda nu: special.ndtr(k * nu), name=f"normal {k}")


@pytest.mark.parametrize("k", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("width", [1.0, 0.6, 0.3, 0.1, 0.02, 1e-3])
def test_averages_of_a_normal_distribution_function(k, width):
    """Those of Probit, in the tail too: E Phi(k nu) = Phi(omega / sqrt(V + 1/k^2))."""
    spread = np.sqrt(width**2 + k**-2)
    omega = np.linspace(-5.0, 5.0, 201)
    omega = omega[omega > -7.5 * spread]  # Phi(-7.5) = 3e-14
    V = np.full(omega.shape, width**2)
    found = normal(k).partition(1.0, omega, V)
    exact = theory.Probit(noise=k**-2).partition(1.0, omega, V)
    np.testing.assert_allclose(found.value, exact.value, rtol=1e-12)
    largest = np.max(np.abs(exact.first))
    np.testing.assert_allclose(found.first, exact.first, rtol=0, atol=1e-11 * largest)
    # a second difference of the Gaussian: rounding of values of order 1 counts 1/V times
    atol = 1e-11 * np.max(np.abs(exact.second)) + 1e-13 / width**2
    np.testing.assert_allclose(found.second, exact.second, rtol=0, atol=atol)


def test_the_other_label_keeps_its_own_tail():
    """P(-1 | nu) far on the right must not be 1 minus a number that rounds to 1."""
    omega, V = np.linspace(0.0, 4.0, 21), np.full(21, 0.3)
    custom = theory.CustomTeacher(lambda nu: special.expit(nu))
    assert custom.symmetric
    plus, minus = custom.partition(1.0, -omega, V), custom.partition(-1.0, omega, V)
    np.testing.assert_allclose(minus.value, plus.value, rtol=1e-12)
    np.testing.assert_allclose(minus.first, -plus.first, rtol=1e-12)


@pytest.mark.parametrize("at", [0.0, 0.3, 1.0, np.sqrt(2) - 2])
def test_a_jump_nobody_declared_is_found_to_the_last_digit(at):
    """On an edge of the starting mesh (0, 1) as well as inside."""
    jump = theory.CustomTeacher(lambda nu: np.where(nu < at, 0.1, 0.9))
    omega, V = np.linspace(-3.0, 3.0, 61), np.full(61, 0.2)
    step = theory.FlippedSign(flip=0.1).partition(1.0, omega - at, V)
    np.testing.assert_allclose(jump.partition(1.0, omega, V), step, rtol=1e-12, atol=1e-13)
    if at not in (0.0, 1.0):
        assert jump.breakpoints == (pytest.approx(at, abs=1e-15),)


def test_declaring_kinks_changes_nothing_but_the_cost():
    ramp = {"probability": lambda nu: np.clip(0.5 + 0.7 * nu, 0.0, 1.0), "name": "ramp"}
    at = {"overparam": [0.2, 1.0, 5.0], "alpha_T": 3.0, "lam": 1e-3}
    found, declared = (
        theory.solve(
            theory.Problem(loss=theory.Logistic(), teacher=theory.CustomTeacher(**ramp, breaks=b)),
            **at,
        )
        for b in ((), (-0.5 / 0.7, 0.5 / 0.7))
    )
    for name in ("test_error", "train_error", "bmd"):
        np.testing.assert_allclose(found[name], declared[name], rtol=1e-11)


def test_a_second_curve_asks_the_callable_for_nothing():
    """Nodes are tabulated once, so what the callable costs does not matter."""
    asked = []

    def probability(nu):
        asked.append(np.size(nu))
        return special.ndtr(3 * nu)

    problem = theory.Problem(loss=theory.Logistic(), teacher=theory.CustomTeacher(probability))
    at = {"overparam": np.geomspace(0.1, 10, 7), "alpha_T": 3.0, "lam": 1e-2}
    curve = theory.solve(problem, **at)
    assert asked
    asked.clear()
    theory.solve(problem, **at)
    assert not asked
    exact = theory.solve(problem.replace(teacher=theory.Probit(noise=1 / 9)), **at)
    np.testing.assert_allclose(curve.test_error, exact.test_error, rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        theory.Custom,
        theory.CustomLoss,
        lambda f: theory.CustomTeacher(lambda nu: special.expit(-f(nu))),
        theory.CustomLink,
    ],
    ids=["activation", "loss", "teacher", "link"],
)
def test_nameless_callables_are_told_apart_by_their_values(make):
    def one():
        return lambda s: np.logaddexp(0.0, -s)

    assert repr(make(one())) == repr(make(one()))
    assert repr(make(one())) == repr(make(lambda s: np.log1p(np.exp(-s))))
    assert repr(make(one())) != repr(make(lambda s: np.logaddexp(0.0, -1.001 * s)))
    if make in (theory.Custom, theory.CustomLink):
        assert "(soft" in repr(make(one(), name="soft"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: theory.Sign(rho="a"), "rho = a: give a finite number"),
        (lambda: theory.Sign(rho=True), "rho = True: give a finite number"),
        (lambda: theory.Linear(noise="x"), "noise = x: give a finite variance"),
        (lambda: theory.FlippedSign(flip=None), "flip = None: give a probability"),
        (lambda: theory.PowerLaw("a"), "exponent = a: give a number"),
        (lambda: theory.PowerLaw(0.1, "b"), "teacher_exponent = b: give a number"),
        (lambda: theory.Spectrum("ab", (1.0,)), "eigenvalues = 'ab': give a sequence"),
        (lambda: theory.Custom(np.tanh, kinks=0.0), "kinks = 0.0: give finite numbers"),
        (lambda: theory.CustomLoss(np.exp, kink_points="a"), "kink_points = 'a': give"),
        (lambda: theory.CustomTeacher(np.tanh, breaks="a"), "breaks = 'a': give"),
        (lambda: theory.CustomLink(np.tanh, label_noise="q"), "label_noise = q: give"),
    ],
)
def test_what_is_no_number_is_refused(make, words):
    with pytest.raises(theory.InvalidProblem, match=words):
        make()


@pytest.mark.parametrize("bad", [True, "3", [1.0, "3"], [True, 2.0], np.array([True])])
def test_an_axis_takes_numbers_only(bad):
    with pytest.raises(ValueError, match=r"overparam = .*give a number"):
        theory.solve(theory.Problem(), overparam=bad, alpha_T=3.0, lam=0.1)
    with pytest.raises(ValueError, match="beta = 'inf'"):
        theory.solve(theory.Problem(), overparam=1.0, alpha_T=3.0, lam=0.1, beta="inf")


def test_a_curve_is_no_comparison():
    curve = theory.solve(theory.Problem(), overparam=[0.5, 2.0], alpha_T=3.0, lam=0.1)
    for judge in (validate.agrees, validate.summarise):
        with pytest.raises(ValueError, match=r"kind = 'theory': give what tp\.compare"):
            judge(curve)


def test_fingerprints_see_as_far_as_the_field_does():
    def bent(edge):
        return theory.CustomTeacher(
            lambda nu: 0.5 + 0.3 * np.sign(nu) * (1 - 0.9 * (np.abs(nu) > edge)), rho=100.0
        )

    assert repr(bent(8.0)) == repr(bent(8.0))
    assert repr(bent(8.0)) != repr(bent(20.0))
