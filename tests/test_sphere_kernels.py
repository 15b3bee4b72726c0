"""Kernels and targets on the sphere: eigenvalues by integration, sum rules, powers."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from twinpeaks import theory
from twinpeaks.theory import sphere
from twinpeaks.theory.sphere.harmonics import gegenbauer, log_gamma_ratio, log_multiplicity
from twinpeaks.theory.sphere.ladder import ladder
from twinpeaks.theory.sphere.modes import modes

NETWORKS = [sphere.NTK(), sphere.RFK()]
INFINITE = [
    sphere.GaussianField(0.5),
    sphere.GaussianField(1.5, parity="all"),
    sphere.GaussianField(2.0, parity="relu"),
    sphere.Matern(0.8, tau=3.0),
    sphere.Teacher(1.0),
    sphere.Teacher(3.5),
]
FINITE = [
    sphere.GaussianField(0.5, degrees=41, parity="all"),
    sphere.Matern(1.5, degrees=20),
    sphere.Teacher(4.0),
    sphere.Constant(),
]


def over_the_sphere(f, d, kinks=()):
    """The mean of a function of the angle from a fixed point."""
    size = math.gamma(d / 2) / (math.sqrt(math.pi) * math.gamma((d - 1) / 2))
    value, _ = quad(
        lambda u: f(u) * math.sin(u) ** (d - 2), 0, math.pi, points=kinks or None, limit=400,
        epsabs=1e-13, epsrel=1e-12,
    )  # fmt: skip
    return size * value


@pytest.mark.parametrize("kernel", NETWORKS, ids=repr)
@pytest.mark.parametrize("d", [2, 3, 5, 10])
def test_eigenvalues_are_the_integrals_of_funk_and_hecke(kernel, d):
    for k in (0, 1, 2, 3, 4, 7, 12):

        def weighted(u, k=k):
            value = kernel.value(d, np.array(u))
            return float(value * gegenbauer(d, np.cos(u), k)[k])

        found = sphere.eigenvalues(kernel, d, [k])[0]
        assert found == pytest.approx(over_the_sphere(weighted, d), rel=1e-9, abs=3e-13)
    assert sphere.eigenvalues(kernel, d, [3, 5, 101]).tolist() == [0.0, 0.0, 0.0]


def test_the_fractions_in_three_dimensions():
    known = [1 / 4, 1 / 6, 5 / 128, 0, 1 / 384]
    np.testing.assert_allclose(sphere.eigenvalues(sphere.NTK(), 3, 4), known, rtol=1e-13)


@pytest.mark.parametrize("kernel", NETWORKS, ids=repr)
@pytest.mark.parametrize("d", [2, 3, 4, 5, 7, 10, 30, 100])
def test_all_modes_add_up_to_the_kernel(kernel, d):
    known = modes(kernel, sphere.Constant(), d)
    assert known.trace == pytest.approx(kernel.trace(d), rel=1e-12)
    square = float(np.sum(np.exp(known.log_count + 2 * known.log_value)))
    mean = over_the_sphere(lambda u: float(kernel.value(d, np.array(u))) ** 2, d)
    assert square == pytest.approx(mean, rel=1e-10)
    assert np.all(np.diff(known.log_value) < 0)


@pytest.mark.parametrize("kernel", NETWORKS, ids=repr)
@pytest.mark.parametrize("d", [2, 3, 5])
def test_eigenvalues_fall_with_the_constant_of_their_power(kernel, d):
    k = 10.0**7
    constant = 2.0 ** (d - 2) * math.gamma(d / 2) ** 2 / math.pi**2
    constant *= 1.0 if isinstance(kernel, sphere.NTK) else d
    power = 2 * kernel.smoothness + d - 1
    found = kernel.even(d, np.array([k]))[0] + power * math.log(k)
    assert found == pytest.approx(math.log(constant), abs=2 * d / k * power)


def test_features_of_a_relu_are_its_kernel():
    found = sphere.eigenvalues(sphere.Features(theory.ReLU(), degrees=8), 3, 8)
    np.testing.assert_allclose(found, sphere.eigenvalues(sphere.RFK(), 3, 8), atol=2e-7)
    tanh = sphere.Features(theory.Tanh())
    for d in (2, 4):
        mean = over_the_sphere(lambda u, d=d: math.tanh(math.sqrt(d) * math.cos(u)) ** 2, d)
        assert tanh.value(d, np.zeros(1))[0] == pytest.approx(mean, rel=1e-10)


@pytest.mark.parametrize("target", INFINITE + FINITE, ids=repr)
@pytest.mark.parametrize("d", [2, 3, 6])
def test_targets_have_variance_one(target, d):
    last = 200_000 if np.isinf(target.last) else int(target.last)
    k = np.arange(last + 1)
    variance = np.exp(log_multiplicity(d, k.astype(float))) * target.powers(d, k)
    left = 0.0
    if np.isinf(target.last):  # the tail of a power law
        s = 2 * target.smoothness
        step = 1 if getattr(target, "parity", "even") == "all" else 2
        top = variance[last - last % 2]
        left = top * (last + 1) / s / step - 0.5 * top
    assert variance.sum() + left == pytest.approx(1.0, abs=1e-9)
    assert target.powers(d, np.array([last + 1])).max() <= variance[last - 2 :].max() + 1e-30


@pytest.mark.parametrize("smoothness", [0.02, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("parity", ["even", "all"])
def test_rough_fields_are_normalised_by_the_zeta_function(smoothness, parity):
    from mpmath import zeta

    s = 2 * smoothness + 1
    total = float(zeta(s)) * (1 if parity == "all" else 1 - 2**-s)
    found = sphere.GaussianField(smoothness, parity).powers(3, np.arange(1))[0]
    assert found == pytest.approx(1 / total, rel=1e-12)


def test_a_teacher_is_the_square_of_its_harmonics():
    for a, d in ((1.0, 3), (3.0, 5), (2.0, 4), (2.5, 2)):
        teacher = sphere.Teacher(a)
        total = over_the_sphere(lambda u, a=a: abs(math.cos(u)) ** (2 * a), d, [math.pi / 2])
        for k in (0, 2, 4):
            mu = over_the_sphere(
                lambda u, a=a, k=k, d=d: abs(math.cos(u)) ** a * float(gegenbauer(d, math.cos(u), k)[k]),
                d, [math.pi / 2],
            )  # fmt: skip
            found = teacher.powers(d, np.array([k]))[0]
            assert found == pytest.approx(mu**2 / total, rel=1e-8, abs=1e-14)


@pytest.mark.parametrize("x", [0.3, 5.0, 15.999, 16.0, 300.0, 1e6, 1e20])
@pytest.mark.parametrize("step", [0.0, 0.5, 3.0, 26.0])
def test_ratios_of_gamma_functions(x, step):
    from mpmath import mp

    with mp.workdps(60):
        exact = mp.loggamma(mp.mpf(x) + mp.mpf(step)) - mp.loggamma(mp.mpf(x))
    found = log_gamma_ratio(np.array([x]), step)[0]
    assert abs(found - float(exact)) < 4e-15 * max(1.0, abs(float(exact)), 30 * (step > 0))


@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("decay", [2.0, 5.0, 12.0])
def test_a_ladder_adds_as_if_one_by_one(parity, decay):
    k, w, _ = ladder(parity, decay, (997.0,))
    every = np.arange(parity, 4_000_001, 2, dtype=float)

    def g(x):
        return (1 + x) / (1 + (x / 300.0) ** (decay + 3))

    inside = k <= 997
    assert w[inside] @ g(k[inside]) == pytest.approx(g(every[every <= 997]).sum(), rel=1e-12)
    far = k < 1e7
    assert w[far] @ g(k[far]) == pytest.approx(g(every).sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sphere.Problem(d=1), "d = 1: give a whole number >= 2"),
        (lambda: sphere.Problem(d=2.5), "d = 2.5: give a whole number"),
        (lambda: sphere.Problem(kernel="ntk"), "kernel = 'ntk': give a kernel"),
        (lambda: sphere.Problem(target=1.0), "target = 1.0: give a target"),
        (lambda: sphere.Problem(noise=-1), "noise = -1: give a variance >= 0"),
        (lambda: sphere.GaussianField(0.0), "smoothness = 0.0: give a number > 0"),
        (lambda: sphere.GaussianField(1.0, parity="odd"), "parity = 'odd': give 'even'"),
        (lambda: sphere.GaussianField(1.0, degrees=2.5), "degrees = 2.5: give a whole"),
        (lambda: sphere.Matern(1.0, tau=0), "tau = 0: give a number > 0"),
        (lambda: sphere.Teacher(-1), "power = -1: give a number > 0"),
        (lambda: sphere.Zonal(()), r"spectrum = \(\): give eigenvalues"),
        (lambda: sphere.Zonal((0.0, 0.0)), "spectrum is 0 throughout"),
        (lambda: sphere.Features("tanh"), "activation = 'tanh': give an Activation"),
        (lambda: sphere.eigenvalues(sphere.NTK(), 1, 3), "d = 1"),
        (lambda: sphere.eigenvalues(sphere.NTK(), 3, [0.5]), "degrees = "),
        (lambda: sphere.eigenvalues(sphere.SparseFeatures(), 3, 3), "give a kernel"),
        (lambda: sphere.rotation_change([1.0], 3, 0.1), "powers: give numbers >= 0"),
        (lambda: sphere.rotation_change([0, 1], 3, 4.0), "angle = 4.0: give radians"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(make, words):
    with pytest.raises(theory.InvalidProblem, match=words):
        make()


def test_the_facade_lists_what_the_stub_lists():
    import ast
    from pathlib import Path

    import twinpeaks as tp

    stub = Path(__file__).parents[1] / "facade" / "sphere.pyi"
    listed = {a.asname for n in ast.parse(stub.read_text("utf-8")).body
              if isinstance(n, ast.ImportFrom) for a in n.names}  # fmt: skip
    assert listed == set(tp.sphere.__all__) == set(dir(tp.sphere))
    with pytest.raises(AttributeError, match="slove"):
        _ = tp.sphere.slove
