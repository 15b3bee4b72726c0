"""The resolvents of all layers at once: against the nested definition, high precision, and in cost."""

import mpmath as mp
import numpy as np
import pytest

import twinpeaks as tp
from twinpeaks.theory.feature_laws.population import Population
from twinpeaks.theory.feature_laws.stack import Layer, Stack, _Equations

INPUTS = tp.Atoms(np.ones(1), np.ones(1), np.ones(1))


def random_stack(rng):
    noise = rng.choice([0.0, 1e-6, 0.1, 0.5])
    ratios = 10 ** rng.uniform(-3, 3, rng.integers(1, 9))
    return Stack(INPUTS, tuple(Layer(float(c), 1 - noise, noise) for c in ratios))


def exact(stack, z, c, start):
    """The equations 1/g = z + A(c g) of every layer by Newton at 60 digits; relative changes of start."""
    with mp.workdps(60):
        ratios = [mp.mpf(layer.c) for layer in stack.layers] + [mp.mpf(c)]

        def residual(*logs):
            g = [mp.exp(x) for x in logs]
            share = 1 / (1 + ratios[0] * g[0])  # <1 / (1 + k C)>
            out = []
            for i, layer in enumerate([*stack.layers, None]):
                k = ratios[i + 1] * g[i + 1] if layer else None
                zeta = (1 + k * layer.noise) / (k * layer.linear) if layer else mp.mpf(z)
                out.append(g[i] * zeta + (1 - share) / ratios[i] - 1)
                share = g[i] / (k * layer.linear) if layer else None
            return out

        logs = [mp.log(mp.mpf(float(x))) for x in start]
        root = mp.findroot(residual, logs, tol=1e-45, maxsteps=30)
        root = list(root) if len(start) > 1 else [root]
        return [float(mp.exp(x) / mp.mpf(float(y)) - 1) for x, y in zip(root, start, strict=True)]


def test_every_resolvent_to_rounding():
    """Ratios over six decades, z over twenty, linear features and not: 40 stacks of up to 8 layers."""
    rng = np.random.default_rng(5)
    for _ in range(40):
        stack = random_stack(rng)
        z, c = 10 ** rng.uniform(-10, 10, 1), 10 ** rng.uniform(-3, 8, 1)
        ratios = [layer.c for layer in stack.layers] + [c]
        found = stack._resolvents(stack.layers, z, ratios)
        error = exact(stack, z[0], c[0], [g[0] for g in found])
        assert np.max(np.abs(error)) < 1e-13, (stack, z, c)


def test_the_nested_definition_has_the_same_averages():
    """Newton on the top layer alone, from averages over the one below, is the definition."""
    rng = np.random.default_rng(6)
    for _ in range(10):
        stack = random_stack(rng)
        z, c = 10 ** rng.uniform(-3, 3, 5), 10 ** rng.uniform(-1, 3, 5)
        nested = Population.gram(stack, z, c)
        for name in ("g", "sg", "g2", "sg2", "s2g2", "tg", "tg2", "tsg2", "log"):
            got = getattr(stack.gram(z, c), name)
            assert got == pytest.approx(getattr(nested, name), rel=1e-10, abs=1e-12), name


def test_an_imaginary_step_is_a_derivative():
    """Analytic in z: dg/dz = -<G^2>, which has a formula of its own."""
    stack = random_stack(np.random.default_rng(7))
    z, c = np.geomspace(1e-3, 1e3, 7), np.full(7, 1.7)
    moved = stack.gram(z + 1e-25j * z, c).g.imag / (1e-25 * z)
    assert moved == pytest.approx(-stack.gram(z, c).g2, rel=1e-11)


def test_no_resolvent_takes_many_steps(monkeypatch):
    """However deep, and however near the singular: at most 40 passes through the layers."""
    steps = []
    newton = _Equations.newton
    monkeypatch.setattr(_Equations, "newton", lambda self, g: steps.append(1) or newton(self, g))
    rng = np.random.default_rng(8)
    for _ in range(50):
        stack, before = random_stack(rng), len(steps)
        z, c = 10 ** rng.uniform(-20, 20, 1), 10 ** rng.uniform(-6, 10, 1)
        stack._resolvents(stack.layers, z, [layer.c for layer in stack.layers] + [c])
        assert len(steps) - before <= 40
