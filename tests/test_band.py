"""The block-tridiagonal form of symmetric matrices, against dense linear algebra."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from twinpeaks.simulate.trainers.band import BlockTridiagonal, block_width
from twinpeaks.simulate.trainers.ridge import ridge_path

EPS = np.finfo(float).eps


def symmetric(rng, k, rank, members=1):
    A = rng.standard_normal((members, k, rank))
    return torch.as_tensor(A @ A.transpose(0, 2, 1) / max(rank, 1))


def assembled(form):
    """S as a dense matrix."""
    sizes = [d.shape[-1] for d in form.diagonal]
    at = np.concatenate([[0], np.cumsum(sizes)])
    S = torch.zeros(len(form.diagonal[0]), at[-1], at[-1], dtype=torch.float64)
    for j, block in enumerate(form.diagonal):
        S[:, at[j] : at[j + 1], at[j] : at[j + 1]] = block
    for j, block in enumerate(form.below):
        S[:, at[j + 1] : at[j + 2], at[j] : at[j + 1]] = block
        S[:, at[j] : at[j + 1], at[j + 1] : at[j + 2]] = block.mT
    return S


@settings(deadline=None, max_examples=60)
@given(
    k=st.integers(1, 60),
    share=st.floats(0, 1),
    width=st.integers(1, 20),
    members=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_orthogonal_similarity(k, share, width, members, seed):
    rng = np.random.default_rng(seed)
    G = symmetric(rng, k, round(share * k), members)
    form = BlockTridiagonal.of(G.clone(), width)
    eye = torch.eye(k, dtype=torch.float64).expand(members, k, k)
    Q = form.backward(eye)
    size = float(G.abs().max()) + 1e-300
    assert (Q.mT @ Q - eye).abs().max() < 100 * k * EPS
    assert (Q @ assembled(form) @ Q.mT - G).abs().max() < 100 * k * EPS * size
    assert (form.forward(Q) - eye).abs().max() < 100 * k * EPS


@pytest.mark.parametrize("k", [1, 15, 16, 17, 100, 300])
def test_shifted_systems_against_dense_solution(k):
    rng = np.random.default_rng(k)
    G = symmetric(rng, k, k, 2)
    b = torch.as_tensor(rng.standard_normal((2, k, 1)))
    lam = torch.logspace(-6, 2, 9, dtype=torch.float64)
    found = BlockTridiagonal.of(G.clone()).factor(lam).solve(b)
    for i, shift in enumerate(lam):
        H = G + shift * torch.eye(k, dtype=torch.float64)
        residual = torch.linalg.vector_norm(H @ found[..., i : i + 1] - b, dim=1)
        # backward stable: |H x - b| <= c eps |H| |x|
        scale = torch.linalg.matrix_norm(H, 2) * torch.linalg.vector_norm(found[..., i], dim=1)
        assert (residual[:, 0] <= 50 * EPS * scale).all()


def test_a_column_for_every_shift():
    rng = np.random.default_rng(1)
    G, lam = symmetric(rng, 70, 70), torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    factors = BlockTridiagonal.of(G.clone()).factor(lam)
    b = torch.as_tensor(rng.standard_normal((1, 70, 3)))
    apart = [factors.solve(b[..., i : i + 1])[..., i] for i in range(3)]
    torch.testing.assert_close(factors.solve(b), torch.stack(apart, dim=-1), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("rank", [0, 1, 40])
def test_semidefinite_matrix_and_a_shift_below_rounding(rank):
    rng = np.random.default_rng(2)
    G = symmetric(rng, 120, rank)
    b = G @ torch.as_tensor(rng.standard_normal((1, 120, 1)))
    lam = torch.tensor([1e-18], dtype=torch.float64)
    x = BlockTridiagonal.of(G.clone()).factor(lam).solve(b)
    assert torch.isfinite(x).all()
    assert torch.linalg.vector_norm(G @ x - b) <= 1e-12 * (1 + torch.linalg.vector_norm(b))


def test_ridge_path_against_the_eigenbasis():
    # the minimiser in the singular basis of X, which never forms a Gram matrix
    rng = np.random.default_rng(3)
    lam = torch.logspace(-5, 2, 8, dtype=torch.float64)
    for P, N in ((150, 90), (90, 150), (100, 100)):
        X = torch.as_tensor(rng.standard_normal((2, P, N)) / N**0.5)
        y = torch.as_tensor(rng.standard_normal((2, P)))
        U, s, Vh = torch.linalg.svd(X, full_matrices=False)
        filters = s[..., None] / (s[..., None] ** 2 + lam)
        exact = Vh.mT @ (filters * (U.mT @ y[..., None]))
        error = torch.linalg.vector_norm(ridge_path(X, y, lam) - exact, dim=1)
        assert (error <= 1e-11 * torch.linalg.vector_norm(exact, dim=1)).all()


def test_blocks_are_never_wider_than_the_matrix_needs():
    assert [block_width(k) for k in (1, 200, 400, 1024, 10**5)] == [16, 16, 25, 64, 64]
