"""The mpmath solver: its parts against closed forms and each other, its answers against proofs."""

import math

import mpmath as mp
import numpy as np
import pytest

from twinpeaks import theory
from twinpeaks.validate.precise import solve
from twinpeaks.validate.precise.channel import student_tail
from twinpeaks.validate.precise.first_way import Graph
from twinpeaks.validate.precise.losses import FORMULAS, formula
from twinpeaks.validate.precise.moments import Moments, moments
from twinpeaks.validate.precise.proven import enclose
from twinpeaks.validate.precise.proven_moments import enclosed_moments
from twinpeaks.validate.precise.rules import integrate, legendre, refine, tanh_sinh, trapezoid
from twinpeaks.validate.precise.second_way import Field
from twinpeaks.validate.precise.spectrum import DENSITY, RESOLVENT, traces
from twinpeaks.validate.precise.teachers import labels
from twinpeaks.validate.precise.tilted import Closed, Lattice, Panels

TANH = Moments(mp.mpf("0.605705509602"), mp.mpf("0.0274153"), mp.mpf("0.0975238"))


def close(a, b, digits):
    return abs(a - b) <= mp.mpf(10) ** -digits * max(abs(a), abs(b))


@pytest.mark.parametrize("rule", [legendre, tanh_sinh])
def test_rules_integrate_a_lorentzian(rule):
    """A pole near the path: refinement must put short panels there."""
    with mp.workdps(45):
        width = mp.mpf(1) / 50
        f = lambda x: [width / (x * x + width * width)]  # noqa: E731
        with mp.workdps(40):
            mesh = refine(f, [mp.mpf(-3), mp.mpf(1)], 35)
        assert close(integrate(f, mesh, rule(35))[0], mp.atan(1 / width) + mp.atan(3 / width), 33)


def test_trapezoid_stops_when_it_is_accurate():
    with mp.workdps(45):
        f = lambda x: [mp.exp(-x * x / 2) / (1 + x * x)]  # noqa: E731
        value, _ = trapezoid(f, mp.mpf("0.1"), mp.mpf(14), mp.mpf(1), 35)
        # int exp(-x^2/2)/(1 + x^2) = pi sqrt(e) erfc(1/sqrt 2)
        assert close(value[0], mp.pi * mp.exp(0.5) * mp.erfc(1 / mp.sqrt(2)), 33)


def test_refinement_refuses_what_it_cannot_resolve():
    with mp.workdps(25), pytest.raises(ValueError, match="not piecewise analytic"):
        refine(lambda x: [mp.sin(10**5 * x)], [mp.mpf(0), mp.mpf(1)], 20)


@pytest.mark.parametrize("name", ["Square", "SquaredHinge", "Hinge", "Logistic", "Exponential"])
def test_loss_formulas_are_the_losses(name):
    """Value and derivatives against the float class, and the rough forms against the value."""
    loss, f = getattr(theory, name)(), FORMULAS[name]
    for x in (-3.7, -0.2, 0.6, 1.9, 8.0):
        y, t = np.ones(1), np.array([x if f.of == "margin" else 1.0 - x])
        sign = 1 if f.of == "margin" else -1
        assert float(f.value(mp.mpf(x))) == pytest.approx(loss.value(y, t)[0], rel=1e-14)
        slope, bend = f.derivatives(mp.mpf(x))
        assert sign * float(slope) == pytest.approx(loss.slope(y, t)[0], rel=1e-14)
        assert float(bend) == pytest.approx(loss.curvature(y, t)[0], rel=1e-14)
        assert f.quick[0](x) == pytest.approx(float(f.value(mp.mpf(x))), rel=1e-13)
        assert f.quick[1](x) == pytest.approx(float(slope), rel=1e-13)
        if f.rough is not None:
            assert f.rough(x + 0j).real == pytest.approx(f.quick[0](x), rel=1e-13)


LAWS = [theory.Gaussian(), theory.Orthogonal(), theory.PowerLaw(0.3, 0.2)]


@pytest.mark.parametrize("law", LAWS, ids=repr)
@pytest.mark.parametrize("c", [0.4, 1.0, 5.0])
def test_spectra_agree_two_ways(law, c):
    """Self-consistent resolvent and density (or closed form): <G>, <G^2>, teacher, determinant."""
    with mp.workdps(28):
        for z in (mp.mpf("1e-3"), mp.mpf(30)):
            arguments = (law, mp.mpf(c), TANH, mp.mpf(2), z)
            pairs = zip(
                RESOLVENT[type(law)](*arguments), DENSITY[type(law)](*arguments), strict=True
            )
            for one, other in pairs:
                assert close(one, other, 20)


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_resolvent_derivatives(law):
    """<G^2> = -d<G>/dz, tr(T G^2) likewise, <G> = d<ln(S + z)>/dz: by differences."""
    with mp.workdps(28):
        at = lambda z: RESOLVENT[type(law)](law, mp.mpf(2), TANH, mp.mpf(1), z)  # noqa: E731
        z, h = mp.mpf("0.3"), mp.mpf("1e-6")
        low, here, high = at(z - h), at(z), at(z + h)
        assert close((low.g - high.g) / (2 * h), here.g2, 10)
        assert close((low.tg - high.tg) / (2 * h), here.tg2, 10)
        assert close((high.log_det - low.log_det) / (2 * h), here.g, 10)


@pytest.mark.parametrize(
    "law", [*LAWS, theory.Spectrum((0.1, 0.4, 0.9), (0.0, 0.1, 0.3))], ids=repr
)
def test_traces_are_those_of_the_float_laws(law):
    """Trace by trace, so that two wrong conventions cannot cancel in an observable."""
    m = theory.Tanh().moments
    k = Moments(mp.mpf(m.kappa_1), mp.mpf(m.kappa_star) ** 2, mp.mpf(m.dkappa_star) ** 2)
    theirs = law.traces(np.array([2.0]), m, 1.5, np.array([0.1]), np.array([0.7]))
    with mp.workdps(30):
        numbers = (mp.mpf(2), k, mp.mpf(1.5), mp.mpf(0.1), mp.mpf(0.7))
        ours = traces(RESOLVENT[type(law)], law, *numbers)
    for name in ("R", "SR", "OmegaR", "OmegaR2", "SOmegaR2", "TR", "TR2", "TSR2"):
        expected = float(getattr(theirs, name)[0])
        assert float(getattr(ours, name)) == pytest.approx(expected, rel=1e-7), name


@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge", "ZeroOne", "Square"])
@pytest.mark.parametrize("w", [-6.0, 0.3, 4.0])
def test_tilted_closed_forms_against_panels(name, w):
    f = FORMULAS[name]
    with mp.workdps(45):
        V, T = mp.mpf("0.8"), mp.mpf("0.25")
        ours, panels = Closed(f.pieces, V, T), Panels(f, V, T, 33)
        one, other = ours(mp.mpf(w)), panels(mp.mpf(w))
        for a, b in zip(one, other, strict=True):
            assert abs(a - b) < mp.mpf(10) ** -29 * (1 + abs(b))
        side = (0, True) if f.of == "margin" else (1, False)
        share = panels.wrong(mp.mpf(w), side, other.potential)
        assert close(ours.wrong(mp.mpf(w), side), share, 29)


@pytest.mark.parametrize("name", ["Logistic", "Exponential"])
@pytest.mark.parametrize(("V", "T"), [(0.5, 1.0), (20.0, 5.0), (2.0, 1e-3)])
def test_tilted_lattice_against_panels(name, V, T):
    """The trapezoidal step is chosen from a bound: too long a step would show here."""
    f = FORMULAS[name]
    with mp.workdps(50):
        V, T = mp.mpf(V), mp.mpf(T)
        step = Lattice.spacing(f, float(T), float(V), -3.0, 6.0, 33)
        for w in (-2.0, 5.0):
            one = Lattice(f, T, V, step, 33)(mp.mpf(w))
            other = Panels(f, V, T, 36)(mp.mpf(w))
            for a, b in zip(one, other, strict=True):
                assert abs(a - b) < mp.mpf(10) ** -30 * (1 + abs(b)), (w, step)


def test_cold_limit_of_the_tilted_measure():
    """T -> 0 of the warm averages is the prox: f and T ln Z differ from it by O(T)."""
    f, V, w = FORMULAS["Logistic"], mp.mpf(3), mp.mpf("0.4")
    with mp.workdps(30):
        x = mp.findroot(lambda x: x + V * f.slope(x) - w, 1)
        for T in (mp.mpf("1e-4"), mp.mpf("1e-6")):
            t = Panels(f, V, T, 25)(w)
            assert abs(t.f + f.slope(x)) < T
            moreau = -((x - w) ** 2) / (2 * V) - f.value(x)
            assert abs(t.potential - moreau) < 2 * T


@pytest.mark.parametrize(
    "teacher",
    [theory.Sign(rho=0.7), theory.FlippedSign(0.2), theory.Probit(0.4, rho=2.0)],
    ids=repr,
)
def test_student_tail_at_zero_is_the_test_error(teacher):
    """The integral against arccos(m / sqrt(rho Q)) / pi and its noisy kin."""
    with mp.workdps(40):
        law, Q, m = labels(teacher, 35), mp.mpf(1.3), mp.mpf(0.6)
        tail = student_tail(law, mp.mpf(0), Q, m, 33, tanh_sinh(33))
        assert close(tail, law.test_error(m, Q), 31)


def test_custom_teacher_is_the_sign_teacher_it_imitates():
    """Z_*, its derivative and the correlation by quadrature against the closed forms."""
    given = theory.CustomTeacher(lambda nu: 0.5 * (nu > 0) + 0.25, breaks=(0.0,))
    with mp.workdps(30):
        ours, exact = labels(given, 25), labels(theory.FlippedSign(0.25), 25)
        assert close(ours.correlation, exact.correlation, 23)
        for y in (1, -1):
            mine = ours.partition(y, mp.mpf("0.4"), mp.mpf(2))
            for a, b in zip(mine, exact.partition(y, mp.mpf("0.4"), mp.mpf(2)), strict=True):
                assert close(a, b, 23)


def test_moments_agree_two_ways():
    with mp.workdps(45):
        one, other = (moments(theory.Tanh(), 36, rule) for rule in (legendre, tanh_sinh))
        for a, b in zip(one, other, strict=True):
            assert close(a, b, 34)
        custom = moments(theory.Custom(lambda x: x / (1 + x * x) ** 0.5), 20, legendre)
        m = theory.Custom(lambda x: x / (1 + x * x) ** 0.5).moments
        assert float(custom.kappa_1) == pytest.approx(m.kappa_1, rel=1e-13)
        assert float(custom.dstar2) == pytest.approx(m.dkappa_star**2, rel=1e-11)


SQUARE = [
    (theory.Problem(), {"overparam": 1.0, "alpha_T": 3.0, "lam": 1e-8}),
    (
        theory.Problem(activation=theory.Erf(), features=theory.Orthogonal()),
        {"overparam": 0.5, "alpha_T": 3.0, "lam": 1e-3, "beta": 10.0},
    ),
    (
        theory.Problem(activation=theory.ReLU(), teacher=theory.Linear(0.2)),
        {"overparam": 3.0, "alpha_T": 0.5, "lam": 1.0},
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "at"), SQUARE, ids=range(3))
def test_square_loss_is_where_it_is_proven_to_be(problem, at):
    point, bounds = solve(problem, **at, dps=30), enclose(problem, **at, dps=40)
    assert set(point.values) - set(bounds) <= {"train_error"}
    for name, (low, high) in bounds.items():
        assert 0 <= high - low < mp.mpf(10) ** -37 * abs(low), name
        assert abs(point[name] - low) < mp.mpf(10) ** -23 * abs(low), name


def test_enclosure_holds_the_float_solution():
    problem, at = SQUARE[1]
    bounds, point = enclose(problem, **at, dps=40), theory.solve(problem, **at)
    for name, (low, high) in bounds.items():
        assert 0 <= high - low < mp.mpf(10) ** -37 * abs(low), name
        assert float(point[name]) == pytest.approx(float(low), rel=1e-11), name


def test_enclosed_moments_contain_the_moments():
    """The trapezoidal bound of tanh: at 20 digits the enclosure must hold the 60-digit values."""
    with mp.workdps(70):
        exact = moments(theory.Tanh(), 60, legendre)
        before, mp.iv.dps = mp.iv.dps, 40
        bounds = enclosed_moments(theory.Tanh(), 0)
        mp.iv.dps = before
        for x, bound in zip(exact, bounds, strict=True):
            assert mp.mpf(bound.a) < x < mp.mpf(bound.b)
            assert mp.mpf(bound.b) - mp.mpf(bound.a) < mp.mpf(10) ** -19


def test_enclosure_refuses_what_it_does_not_know():
    at = {"overparam": 1.0, "alpha_T": 3.0, "lam": 0.1}
    for part in ({"loss": theory.Logistic()}, {"features": theory.PowerLaw(0.3)}):
        with pytest.raises(ValueError, match="enclosure"):
            enclose(theory.Problem(**part), **at)


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss", [theory.Logistic(), theory.Hinge(), theory.SquaredHinge()], ids=repr
)
def test_cold_point_from_scratch(loss):
    """No start given; two ways; and the float solver agrees."""
    problem, at = theory.Problem(loss=loss), {"overparam": 0.7, "alpha_T": 3.0, "lam": 0.1}
    point, float_point = solve(problem, **at, dps=22), theory.solve(problem, **at)
    assert point.digits >= 16
    for name, value in point.values.items():
        assert float(float_point[name]) == pytest.approx(float(value), rel=1e-10), name


@pytest.mark.slow
def test_start_decides_nothing():
    problem, at = theory.Problem(), {"overparam": 2.0, "alpha_T": 3.0, "lam": 0.01}
    far = {"V": 1.0, "Q_0": 0.5, "m": 0.3}
    one, other = solve(problem, **at, dps=25), solve(problem, **at, dps=25, start=far)
    for name, value in one.values.items():
        assert close(other[name], value, 19), name


@pytest.mark.slow
@pytest.mark.parametrize("loss", [theory.ZeroOne(), theory.Logistic(), theory.Hinge()], ids=repr)
def test_warm_point(loss):
    """Finite temperature, where d phi/d beta = -(energy) is a third judge."""
    problem = theory.Problem(loss=loss)
    at = {"overparam": 1.0, "alpha_T": 2.0, "lam": 0.3}
    start = theory.solve(problem, **at, beta=2.0)
    point = solve(problem, **at, beta=2.0, dps=22, start=start)
    assert point.digits >= 16
    h = 1e-3
    low, high = (solve(problem, **at, beta=2.0 + s, dps=22, start=start) for s in (-h, h))
    slope = (high["free_entropy"] - low["free_entropy"]) / (2 * h)
    assert float(slope) == pytest.approx(-float(point["energy"]), rel=1e-5)


@pytest.mark.slow
def test_custom_loss_is_the_loss_it_imitates():
    at = {"overparam": 0.7, "alpha_T": 3.0, "lam": 0.1}
    given = theory.CustomLoss(
        lambda s: (s < 1) * (1 - s) ** 2 * 0.5,
        derivative=lambda s: (s < 1) * (s - 1),
        second=lambda s: 1.0 * (s < 1),
        knot_points=(1.0,),
    )
    start = theory.solve(theory.Problem(loss=theory.SquaredHinge()), **at)
    one = solve(theory.Problem(loss=theory.SquaredHinge()), **at, dps=22, start=start)
    other = solve(theory.Problem(loss=given), **at, dps=22, start=start)
    for name, value in one.values.items():
        assert close(other[name], value, 15), name


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"overparam": math.inf}, "overparam = inf"),
        ({"lam": 0.0}, "lam = 0.0"),
        ({"beta": -1.0}, "beta = -1.0"),
        ({"alpha_T": [3.0]}, r"alpha_T = \[3.0\]"),
        ({"dps": 0}, "dps = 0"),
    ],
)
@pytest.mark.parametrize("verb", [solve, enclose])
def test_bad_points_are_refused(verb, changes, why):
    with pytest.raises(ValueError, match=why):
        verb(theory.Problem(), **({"overparam": 1.0, "alpha_T": 3.0, "lam": 0.1} | changes))


def test_unknown_components_say_how_to_supply_them():
    class Mine(theory.Logistic):
        pass

    class MyLaw(theory.Gaussian):
        pass

    at = {"overparam": 1.0, "alpha_T": 3.0, "lam": 0.1}
    with pytest.raises(ValueError, match=r"FORMULAS\['Mine'\]"):
        formula(Mine())
    with pytest.raises(ValueError, match="add a function to RESOLVENT"):
        solve(theory.Problem(features=MyLaw()), **at)


def test_the_two_ways_share_no_integral():
    assert not issubclass(Field, Graph)
    assert not issubclass(Graph, Field)
    for kind, law in RESOLVENT.items():
        assert (law is DENSITY[kind]) == (kind is theory.Spectrum), kind
