"""The minimisers: exact sets for the hinge, recycled factors for Newton, one spectrum for ridge."""

import mpmath as mp
import numpy as np
import pytest
import torch

from twinpeaks import theory
from twinpeaks.simulate.draw import draw_instance, streams_of
from twinpeaks.simulate.train import Status, train
from twinpeaks.simulate.trainers import newton
from twinpeaks.simulate.trainers.active_set import polish
from twinpeaks.simulate.trainers.band import BlockTridiagonal
from twinpeaks.simulate.trainers.conjugate import conjugate_gradients
from twinpeaks.simulate.trainers.hinge import interior_point
from twinpeaks.simulate.trainers.newton import DIRECT, Recycling, newton_path
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom

CPU = torch.device("cpu")
SHAPES = [(40, 15), (40, 40), (30, 100)]  # (P, N)
PATH = np.geomspace(10.0, 1e-8, 10)
SMOOTH = [
    theory.Logistic(),
    theory.SquaredHinge(),
    theory.Exponential(),
    theory.CustomLoss(
        lambda e: np.where(abs(e) < 0.5, e * e / 2, 0.5 * abs(e) - 0.125),
        of="difference",
        knot_points=(-0.5, 0.5),
        name="huber",
    ),
]


def draw(P, N, D=20, seed=0, **components):
    problem = theory.Problem(**components)
    streams = streams_of(seed, D, N, P, CPU)
    return draw_instance(problem, D, N, P, streams["training"], Workspace(CPU, 2**20))


# --- ridge ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_an_axis_of_lam_has_one_reduction(P, N, monkeypatch):
    calls, reduce = [], BlockTridiagonal.of
    monkeypatch.setattr(BlockTridiagonal, "of", lambda G: calls.append(G.shape[-1]) or reduce(G))
    drawn = draw(P, N)
    fit = train(theory.Square(), drawn.design, drawn.y, np.geomspace(1e-6, 10, 20))
    assert calls == [min(P, N)]
    assert (fit.status == Status.CONVERGED).all()


# --- conjugate gradients --------------------------------------------------------------------------


def systems(B=3, k=12):
    random = TorchRandom.from_seed(5)
    root, b = random.normal(B, 2 * k, k), random.normal(B, k)
    return root.mT @ root / k, b


def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues():
    H, b = systems()
    for budget, done in ((11, False), (12, True)):
        x, solved = conjugate_gradients(
            lambda v: (H @ v[..., None])[..., 0], lambda r: r, b, 1e-9, budget
        )
        assert bool(solved.all()) is done
    torch.testing.assert_close((H @ x[..., None])[..., 0], b, rtol=1e-8, atol=1e-8)


def test_members_stop_for_themselves_and_every_truncation_descends():
    H, b = systems()
    H[0] = torch.eye(12, dtype=torch.float64)  # solved by one product

    def product(v):
        return (H @ v[..., None])[..., 0]

    for budget in (1, 2, 5):
        x, solved = conjugate_gradients(product, lambda r: r, b, 1e-6, budget)
        assert solved.tolist() == [True, False, False]
        torch.testing.assert_close(x[0], b[0], rtol=0, atol=1e-15)
        assert ((x * b).sum(-1) > 0).all()
    # the exact inverse as preconditioner: one step for all
    x, solved = conjugate_gradients(
        product, lambda r: torch.linalg.solve(H, r[..., None])[..., 0], b, 1e-6, 1
    )
    assert bool(solved.all())


# --- Newton ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", SMOOTH, ids=repr)
@pytest.mark.parametrize(("P", "N"), SHAPES)
def test_recycled_factors_lead_to_the_same_minimum(loss, P, N, monkeypatch):
    factors, make = [0], newton._Objective.factor

    def count(self, t):
        factors[0] += 1
        return make(self, t)

    monkeypatch.setattr(newton._Objective, "factor", count)
    drawn = draw(P, N, loss=loss)
    X, y = drawn.design[None], drawn.y[None]
    found, used = [], []
    for how in (DIRECT, Recycling(smallest=1, budget=8)):
        factors[0] = 0
        W = newton_path(loss, X, y, PATH, how)[0]
        gradient = X[0].T @ loss.slope(y[0][:, None], X[0] @ W) + torch.as_tensor(PATH) * W
        missed = torch.linalg.vector_norm(gradient, dim=0) / torch.as_tensor(PATH)
        assert (missed < 1e-7 * torch.linalg.vector_norm(W, dim=0)).all()
        found.append(W)
        used.append(factors[0])
    error = torch.linalg.vector_norm(found[0] - found[1], dim=0)
    assert (error < 2e-7 * torch.linalg.vector_norm(found[0], dim=0)).all()
    assert used[1] < 0.7 * used[0], used


# --- hinge ----------------------------------------------------------------------------------------


def exact_hinge(A, lam, on, below):
    """The minimum of given sets with 40 digits, or None if an inequality fails."""
    with mp.workdps(40):
        P, N = A.shape
        pull = mp.matrix([mp.fsum(A[below, j].tolist()) for j in range(N)])
        if on:
            rows = mp.matrix(A[on].tolist())
            right = mp.matrix([mp.mpf(lam)] * len(on)) - rows * pull
            a_on = mp.lu_solve(rows * rows.T, right)
            w = (rows.T * a_on + pull) / lam
            if not all(0 < a < 1 for a in a_on):
                return None
        else:
            w = pull / lam
        s = mp.matrix(A.tolist()) * w
        above = sorted(set(range(P)) - set(on) - set(below))
        if not (all(s[i] < 1 for i in below) and all(s[i] > 1 for i in above)):
            return None
        return [w[j] for j in range(N)]


@pytest.mark.parametrize(("P", "N"), [(24, 6), (14, 14), (12, 25)])
@pytest.mark.parametrize("lam", [1.0, 1e-2, 1e-5, 1e-9])
def test_hinge_is_the_minimum_in_40_digits_and_knows_how_close(P, N, lam):
    drawn = draw(P, N, D=8, loss=theory.Hinge())
    A = (drawn.design * drawn.y[:, None]).numpy()
    fit = train(theory.Hinge(), drawn.design, drawn.y, np.array([lam]))
    w, bound = fit.weights[:, 0].numpy(), fit.optimality[0]
    assert (
        bound < 1e-9
    )  # sqrt(2 gap / lam) alone ended near 1e-7, and near 1e-5 at the smallest lam
    s = A @ w
    on = np.flatnonzero(abs(s - 1) < 1e-9).tolist()
    below = np.flatnonzero(s <= 1 - 1e-9).tolist()
    best = exact_hinge(A, lam, on, below)
    assert best is not None  # these sets satisfy every condition of the minimum
    with mp.workdps(40):
        error = mp.sqrt(mp.fsum((mp.mpf(float(x)) - b) ** 2 for x, b in zip(w, best, strict=True)))
        assert error <= bound * np.linalg.norm(w)


@pytest.mark.parametrize(("P", "N"), [(60, 30), (60, 61), (40, 120)])
def test_hinge_path_is_every_lam_alone(P, N):
    # sets are handed on along lam; on their own, all come from the interior-point method
    drawn = draw(P, N, loss=theory.Hinge())
    path = train(theory.Hinge(), drawn.design, drawn.y, PATH)
    assert path.optimality.max() < 1e-9
    for index, lam in enumerate(PATH):
        alone = train(theory.Hinge(), drawn.design, drawn.y, np.array([lam])).weights[:, 0]
        error = torch.linalg.vector_norm(alone - path.weights[:, index])
        assert error < 1e-9 * torch.linalg.vector_norm(alone)


def test_hinge_of_patterns_given_twice():
    # margins of copies are dependent, so no set can be certified; sum over copies = half the penalty
    drawn = draw(40, 15, loss=theory.Hinge())
    X, y = drawn.design, drawn.y
    once = train(theory.Hinge(), X, y, np.array([0.05]))
    twice = train(theory.Hinge(), torch.cat([X, X]), torch.cat([y, y]), np.array([0.1]))
    assert twice.status[0] == Status.CONVERGED
    error = torch.linalg.vector_norm(twice.weights - once.weights)
    size = torch.linalg.vector_norm(twice.weights)
    assert error <= (twice.optimality[0] + once.optimality[0]) * size


def test_sets_that_are_wrong_are_corrected_or_refused():
    drawn = draw(40, 15, loss=theory.Hinge())
    A = drawn.design * drawn.y[:, None]
    v, a, _ = (x[0] for x in interior_point(A[None], 0.1))
    right = polish(A, A, None, 0.1, a, A @ v)
    s, random, found = A @ v, TorchRandom.from_seed(1), []
    for size in (0.0, 0.05, 0.1, 0.2, 0.4, 1.0, 2.0):
        for _ in range(5):
            noise = size * random.normal(2, 40)
            guess = polish(A, A, None, 0.1, (a + noise[0]).clamp(0, 1), s + noise[1])
            found.append(guess is not None)
            if guess is not None:  # from anywhere: the minimum, or nothing
                torch.testing.assert_close(guess.w, right.w, rtol=1e-10, atol=1e-12)
    assert all(found[:10])
    assert not all(found)
    # multipliers and margins of the minimum: 0 <= a <= 1 beyond rounding, lam w = A^T a
    torch.testing.assert_close(A.T @ right.a / 0.1, right.w, rtol=1e-9, atol=1e-12)
    assert ((right.a >= 0) & (right.a <= 1)).all()
