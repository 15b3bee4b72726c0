"""Numbers for the expressions of theory.derivation, by quadrature of their own.

Nothing is shared with theory/equations or theory/feature_laws: losses and Z_* come from the expressions,
Gaussian integrals from composite Gauss-Legendre rules on fixed grids, proximal points from bisection, and
traces from the spectral density instead of the resolvent.
"""

from functools import reduce

import numpy as np
import sympy as sp

from twinpeaks import theory
from twinpeaks.theory.derivation import notation as n
from twinpeaks.theory.derivation.averages import PatternMean, SpectralMean
from twinpeaks.theory.derivation.functions import Alignment, LogZ, Moreau, Thermal
from twinpeaks.theory.derivation.laws import spelled

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
#: Modules for lambdify; to sympy before 1.14 a maximum is that of an array, whose entries are of one shape.
NUMERIC = [
    {
        "amax": lambda entries, axis: reduce(np.maximum, entries),
        "amin": lambda entries, axis: reduce(np.minimum, entries),
    },
    "scipy",
]
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
        self.loss = sp.lambdify((n.y, n.t), free.loss, NUMERIC)
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
        found = sp.lambdify((n.y, n.t), _smooth(self.free.loss.diff(n.t)), NUMERIC)
        return lambda y, t: found(y, t) + 0.0 * t

    def integrand(self, h, y, xi):
        teacher = self.free.teacher

        def kernel(order, label, centre, width):
            expr = teacher.kernel.diff(n.omega_star, order).subs(self.values)
            values = sp.lambdify((n.y, n.omega_star, n.V_star), expr, NUMERIC)
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
        return sp.lambdify((n.y, n.xi), h.subs(self.values), [known, *NUMERIC])(y, xi)

    def responses(self, y, xi, observed=None):
        """(ln Z, f, f'), or the tilted mean of an expression in y and t, at the nodes."""
        key = (np.size(xi), float(np.sum(y)), float(np.sum(xi**2)), observed)
        if key not in self.response:
            omega = np.sqrt(float(self.values[n.Q_0])) * xi
            V = float(self.values[n.V])
            value = None if observed is None else sp.lambdify((n.y, n.t), observed, NUMERIC)
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
        slope = sp.lambdify((n.y, n.omega, n.t), _smooth(given.diff(n.t)), NUMERIC)
        far = omega - V * self.slope(y, omega)
        low, high = np.minimum(far, omega), np.maximum(far, omega)
        for _ in range(90):
            middle = 0.5 * (low + high)
            up = slope(y, omega, middle) > 0
            low, high = np.where(up, low, middle), np.where(up, middle, high)
        t = 0.5 * (low + high)
        if value is not None:
            return value(y, t) + 0.0 * t
        exponent = sp.lambdify((n.y, n.omega, n.t), given, NUMERIC)
        f = (t - omega) / V
        curvature = sp.lambdify((n.y, n.t), _smooth(self.free.loss.diff(n.t, 2)), NUMERIC)
        bend = curvature(y, t) + 0.0 * t
        stuck = np.abs(self.slope(y, t + 1e-9) - self.slope(y, t - 1e-9)) > 1e-3
        df = np.where(stuck, -1 / V, -bend / (1 + V * bend))
        return np.stack([exponent(y, omega, t), f, df])


def _smooth(expr):
    """Without the delta functions at kinks, which the nodes miss."""
    return expr.replace(sp.DiracDelta, lambda *_: sp.S.Zero)
