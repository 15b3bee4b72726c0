"""Interpolation on the sphere with the least total variation: optimality, certificates, refusals."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")
from scipy.optimize import linprog

from twinpeaks.simulate.sphere.variation import Certificate, least_variation
from twinpeaks.simulate.sphere.variation.arrangement import Circle, Sphere, values
from twinpeaks.simulate.sphere.variation.ascent import Ascent
from twinpeaks.simulate.sphere.variation.simplex import Master, SingularBasis
from twinpeaks.simulate.sphere.variation.solve import merged


def on_sphere(n, d, seed):
    x = np.random.default_rng(seed).standard_normal((n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def first_coefficient(d):
    """Mean of relu(theta . x) over the sphere."""
    return math.gamma(d / 2) / (2 * math.sqrt(math.pi) * math.gamma((d + 1) / 2))


@pytest.mark.parametrize(("d", "n"), [(2, 3), (2, 7), (2, 40), (3, 4), (3, 9), (3, 40)])
def test_the_maximum_over_the_sphere_is_exact(d, n):
    # No one of 2e5 points is higher, nor any that climbing from them reaches.
    x = on_sphere(n, d, [n, d])
    for seed in range(4):
        p = np.random.default_rng(seed).standard_normal(n)
        theta, eta = (Circle if d == 2 else Sphere)(x).maxima(p, 0.0)
        np.testing.assert_allclose(values(theta, x, p), eta, atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(theta, axis=1), 1, atol=1e-12)
        points = on_sphere(200_000 // n, d, seed)
        assert abs(values(points, x, p)).max() <= abs(eta[0]) + 1e-12
        climbed = Ascent(x, np.random.default_rng(seed)).maxima(p, 0.0, 50)[1]
        assert abs(climbed[0]) <= abs(eta[0]) + 1e-12
        if n <= 9:
            assert abs(climbed[0]) == pytest.approx(abs(eta[0]), rel=1e-3)


def test_every_point_returned_is_a_local_maximum():
    x = on_sphere(12, 3, 0)
    p = np.random.default_rng(1).standard_normal(12)
    theta, eta = Sphere(x).maxima(p, 0.0)
    random = np.random.default_rng(2)
    for at, height in zip(theta, eta, strict=True):
        beside = at + 1e-5 * random.standard_normal((200, 3))
        beside /= np.linalg.norm(beside, axis=1, keepdims=True)
        assert (np.sign(height) * values(beside, x, p)).max() <= abs(height) + 1e-12


@pytest.mark.parametrize(("d", "n"), [(2, 5), (2, 8), (3, 5), (3, 7)])
def test_a_linear_programme_on_a_grid_comes_down_to_it(d, n):
    x, random = on_sphere(n, d, [n, d, 1]), np.random.default_rng(n)
    y = random.standard_normal(n)
    found = least_variation(x, y, tol=1e-9)
    assert found.status is Certificate.CERTIFIED
    excess = []
    for points in (500, 8000):
        grid = covering(d, points)
        columns = np.maximum(grid @ x.T, 0).T
        best = linprog(np.ones(2 * points), A_eq=np.hstack([columns, -columns]), b_eq=y)
        excess.append(best.fun / found.total_variation - 1)
    # no grid does better; the distance to its points shrinks 16 times in d = 2 and 4 times in d = 3
    assert -1e-9 <= excess[1] <= max(1e-6, 2 * excess[0] / (16 if d == 2 else 4))


def covering(d, points):
    """Points all over the circle or the sphere, evenly."""
    if d == 2:
        angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
        return np.stack([np.cos(angles), np.sin(angles)], 1)
    k = np.arange(points) + 0.5
    z, turn = 1 - 2 * k / points, np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z], 1)


@pytest.mark.parametrize(
    ("d", "n", "tol"), [(2, 2, 1e-8), (2, 48, 1e-8), (3, 2, 1e-8), (3, 48, 1e-8), (5, 24, 1e-6)]
)
def test_primal_and_dual_are_feasible_and_meet(d, n, tol):
    x = on_sphere(n, d, [n, d, 2])
    for y in (np.ones(n), np.random.default_rng(n).standard_normal(n), 1e6 * x[:, 0] ** 2):
        found = least_variation(x, y, tol=tol)
        expected = Certificate.CERTIFIED if d <= 3 else Certificate.MULTISTART
        assert found.status is expected
        assert abs(found(x) - y).max() <= 1e-9 * abs(y).max()
        assert found.total_variation == pytest.approx(abs(found.weights).sum(), rel=1e-14)
        assert len(found.weights) <= n
        points = np.concatenate([on_sphere(20_000, d, 3), found.atoms])
        eta = values(points, x, found.dual)
        assert abs(eta).max() <= 1 + (1e-10 if d <= 3 else 1e-2)
        assert found.dual @ y >= found.total_variation * (1 - 1.01 * tol)
        # Complementary slackness: |eta| = 1 at the atoms, as far as the gap tells.
        slack = 1 - eta[-len(found.weights) :] * np.sign(found.weights)
        assert (abs(found.weights) * slack).sum() <= 1.01 * tol * found.total_variation + 1e-12


def test_a_neuron_is_recovered_from_its_outputs():
    x = on_sphere(40, 3, 4)
    teacher = on_sphere(1, 3, 5)[0]
    found = least_variation(x, np.maximum(x @ teacher, 0), tol=1e-6)
    # Its cell alone has one atom, and total variation 1 cannot be beaten by much: theta within a cell.
    assert found.total_variation <= 1 + 1e-6
    assert found.total_variation > 0.99


def test_scale_and_rotation_are_symmetries():
    x, y = on_sphere(20, 3, 6), np.random.default_rng(7).standard_normal(20)
    turn = np.linalg.qr(np.random.default_rng(8).standard_normal((3, 3)))[0]
    one = least_variation(x, y, tol=1e-8)
    for other in (
        least_variation(x @ turn, 3 * y, tol=1e-8),
        least_variation(x, -3 * y, tol=1e-8, seed=5),
    ):
        assert other.total_variation == pytest.approx(3 * one.total_variation, rel=3e-8)


def test_a_constant_costs_less_than_its_norm_and_comes_near_it():
    for d, n, off in ((2, 64, 2e-3), (3, 96, 0.02)):
        found = least_variation(on_sphere(n, d, 9), np.ones(n))
        assert 1 - off < found.total_variation * first_coefficient(d) < 1
        assert (found.weights > 0).all()


def test_atoms_of_one_cell_are_one():
    x = on_sphere(6, 3, 10)
    random = np.random.default_rng(11)
    atoms = on_sphere(1, 3, 12) + 1e-4 * random.standard_normal((5, 3))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    weights = np.array([1.0, 2.0, -1.0, 0.5, -3.0])
    less, sums = merged(atoms, weights, x)
    assert len(less) == 2
    assert abs(sums).sum() <= abs(weights).sum()
    before = np.maximum(x @ atoms.T, 0) @ weights
    np.testing.assert_allclose(np.maximum(x @ less.T, 0) @ sums, before, atol=1e-13)


def test_what_did_not_converge_has_no_numbers(monkeypatch):
    x = on_sphere(30, 3, 13)
    for given in ({"max_pivots": 5}, {"max_rounds": 1}):
        found = least_variation(x, np.ones(30), tol=1e-9, **given)
        assert found.status is Certificate.MAX_PIVOTS
        assert math.isnan(found.total_variation)
        assert math.isnan(found.gap)
        assert not len(found.weights)
    with pytest.raises(SingularBasis):
        Master(np.ones(3), np.ones((7, 3)))
    near = np.concatenate([x, x[:1] + 1e-15])
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    near[-1, 0] = np.nextafter(x[0, 0], 2)
    found = least_variation(near, np.arange(31.0))
    assert found.status in (Certificate.SINGULAR, Certificate.MAX_PIVOTS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputs": np.ones((4, 3))}, "unit vector"),
        ({"inputs": np.ones(4)}, "shape"),
        ({"labels": np.ones(3)}, "labels have shape"),
        ({"labels": np.full(4, np.nan)}, "finite"),
        ({"labels": np.zeros(4)}, "all 0"),
        ({"tol": 0.0}, "tol = 0"),
        ({"inputs": np.eye(3)[[0, 1, 2, 0]]}, "two rows are equal"),
    ],
)
def test_refusals(change, words):
    given = {"inputs": on_sphere(4, 3, 14), "labels": np.ones(4), "tol": 1e-6} | change
    with pytest.raises(ValueError, match=words):
        least_variation(given["inputs"], given["labels"], tol=given["tol"])
