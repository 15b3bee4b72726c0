"""Paths through the axes: one call equals many."""

import numpy as np
import pytest
from points import FLIPPED, SQUARE, along, assert_same

from twinpeaks import theory


def test_a_path_is_the_diagonal_of_the_product():
    """Forty points at fixed N/D, limits in between, not monotone; times a product axis."""
    alpha_T = np.geomspace(0.3, 20, 12)
    alpha_T = np.concatenate([alpha_T[::2], alpha_T[::-2]])
    overparam = 3.0 / alpha_T
    overparam[[2, 7]] = np.inf
    lam = np.where(np.arange(alpha_T.size) % 5 == 3, 0.0, 10.0 ** -(np.arange(alpha_T.size) % 4))
    path = theory.solve(
        FLIPPED,
        overparam=along("a", overparam),
        alpha_T=along("a", alpha_T),
        lam=along("a", lam),
        beta=np.inf,
    )
    assert path.test_error.dims == ("a",)
    assert path.lam.values.tolist() == lam.tolist()
    for i in range(alpha_T.size):
        alone = theory.solve(FLIPPED, overparam=overparam[i], alpha_T=alpha_T[i], lam=lam[i])
        assert_same(path.isel(a=i), alone)


def test_a_path_times_a_product_at_finite_temperature():
    """Temperature and size on one path, the penalty across."""
    problem, lam = theory.Problem(), [1e-3, 0.1]
    beta, overparam = np.array([1.0, np.inf, 10.0]), np.array([2.0, 0.5, np.inf])
    path = theory.solve(
        problem, overparam=along("a", overparam), alpha_T=2.0, lam=lam, beta=along("a", beta)
    )
    product = theory.solve(problem, overparam=overparam, alpha_T=2.0, lam=lam, beta=beta)
    diagonal = product.isel(overparam=along("a", [0, 1, 2]), beta=along("a", [0, 1, 2]))
    assert path.bmd.dims == ("a", "lam")
    assert_same(path, diagonal.transpose("a", "lam"))


def test_a_long_path_is_followed_coarse_to_fine():
    """400 points cost little more than one evaluation each, as those of a product do."""
    a = np.geomspace(0.5, 50, 400)
    path = theory.solve(
        FLIPPED, overparam=along("a", 5.0 / a), alpha_T=along("a", a), lam=along("a", 0.1 / a)
    )
    assert float(path.evaluations.mean()) < 3.0


def test_points_closer_than_rounding_of_their_logarithms():
    """ln 1e5 and ln of its neighbour are one number; the points are still two."""
    near = np.nextafter(1e5, np.inf)
    got = theory.solve(theory.Problem(), overparam=[1e5, near], alpha_T=3.0, lam=1.0)
    assert_same(got.isel(overparam=0), got.isel(overparam=1), rtol=1e-9)


def test_optimal_penalties_draw_a_path():
    """What ``optimal_lam`` returns is a path over N/P, and ``solve`` gives the same model there."""
    best = theory.optimal_lam(SQUARE, overparam=[0.3, 2.0], alpha_T=3.0)
    got = theory.solve(SQUARE, overparam=best.overparam, alpha_T=3.0, lam=best.lam)
    assert got.test_error.dims == ("overparam",)
    assert_same(got, best, rtol=1e-7)


def test_peak_and_optimum_along_paths():
    a = np.array([2.0, 4.0])
    top = theory.peak(
        SQUARE, "bmd", along="overparam", alpha_T=along("a", a), lam=along("a", 1e-3 * a)
    )
    one = theory.peak(SQUARE, "bmd", along="overparam", alpha_T=4.0, lam=4e-3)
    assert top.location.dims == ("a",)
    assert float(top.location[1]) == pytest.approx(float(one.location), rel=1e-10)
    best = theory.optimal_lam(SQUARE, overparam=along("a", 6.0 / a), alpha_T=along("a", a))
    alone = theory.optimal_lam(SQUARE, overparam=1.5, alpha_T=4.0)
    assert float(best.lam[1]) == pytest.approx(float(alone.lam), rel=1e-8)


def test_radii_along_a_path_of_the_curve():
    curve = theory.solve(SQUARE, overparam=along("a", [0.5, 2.0]), alpha_T=3.0, lam=0.1)
    got = theory.flip_rate(SQUARE, curve, along("a", [0.1, 0.4]))
    product = theory.flip_rate(SQUARE, curve, [0.1, 0.4])
    assert got.values.tolist() == [float(product[0, 0]), float(product[1, 1])]
    with pytest.raises(ValueError, match="eps has the dimension 'a' with 3 values"):
        theory.flip_rate(SQUARE, curve, along("a", [0.1, 0.4, 0.5]))
