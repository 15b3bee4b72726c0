"""Exact averages on the sphere against 50 digits: what is called exact is, all else is not returned."""

import numpy as np
import pytest
from mpmath import mp

pytest.importorskip("torch")

from twinpeaks.simulate.sphere.lazy import Average, averaged_errors
from twinpeaks.simulate.sphere.zonal import draw
from twinpeaks.theory.sphere import NTK, RFK, Constant, Problem


def exact(kernel, d, x, degrees):
    """Error of the interpolant of 1, all in mpmath: (1 - lambda_0 1.a)^2 + sum over degrees > 0."""
    n = len(x)
    with mp.workdps(50):
        rows = [[mp.mpf(float(v)) for v in row] for row in x]
        rows = [[v / mp.sqrt(mp.fsum(u * u for u in row)) for v in row] for row in rows]
        value = [mp.mpf(float(v)) for v in kernel.eigenvalues(d, np.arange(degrees))]
        count = [mp.mpf(1), mp.mpf(d)]
        count += [
            (2 * k + d - 2) * mp.gammaprod([k + d - 2], [k + 1, d - 1]) for k in range(2, degrees)
        ]
        K, R2 = mp.matrix(n, n), mp.matrix(n, n)
        for i in range(n):
            for j in range(i, n):
                t = mp.mpf(1) if i == j else mp.fdot(rows[i], rows[j])
                u = mp.acos(t)
                twice = 2 if isinstance(kernel, NTK) else 1
                K[i, j] = K[j, i] = (mp.sin(u) + twice * (mp.pi - u) * mp.cos(u)) / (2 * mp.pi)
                before, here, total = mp.mpf(1), t, value[1] ** 2 * count[1] * t
                for k in range(1, degrees - 1):
                    before, here = here, ((2 * k + d - 2) * t * here - k * before) / (k + d - 2)
                    total += value[k + 1] ** 2 * count[k + 1] * here
                R2[i, j] = R2[j, i] = total
        a = mp.cholesky_solve(K, mp.ones(n, 1))
        return float((1 - value[0] * mp.fsum(a)) ** 2 + (a.T * R2 * a)[0])


@pytest.mark.parametrize(("kernel", "d", "n"), [(RFK(), 2, 14), (RFK(), 3, 16), (NTK(), 3, 12)])
def test_what_is_called_exact_is(kernel, d, n):
    for seed in range(1):
        x = draw(n, d, np.random.default_rng(seed))
        problem = Problem(d=d, kernel=kernel, target=Constant())
        (found,), (status,) = averaged_errors(problem, x, np.zeros(1))
        degrees = max(120, int(20 * n ** (1 / (d - 1))) + 1)
        if status == Average.EXACT:
            assert found == pytest.approx(exact(kernel, d, x, degrees), rel=0.02)
        else:
            assert np.isnan(found)
        if isinstance(kernel, NTK):
            assert status == Average.EXACT


@pytest.mark.parametrize(("d", "n"), [(2, 200)])
def test_digits_that_are_lost_are_not_returned(d, n):
    """Random features without ridge: the theory has errors of 1e-15 and below here."""
    x = draw(n, d, np.random.default_rng(1))
    problem = Problem(d=d, kernel=RFK(), target=Constant())
    (found,), (status,) = averaged_errors(problem, x, np.zeros(1))
    assert status in (Average.CANCELLATION, Average.SINGULAR)
    assert np.isnan(found)
    (found,), (status,) = averaged_errors(problem, x, np.array([0.1]))
    assert status == Average.EXACT
    assert found > 0


def test_points_that_coincide_make_the_kernel_singular():
    x = draw(20, 3, np.random.default_rng(2))
    x[7] = x[3]
    problem = Problem(d=3, kernel=NTK(), target=Constant())
    (found,), (status,) = averaged_errors(problem, x, np.zeros(1))
    assert status in (Average.CANCELLATION, Average.SINGULAR)
    assert np.isnan(found)


def test_label_noise_is_averaged_as_by_brute_force():
    """sigma^2 |f^ of noise|^2 over 4000 draws of labels, within 4 standard errors (false alarm 6e-5)."""
    x = draw(12, 3, np.random.default_rng(3))
    quiet = Problem(d=3, kernel=NTK(), target=Constant())
    loud = quiet.replace(noise=0.5)
    lam = np.array([0.2])
    (clean,), _ = averaged_errors(quiet, x, lam)
    (noisy,), _ = averaged_errors(loud, x, lam)
    rng = np.random.default_rng(4)
    points = draw(3000, 3, rng)
    K = NTK().value(3, np.arccos(np.clip(x @ x.T, -1, 1)) * (1 - np.eye(12)))
    to = NTK().value(3, np.arccos(np.clip(points @ x.T, -1, 1)))
    labels = np.sqrt(0.5) * rng.standard_normal((12, 4000))
    added = ((to @ np.linalg.solve(K + 0.2 * np.eye(12), labels)) ** 2).mean(0)
    error = added.std() / 4000**0.5 + 0.01 * added.mean()  # and that of the points
    assert abs(noisy - clean - added.mean()) < 4 * error
