"""The equations derived in sympy are those that the solver solves, and phi has the limit that it should."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from expressions import HATS, LINEAR, LOSSES, ORDER, SPECTRUM, TEACHERS, Evaluator

from twinpeaks import theory
from twinpeaks.theory.derivation import notation as n
from twinpeaks.theory.derivation.averages import PatternMean, SpectralMean
from twinpeaks.theory.derivation.functions import Kernel, Resolvent
from twinpeaks.theory.equations.channel import Conjugates, Overlaps, channel_for
from twinpeaks.theory.equations.readout import Points, readout


def point(rng):
    V, Q, share = rng.uniform(0.3, 1.5), rng.uniform(0.5, 2.0), rng.uniform(0.2, 0.8)
    return V, Q, share


def _pairs():
    fast = {("Square", "Sign"), ("Logistic", "FlippedSign"), ("Hinge", "Sign"), ("ZeroOne", "Sign")}
    for loss, teacher, cold in product(LOSSES, TEACHERS, (False, True)):
        if cold and not loss.convex:
            continue
        names = (type(loss).__name__, type(teacher).__name__)
        marks = () if names in fast else pytest.mark.slow
        yield pytest.param(loss, teacher, cold, marks=marks, id=f"{'-'.join(names)}-{cold}")
    for cold in (False, True):
        yield pytest.param(theory.Square(), LINEAR, cold, id=f"Square-Linear-{cold}")


@pytest.mark.parametrize(("loss", "teacher", "cold"), [*_pairs()])
def test_channel_is_the_derivative_of_the_free_entropy(loss, teacher, cold):
    """Reduced by Stein's lemma, and as sympy returns it, at random points."""
    rng = np.random.default_rng(5)
    problem = theory.Problem(loss=loss, teacher=teacher)
    free = theory.free_entropy(problem, zero_temperature=cold)
    for _ in range(1 if cold else 2):
        V, Q, share = point(rng)
        m = share * np.sqrt(teacher.rho * Q)
        alpha, beta = rng.uniform(0.5, 2.0), 1.0 if cold else rng.uniform(0.5, 4.0)
        # the code's units: V times beta, hats per pattern
        T = np.full(1, 0.0 if cold else 1 / beta)
        overlaps = Overlaps(np.full(1, beta * V), np.full(1, Q), np.full(1, m))
        hats = channel_for(problem, 2e-14).linearise(overlaps, T).hats
        bare = (float(alpha * beta**k * a[0]) for k, a in zip((1, 2, 1), hats, strict=True))
        want = dict(zip(HATS, bare, strict=True))
        values = {n.V: V, n.Q_0: Q, n.m: m, n.alpha: alpha, n.beta: beta, **want}
        number = Evaluator(free, problem, values)
        for hat in HATS:
            assert number(free.saddle_point[hat]) == pytest.approx(want[hat], rel=1e-11), hat
        for x in ORDER:
            scale = max(want.values())
            assert number(free.gradient[x]) == pytest.approx(0.0, abs=1e-9 * scale), x


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("overparam", [0.2, 1.7])
@pytest.mark.parametrize("features", [theory.Gaussian(), theory.Orthogonal(), SPECTRUM], ids=repr)
def test_readout_is_the_derivative_of_the_free_entropy(features, overparam, cold):
    """From the spectral density, and from the closed form in g(z) where there is one."""
    rng = np.random.default_rng(6)
    activation = theory.Identity() if features is SPECTRUM else theory.Tanh()
    problem = theory.Problem(features=features, activation=activation)
    free = theory.free_entropy(problem, zero_temperature=cold)
    alpha_T, lam, beta = 2.0, rng.uniform(0.05, 0.5), 1.0 if cold else 2.5
    hats = rng.uniform(0.3, 1.5, 3)
    alpha = 1 / overparam
    points = Points(*(np.full(1, a) for a in (overparam, alpha_T, lam, 0.0 if cold else 1 / beta)))
    overlaps, _ = readout(problem, points, Conjugates(*hats[:, None]))
    want = dict(zip(ORDER, (float(a) for a in overlaps[0] / [beta, 1, 1]), strict=True))
    bare = (alpha * beta**k * a for k, a in zip((1, 2, 1), hats, strict=True))
    values = {
        **want,
        **dict(zip(HATS, bare, strict=True)),
        n.lam: lam,
        n.alpha: alpha,
        n.c: alpha_T * overparam,
        n.beta: beta,
    }
    number = Evaluator(free, problem, values)
    for x in ORDER:
        assert number(free.saddle_point[x]) == pytest.approx(want[x], rel=1e-9), x
    for hat in HATS:
        assert number(free.gradient[hat]) == pytest.approx(0.0, abs=1e-9 * max(want.values())), hat
    if features is SPECTRUM:
        return
    closed = {x: free.written_out(free.saddle_point[x]).subs(number.values) for x in ORDER}
    for x in ORDER:
        assert float(closed[x]) == pytest.approx(want[x], rel=1e-9), x


def _solved(problem, beta, **at):
    """A Dataset point in the bare units of the expressions."""
    data = theory.solve(problem, **at, beta=beta)
    cold = np.isinf(beta)
    free = theory.free_entropy(problem, zero_temperature=bool(cold))
    scale = 1.0 if cold else beta
    order = {n.V: float(data.V) / scale, n.Q_0: float(data.Q_0), n.m: float(data.m)}
    place = {n.lam: at["lam"], n.alpha: 1 / at["overparam"], n.beta: scale}
    place[n.c] = at["alpha_T"] * at["overparam"]
    number = Evaluator(free, problem, {**order, **place})
    number.values |= {hat: number(free.saddle_point[hat]) for hat in HATS}
    return data, free, number


_SOLVED = [
    (theory.Problem(loss=theory.Logistic()), np.inf),
    (theory.Problem(loss=theory.Hinge(), teacher=theory.Probit(noise=0.3)), np.inf),
    (theory.Problem(loss=theory.ZeroOne(), features=theory.Orthogonal()), 2.0),
]


@pytest.mark.parametrize(
    ("problem", "beta"),
    [
        *(pytest.param(*case, id=f"{case[0].loss}-{case[1]}") for case in _SOLVED),
        *(
            pytest.param(theory.Problem(loss=a, teacher=b), beta, marks=pytest.mark.slow)
            for a, b, beta in product(LOSSES, [*TEACHERS, LINEAR], (3.0, np.inf))
            if (a.convex or np.isfinite(beta)) and (b is not LINEAR or a.quadratic is not None)
        ),
    ],
)
def test_solutions_are_stationary_and_have_the_value_of_the_dataset(problem, beta):
    at = {"overparam": 0.8, "alpha_T": 2.0, "lam": 0.1}
    data, free, number = _solved(problem, beta, **at)
    value = data.free_energy if np.isinf(beta) else data.free_entropy
    assert number(free.expression) == pytest.approx(float(value), rel=1e-9)
    scale = max(float(number.values[x]) for x in (*HATS, *ORDER))
    for x in (*ORDER, *HATS):
        assert number(free.gradient[x]) == pytest.approx(0.0, abs=1e-9 * scale), x
    names = {s: s.name for s in free.observables} | {n.energy: "energy"}
    for symbol, expr in free.observables.items():
        got = number(expr)
        number.values[symbol] = got
        assert got == pytest.approx(float(data[names[symbol]]), rel=1e-9), symbol


# Anywhere, not at a saddle point.
_V = 0.8
_AWAY = {n.lam: 0.2, n.alpha: 0.9, n.c: 1.5, n.Q_0: 1.1, n.m: 0.6}


def _scaled(beta):
    """Conjugates in bare units of one point of zero temperature."""
    return {n.Vh: 0.7 * beta, n.Qh: 0.5 * beta**2, n.mh: 0.4 * beta}


@pytest.mark.parametrize("loss", [theory.Square(), theory.Logistic()], ids=repr)
def test_low_temperature_converges_to_the_limit(loss):
    """-phi/beta = e + (ln beta)/(2 beta) + a/beta + O(1/beta^2), away from the saddle point too.

    By the next order of Laplace's method ln Z + beta M -> ln(1 + V f')/2, which gives a.
    """
    problem = theory.Problem(loss=loss)
    cold, warm = (theory.free_entropy(problem, zero_temperature=k) for k in (True, False))
    limit = Evaluator(cold, problem, {**_AWAY, **_scaled(1.0), n.V: _V})
    df = cold.response(2).subs(n.omega, sp.sqrt(n.Q_0) * n.xi)
    kernel = next(iter(cold.expression.atoms(Kernel)))
    flat = limit(n.alpha * PatternMean(kernel * sp.log(1 + n.V * df), cold.teacher.labels))
    spread = limit(SpectralMean(sp.log(Resolvent(n.S, n.Vh, n.lam))))
    a = -0.5 * (limit(n.V * n.Vh) + spread + flat + np.log(2 * np.pi))
    rest = []
    for beta in (20.0, 80.0):
        number = Evaluator(warm, problem, {**_AWAY, **_scaled(beta), n.V: _V / beta, n.beta: beta})
        gap = -number(warm.expression) / beta - limit(cold.expression)
        rest.append(abs(beta * gap - 0.5 * np.log(beta) - a))
    if loss.quadratic is not None:
        assert max(rest) < 1e-8  # Gaussian: nothing follows
    else:
        assert rest[0] < 1e-2
        assert rest[0] / rest[1] == pytest.approx(4.0, rel=0.1)  # the next order is 1/beta


@pytest.mark.slow
def test_a_kinked_loss_reaches_its_limit():
    """Where the proximal point is stuck at the kink, a share P of all xi, ln Z gains -(ln beta)/2."""
    problem = theory.Problem(loss=theory.Hinge())
    cold, warm = (theory.free_entropy(problem, zero_temperature=k) for k in (True, False))
    limit = Evaluator(cold, problem, {**_AWAY, **_scaled(1.0), n.V: _V})
    margin = n.y * sp.sqrt(n.Q_0) * n.xi
    kernel = next(iter(cold.expression.atoms(Kernel)))
    stuck = sp.Heaviside(margin - 1 + n.V) * sp.Heaviside(1 - margin)
    share = limit(n.alpha * PatternMean(kernel * stuck, cold.teacher.labels))
    rest = []
    for beta in (100.0, 400.0, 1600.0):
        number = Evaluator(warm, problem, {**_AWAY, **_scaled(beta), n.V: _V / beta, n.beta: beta})
        gap = -number(warm.expression) / beta - limit(cold.expression)
        rest.append(beta * gap - 0.5 * (1 + share) * np.log(beta))
    change = np.abs(np.diff(rest))
    assert change[1] < 0.6 * change[0]
    assert change[1] < 0.05
