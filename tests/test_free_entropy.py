"""The derivation in sympy: its equations are those that the solver solves, by quadrature of its own.

The evaluation below shares nothing with theory.channel or theory.feature_laws: losses and Z_* come from the
expressions, Gaussian integrals from composite Gauss-Legendre rules on fixed grids, proximal points from
bisection, and traces from the spectral density instead of the resolvent.
"""

from itertools import product

import numpy as np
import pytest
import sympy as sp

import theory
from theory.channel import Conjugates, Overlaps, channel_for
from theory.derivation import notation as n
from theory.derivation.averages import PatternMean, SpectralMean, stein
from theory.derivation.functions import (
    Alignment,
    Covariance,
    Kernel,
    LogZ,
    Moreau,
    Resolvent,
    Stieltjes,
    Thermal,
)
from theory.derivation.laws import spelled, stieltjes, stieltjes_slope
from theory.derivation.teachers import gaussian
from theory.derivation.trace import trace
from theory.readout import Points, readout

LOSSES = [
    theory.Square(),
    theory.Logistic(),
    theory.Hinge(),
    theory.SquaredHinge(),
    theory.Exponential(),
    theory.ZeroOne(),
]
TEACHERS = [theory.Sign(rho=0.8), theory.FlippedSign(flip=0.1), theory.Probit(noise=0.3, rho=1.2)]
LINEAR = theory.Linear(noise=0.2, rho=1.3)
SPECTRUM = theory.Spectrum((0.0289, 0.2089, 0.3889, 0.9289), (0.0, 0.02, 0.1, 0.3))
ORDER, HATS = (n.V, n.Q_0, n.m), (n.Vh, n.Qh, n.mh)


def rule(edges, nodes=10):
    """Composite Gauss-Legendre nodes and weights."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    edges = np.unique(edges)
    half = 0.5 * np.diff(edges)[:, None]
    middle = 0.5 * (edges[1:] + edges[:-1])[:, None]
    return (middle + half * x).ravel(), (half * w).ravel()


class Evaluator:
    """Numbers for the expressions of one FreeEntropy."""

    def __init__(self, free, problem, values):
        self.free, self.problem = free, problem
        moments = problem.activation.moments
        self.values = {
            n.kappa_1: moments.kappa_1,
            n.kappa_star: moments.kappa_star,
            n.dkappa_star: moments.dkappa_star,
            **free.teacher.parameters,
            **values,
        }
        self.loss = sp.lambdify((n.y, n.t), free.loss, "scipy")
        self.response = {}

    def __call__(self, expr):
        expr = expr.replace(SpectralMean, lambda h: sp.Float(self.spectral(h), 17))
        expr = expr.replace(PatternMean, lambda h, labels: sp.Float(self.pattern(h), 17))
        return float(expr.subs(self.values))

    def spectral(self, h):
        """The average over the spectral density, atoms included."""
        c, law = self.values.get(n.c), self.problem.features
        point = self.values
        if isinstance(law, theory.Spectrum):
            k1, ks = point[n.kappa_1], point[n.kappa_star]
            s = (np.array(law.eigenvalues) - ks**2) / k1**2
            weight = np.full(s.size, 1 / s.size)
            aligned = np.array(law.alignments) / weight
        else:
            if isinstance(law, theory.Orthogonal):
                s, weight = (
                    (np.ones(1), np.ones(1)) if c <= 1 else (np.array([c]), np.array([1 / c]))
                )
            else:
                low, high = (1 - np.sqrt(c)) ** 2, (1 + np.sqrt(c)) ** 2
                angle, weight = rule(np.linspace(0, np.pi, 60))
                s = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
                weight = weight * ((high - low) / 2 * np.sin(angle)) ** 2 / (2 * np.pi * c * s)
            if c > 1:
                s, weight = np.append(s, 0.0), np.append(weight, 1 - 1 / c)
            aligned = c * point[n.rho] * point[n.kappa_1] ** 2 * s
        h = spelled(h.replace(Alignment, lambda _: sp.Symbol("aligned"))).subs(point)
        function = sp.lambdify((n.S, sp.Symbol("aligned")), h, "numpy")
        return float(np.sum(weight * (function(s, aligned) + 0 * s)))

    def pattern(self, h):
        """int Dxi sum_y h."""
        if self.free.teacher.labels.is_FiniteSet:
            return sum(self.line(h, float(y)) for y in self.free.teacher.labels)
        V = float(self.values[n.rho] + self.values[n.noise])
        y, weight = rule(np.linspace(-9, 9, 13) * np.sqrt(V))
        x, w = rule(np.linspace(-9, 9, 13))
        y, xi = (a.ravel() for a in np.meshgrid(y, x))
        both = np.outer(w * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi), weight).ravel()
        return float(np.sum(both * self.integrand(h, y, xi)))

    def line(self, h, y):
        x, w = rule(np.append(np.linspace(-10, 10, 51), self.cuts(y)))
        return float(
            np.sum(w * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi) * self.integrand(h, y, x))
        )

    def cuts(self, y):
        """xi where the proximal point reaches or leaves a kink of the loss."""
        V, Q = (float(self.values[k]) for k in (n.V, n.Q_0))
        slope = self.slope
        kinks = np.array([-1.0, 0.0, 1.0])
        edges = [t + V * slope(y, t + side) for t in kinks for side in (-1e-12, 1e-12)]
        return np.clip(np.array(edges) / np.sqrt(Q), -10, 10)

    @property
    def slope(self):
        found = sp.lambdify((n.y, n.t), _smooth(self.free.loss.diff(n.t)), "scipy")
        return lambda y, t: found(y, t) + 0.0 * t

    def integrand(self, h, y, xi):
        teacher = self.free.teacher

        def kernel(order, label, centre, width):
            expr = teacher.kernel.diff(n.omega_star, order).subs(self.values)
            values = sp.lambdify((n.y, n.omega_star, n.V_star), expr, "scipy")
            return values(label, centre, width)

        def potential(order, *_):
            return self.responses(y, xi)[order]

        def thermal(value, *_):
            return self.responses(y, xi, value)

        # the loss rides along as an argument; keep it away from the numerical code
        held = {}

        def hold(value, *rest):
            held[len(held)] = value
            return sp.Function("thermal")(len(held) - 1, *rest)

        h = h.replace(Thermal, hold)
        h = h.replace(LogZ, lambda k, *_: sp.Function("potential")(k))
        h = h.replace(Moreau, lambda k, *_: sp.Function("potential")(k))
        known = {
            "Kernel": kernel,
            "potential": potential,
            "thermal": lambda k, *_: thermal(held[k]),
        }
        return sp.lambdify((n.y, n.xi), h.subs(self.values), [known, "scipy"])(y, xi)

    def responses(self, y, xi, observed=None):
        """(ln Z, f, f'), or the tilted mean of an expression in y and t, at the nodes."""
        key = (np.size(xi), float(np.sum(y)), float(np.sum(xi**2)), observed)
        if key not in self.response:
            omega = np.sqrt(float(self.values[n.Q_0])) * xi
            V = float(self.values[n.V])
            value = None if observed is None else sp.lambdify((n.y, n.t), observed, "scipy")
            find = self.cold if self.free.zero_temperature else self.warm
            self.response[key] = find(y, omega, V, value)
        return self.response[key]

    def warm(self, y, omega, V, value):
        beta, reach = float(self.values[n.beta]), 10 * np.sqrt(V)
        edges = np.arange(omega.min() - reach, omega.max() + reach, 0.7 * np.sqrt(V))
        t, w = rule(np.append(edges, [-1.0, 0.0, 1.0]))
        out = []
        for some in np.array_split(np.arange(omega.size), max(1, omega.size // 400)):
            label = np.broadcast_to(y, omega.shape)[some, None]
            gap = t - omega[some, None]
            with np.errstate(over="ignore", under="ignore"):
                exponent = -(gap**2) / (2 * V) - beta * self.loss(label, t)
                top = exponent.max(1)
                density = np.exp(exponent - top[:, None]) * w / np.sqrt(2 * np.pi * V)
            z = density.sum(1)
            if value is not None:
                live = np.where(density > 0, value(label, t), 0.0)
                out.append((density * live).sum(1) / z)
                continue
            f = (density * gap).sum(1) / z / V
            spread = (density * (gap - V * f[:, None]) ** 2).sum(1) / z
            out.append(np.stack([np.log(z) + top, f, spread / V**2 - 1 / V]))
        return np.concatenate(out, axis=-1)

    def cold(self, y, omega, V, value):
        """The proximal point by bisection on the slope of the exponent."""
        given = self.free.exponent.subs(n.V, V)
        slope = sp.lambdify((n.y, n.omega, n.t), _smooth(given.diff(n.t)), "scipy")
        far = omega - V * self.slope(y, omega)
        low, high = np.minimum(far, omega), np.maximum(far, omega)
        for _ in range(90):
            middle = 0.5 * (low + high)
            up = slope(y, omega, middle) > 0
            low, high = np.where(up, low, middle), np.where(up, middle, high)
        t = 0.5 * (low + high)
        if value is not None:
            return value(y, t) + 0.0 * t
        exponent = sp.lambdify((n.y, n.omega, n.t), given, "scipy")
        f = (t - omega) / V
        curvature = sp.lambdify((n.y, n.t), _smooth(self.free.loss.diff(n.t, 2)), "scipy")
        bend = curvature(y, t) + 0.0 * t
        stuck = np.abs(self.slope(y, t + 1e-9) - self.slope(y, t - 1e-9)) > 1e-3
        df = np.where(stuck, -1 / V, -bend / (1 + V * bend))
        return np.stack([exponent(y, omega, t), f, df])


def _smooth(expr):
    """Without the delta functions at kinks, which the nodes miss."""
    return expr.replace(sp.DiracDelta, lambda *_: sp.S.Zero)


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
            assert number(free.saddle_point[hat]) == pytest.approx(want[hat], rel=1e-9), hat
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
    got = sp.lambdify((), finite, "scipy")()
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
    law = sp.lambdify((n.y, n.nu), rule_.law.subs(rule_.parameters), "scipy")
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
            got = sp.lambdify((n.y, n.t), expr, "scipy")(y, t)
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
