"""Kernel regression on the sphere, averaged exactly, against plain averages over test points and targets."""

import numpy as np
import pytest

pytest.importorskip("torch")

from twinpeaks.simulate.sphere import run
from twinpeaks.simulate.sphere.lazy import averaged_errors
from twinpeaks.simulate.sphere.zonal import angles, draw, orthonormal, relu_coefficients
from twinpeaks.theory.errors import InvalidProblem
from twinpeaks.theory.sphere.kernels import NTK, RFK, SparseFeatures
from twinpeaks.theory.sphere.problem import Problem
from twinpeaks.theory.sphere.targets import Constant, GaussianField


def nodes():
    """Points and weights that integrate polynomials of degree 159 over the sphere."""
    z, w = np.polynomial.legendre.leggauss(80)
    turn = np.arange(160) * 2 * np.pi / 160
    r = np.sqrt(1 - z * z)
    rim = np.stack([np.cos(turn), np.sin(turn)], 1)
    x = np.concatenate([r[:, None, None] * rim, np.broadcast_to(z[:, None, None], (80, 160, 1))], 2)
    return x.reshape(-1, 3), np.repeat(w / 320, 160)


@pytest.mark.parametrize("kernel", [NTK(), RFK()])
@pytest.mark.parametrize("lam", [0.0, 0.01])
def test_a_quadrature_over_test_points_agrees(kernel, lam):
    # The target is 1, so that there is nothing else to average; the kink of the NTK limits the quadrature.
    x = draw(24, 3, np.random.default_rng(0))
    points, weights = nodes()
    K = kernel.value(3, angles(x, x) * (1 - np.eye(24)))
    out = kernel.value(3, angles(points, x)) @ np.linalg.solve(K + lam * np.eye(24), np.ones(24))
    expected = weights @ (1 - out) ** 2
    found, status = averaged_errors(
        Problem(d=3, kernel=kernel, target=Constant()), x, np.array([lam])
    )
    assert status[0] == 0
    assert found[0] == pytest.approx(expected, rel=1e-3)


def test_harmonics_are_orthonormal_and_relu_has_its_coefficients():
    points, weights = nodes()
    Y = np.concatenate([orthonormal(3, k, points) for k in (0, 1, 2, 4)], 1)
    np.testing.assert_allclose((Y * weights[:, None]).T @ Y, np.eye(18), atol=1e-10)
    # mu_0, mu_1 = 1/4, 1/6; d mu_k^2 = 3/256 and 1/3072 at k = 2, 4.
    np.testing.assert_allclose(
        3 * relu_coefficients(3, 5)[[0, 1, 2, 4]] ** 2, [3 / 16, 1 / 12, 3 / 256, 1 / 3072]
    )


def test_sparse_features_land_where_they_did_before():
    # Another code gave .003268(377) of 24 other sets of inputs, and a total variation of 3.8757.
    found = run(Problem(d=3, kernel=SparseFeatures(), target=Constant()), n=32, seeds=12)
    assert (found.status == 0).all()
    assert float(found.test_error.mean()) == pytest.approx(3.27e-3, rel=0.5)
    assert float(found.tv.mean()) == pytest.approx(3.8757, rel=0.02)


def test_a_store_keeps_the_numbers(tmp_path):
    problem = Problem(d=3, target=GaussianField(smoothness=1.5, degrees=40), noise=0.1)
    first = run(problem, n=[8, 16], lam=[0.0, 0.1], seeds=2, store=tmp_path / "s.db")
    again = run(problem, n=[8, 16], lam=[0.0, 0.1], seeds=2, store=tmp_path / "s.db")
    assert first.identical(again)


def test_refusals():
    with pytest.raises(InvalidProblem, match="noise = 0"):
        run(Problem(kernel=SparseFeatures(), noise=0.1), n=8)
    with pytest.raises(ValueError, match="n = 1"):
        run(Problem(), n=1)
