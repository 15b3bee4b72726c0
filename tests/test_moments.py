"""Streaming moments, covariances and binomial errors: exact enumeration and ill-conditioned samples."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy import stats

from twinpeaks.measure.degrees import _pair_statistics
from twinpeaks.measure.moments import Moments, binomial_error, covariance, pairs


def cube(n):
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor])
def test_blocks_of_any_size_merge_to_the_whole(library):
    """Also 1e8 standard deviations from 0, where sums of squares would hold no digit of the spread."""
    rows = np.random.default_rng(0).normal(size=(1000, 2, 3)) @ np.diag([1.0, 2.0, 0.5]) + 1e8
    found = Moments.of_blocks(library(part) for part in np.split(rows, [1, 2, 300, 301, 999]))
    assert found.count == 1000
    for column in range(2):
        exact = np.cov((rows[:, column] - 1e8).T)
        np.testing.assert_allclose(found.scatter[column] / 999, exact, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.mean - 1e8, (rows - 1e8).mean(0), rtol=0, atol=1e-6)


def test_average_of_one_sample_has_no_error():
    assert np.isnan(Moments.of(np.ones((1, 2))).average().standard_error).all()


def test_covariance_of_pairs_is_that_of_numpy_with_the_formula_of_kenney_and_keeping():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(50, 1)) ** 2
    b = a * 0.3 + rng.exponential(size=(50, 1))
    found = covariance(Moments.of_blocks([pairs(a[:20], b[:20]), pairs(a[20:], b[20:])]))
    assert found.value == pytest.approx(np.cov(a[:, 0], b[:, 0])[0, 1], rel=1e-12)
    s2 = np.var((a - a.mean()) * (b - b.mean()), ddof=1)
    C = np.cov(a[:, 0], b[:, 0])
    second = C[0, 1] ** 2 + C[0, 0] * C[1, 1]
    variance = (s2 - 2 * second / 50) / 50 + second / (50 * 49)
    assert found.standard_error**2 == pytest.approx(variance, rel=1e-12)


def test_the_covariance_is_unbiased_and_its_variance_is_as_stated():
    """All 6^4 samples of 4 from 6 equally likely pairs of vectors, against exact moments of the law."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 6, 2))
    da, db = a - a.mean(0), b - b.mean(0)
    exact = np.mean(np.sum(da * db, 1))
    C_ab, C_aa, C_bb = da.T @ db / 6, da.T @ da / 6, db.T @ db / 6
    second = np.trace(C_ab @ C_ab) + np.trace(C_aa @ C_bb)
    variance = np.var(np.sum(da * db, 1)) / 4 + second / (4 * 3)
    values = [
        covariance(Moments.of(pairs(a[list(pick)], b[list(pick)]))).value
        for pick in itertools.product(range(6), repeat=4)
    ]
    assert np.mean(values) == pytest.approx(exact, rel=1e-12)
    assert np.var(values) == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize("m", [3, 4])
def test_degree_weights_are_unbiased_with_their_centring(m):
    """All samples of m points of {-1, 1}^2, f = 3 + x_1 - 2 x_2 + x_1 x_2 / 2: weights 5 and 1/4."""
    x = cube(2)
    f = (3 + x[:, 0] - 2 * x[:, 1] + 0.5 * x[:, 0] * x[:, 1])[:, None]
    every = [
        _pair_statistics(x[list(pick)], f[list(pick)], 2)[0]
        for pick in itertools.product(range(4), repeat=m)
    ]
    np.testing.assert_allclose(np.mean(every, axis=0), [5, 0.25], rtol=1e-12)


def test_pair_statistics_by_triple_loops():
    rng = np.random.default_rng(3)
    x, f = np.sign(rng.normal(size=(9, 4))), rng.normal(size=(9, 2))
    centred = f - f.mean(0)
    found = _pair_statistics(x, f, 3)
    for k in (1, 2, 3):
        h = np.zeros((9, 9))
        for a, b in itertools.permutations(range(9), 2):
            terms = itertools.combinations(x[a] * x[b], k)
            h[a, b] = centred[a] @ centred[b] * sum(np.prod(t) for t in terms)
        triples = [h[a, b] * h[a, c] for a, b, c in itertools.permutations(range(9), 3)]
        share = float(1 - Fraction(2, 9) + Fraction(2, 81))
        exact = [h.sum() / 72, np.mean(triples) / share, np.sum(h**2) / 72 / share]
        np.testing.assert_allclose(found[:, k - 1] * share, exact, rtol=1e-11)


@pytest.mark.parametrize(("count", "least"), [(64, 0.92), (256, 0.93), (10_000, 0.93)])
def test_binomial_errors_cover_every_rate(count, least):
    """Exact sums over the binomial law, for rates from 1e-3 / count to 1/2; the plug-in error does not."""
    k, p = np.arange(count + 1), np.geomspace(1e-3 / count, 0.5, 500)
    law = stats.binom.pmf(k[:, None], count, p)
    wrong = np.abs(k[:, None] / count - p)
    share = np.sum(law * (wrong <= 1.96 * binomial_error(k, count)[:, None]), axis=0)
    assert share.min() > least
    plug_in = np.sqrt(k * (count - k) / count**3)
    assert np.sum(law * (wrong <= 1.96 * plug_in[:, None]), axis=0).min() < 0.01
    assert binomial_error(count / 2, count) == pytest.approx(0.5 / count**0.5, rel=1e-12)
