"""The bound on the distance to the minimum is one: against minimisers of 50 digits."""

import mpmath as mp
import numpy as np
import pytest
import torch

import twinpeaks as tp
from twinpeaks.simulate.train import train
from twinpeaks.simulate.trainers.bound import product


def designs(P, N):
    rng = np.random.default_rng(0)
    free = rng.normal(size=(P, N)) / N**0.5
    return {
        "gaussian": free,
        "rank one": np.outer(rng.normal(size=P), rng.normal(size=N)) / N**0.5,
        "ill conditioned": free * 10.0 ** -np.linspace(0, 8, N),
        "Hilbert": 1.0 / (1 + np.arange(P)[:, None] + np.arange(N)),
    }


def labels(P):
    return np.sign(np.random.default_rng(1).normal(size=P))


def error(w, best):
    """|w - best| / |w|, in the digits of best."""
    off = mp.sqrt(mp.fsum((mp.mpf(float(a)) - b) ** 2 for a, b in zip(w, best, strict=True)))
    return float(off / mp.mpf(float(np.linalg.norm(w))))


def ridge(X, y, lam):
    """X^T (X X^T + lam)^{-1} y."""
    K = X * X.T
    for i in range(K.rows):
        K[i, i] += lam
    return X.T * mp.lu_solve(K, y)


def smooth(loss, X, y, lam, start):
    """Newton on the dual a = l'(X w), w = -X^T a / lam, from a float minimum; P equations."""
    w = mp.matrix([mp.mpf(float(x)) for x in start])
    for _ in range(6):
        s = [y[i] * t for i, t in enumerate(X * w)]
        if isinstance(loss, tp.Logistic):
            first = [-y[i] / (1 + mp.exp(s[i])) for i in range(len(s))]
            second = [1 / ((1 + mp.exp(a)) * (1 + mp.exp(-a))) for a in s]
        else:
            first = [-y[i] * max(1 - a, 0) for i, a in enumerate(s)]
            second = [mp.mpf(a < 1) for a in s]
        g = X.T * mp.matrix(first) + lam * w
        H = X.T * mp.diag(second) * X + lam * mp.eye(len(w))
        w -= mp.lu_solve(H, g)
    return w


@pytest.mark.parametrize("lam", [1.0, 1e-4, 1e-8])
@pytest.mark.parametrize(("P", "N"), [(8, 20), (20, 8), (12, 12)])
def test_ridge(P, N, lam):
    y = labels(P)
    for name, X in designs(P, N).items():
        fit = train(tp.Square(), *map(torch.as_tensor, (X, y)), np.array([lam]), tolerance=np.inf)
        with mp.workdps(50):
            best = ridge(mp.matrix(X.tolist()), mp.matrix(y.tolist()), mp.mpf(lam))
            off = error(fit.weights[:, 0].numpy(), best)
        assert off <= fit.optimality[0] < 1e-5, name


@pytest.mark.parametrize("loss", [tp.Logistic(), tp.SquaredHinge()], ids=repr)
@pytest.mark.parametrize("lam", [1.0, 1e-4, 1e-7])
@pytest.mark.parametrize(("P", "N"), [(8, 12), (16, 7)])
def test_smooth_losses(loss, P, N, lam):
    y = labels(P)
    for name, X in designs(P, N).items():
        fit = train(loss, *map(torch.as_tensor, (X, y)), np.array([lam]), tolerance=np.inf)
        w = fit.weights[:, 0].numpy()
        with mp.workdps(50):
            best = smooth(loss, mp.matrix(X.tolist()), mp.matrix(y.tolist()), mp.mpf(lam), w)
            off = error(w, best)
        assert off <= fit.optimality[0] < 1e-5, name


def test_a_float_gradient_does_not_see_the_error():
    """Rank one, many patterns: the gradient in float64 is far too small, the bound is not."""
    X, y, lam = designs(30, 12)["rank one"], labels(30), 1e-4
    fit = train(tp.Square(), *map(torch.as_tensor, (X, y)), np.array([lam]))
    w = fit.weights[:, 0].numpy()
    with mp.workdps(50):
        off = error(w, ridge(mp.matrix(X.tolist()), mp.matrix(y.tolist()), mp.mpf(lam)))
    assert off <= fit.optimality[0] < 10 * off  # and tight here


@pytest.mark.parametrize("n", [1, 2, 300, 5000])
def test_products_beyond_float64(n):
    """Entries over sixteen decades; the exact sum by 100 digits."""
    rng = np.random.default_rng(n)
    A, V = (
        torch.as_tensor(rng.normal(size=s) * 10.0 ** rng.integers(-8, 8, size=s))
        for s in ((1, 3, n), (1, n, 2))
    )
    got = product(A, V)
    with mp.workdps(100):
        for i, j in np.ndindex(3, 2):
            exact = mp.fsum(
                mp.mpf(float(a)) * mp.mpf(float(b))
                for a, b in zip(A[0, i], V[0, :, j], strict=True)
            )
            sum_ = mp.mpf(float(got.high[0, i, j])) + mp.mpf(float(got.low[0, i, j]))
            assert abs(sum_ - exact) <= float(got.error[0, i, j])
            assert float(got.error[0, i, j]) <= 1e-20 * float(
                A[0, i].abs().max() * V[0, :, j].abs().max()
            )
