"""Laws of independent inputs: draws, replacements and moments, against enumeration and against each other."""

import itertools

import numpy as np
import pytest
from scipy import stats

from twinpeaks import measure, theory
from twinpeaks.measure import Binary, Categories, Marginals, Normal, Uniform

DATA = np.random.default_rng(8).integers(0, 4, size=(40, 4)) ** 2.0
FREQUENCIES = np.random.default_rng(9).dirichlet(np.ones(3), size=3)
FREQUENCIES[1] = [0.0, 0.25, 0.75]

LAWS = {
    "binary": Binary((2, 2)),
    "blocks": Binary(5, groups=[0, 1, 1, 0, 2]),
    "uniform": Uniform(-1.0, [1.0, 2.0, 3.0]),
    "uniform blocks": Uniform(0.0, 2.0, (4,), groups=[1, 1, 0, 0]),
    "normal": Normal([0.0, 1.0], [1.0, 3.0]),
    "normal blocks": Normal(1.0, [1.0, 2.0, 3.0], groups=[7, 7, 3]),
    "marginals": Marginals(DATA),
    "joint": Marginals(DATA, groups=[0, 0, 1, 0]),
    "categories": Categories(FREQUENCIES),
    "codes": Categories(FREQUENCIES, one_hot=False),
}
every = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
ALARM = 1e-5  # of each comparison of means


def close(samples, exact):
    """Whether means over the first axis are those asked for, each to 4.5 standard errors, p < 1e-5."""
    error = np.std(samples, axis=0) / len(samples) ** 0.5
    return np.abs(np.mean(samples, axis=0) - exact) <= stats.norm.isf(ALARM / 2) * error + 1e-12


@every
def test_draws_have_the_moments_they_claim(law):
    x = law.draw(np.random.default_rng(0), 40_000).x
    assert x.shape == (40_000, law.columns)
    assert np.all(close(x, law.mean))
    centred = x - law.mean
    for k, columns in enumerate(law.members):
        own = columns[~law.padding[k]]
        products = centred[:, own, None] * centred[:, None, own]
        size = len(own)
        assert np.all(close(products, law.covariance[k, :size, :size]))
        others = np.setdiff1d(np.arange(law.columns), own)
        assert np.all(close(centred[:, own, None] * centred[:, None, others], 0.0))


@pytest.mark.parametrize("name", ["binary", "uniform", "normal", "marginals"])
def test_cumulants_are_those_of_the_draws(name):
    """And those that theory takes from the same data."""
    law = LAWS[name]
    mean, variance, skewness, kurtosis = law.cumulants
    x = (law.draw(np.random.default_rng(5), 40_000).x - mean) / np.sqrt(variance)
    assert np.all(close(x, 0.0))
    assert np.all(close(x**2, 1.0))
    assert np.all(close(x**3, skewness))
    assert np.all(close(x**4 - 3.0, kurtosis))
    if name == "marginals":
        same = theory.Cumulants.of(DATA)
        for found, exact in zip(law.cumulants, (same.mean, same.variance), strict=False):
            np.testing.assert_allclose(found, exact, rtol=1e-12)
        np.testing.assert_allclose(skewness, same.skewness, rtol=1e-10)
        np.testing.assert_allclose(kurtosis, same.kurtosis, rtol=1e-10)


@pytest.mark.parametrize("name", ["blocks", "joint", "categories", "codes"])
def test_groups_and_categories_have_none(name):
    with pytest.raises(ValueError, match=r"its columns are not|does not say"):
        _ = LAWS[name].cumulants


@every
def test_a_replacement_has_the_variance_of_the_input(law):
    """1/2 E w (g(x) - g(x'))^2 = Var g for any function of one input, linear or not; others stay out."""
    rng = np.random.default_rng(1)
    draw = law.draw(rng, 40_000)
    inputs = np.arange(law.n)[::-1].copy()
    values, weights = law.redraw(rng, draw, inputs)
    slopes = np.random.default_rng(2).normal(size=law.columns)
    for place, k in enumerate(inputs):
        own = ~law.padding[k]
        old, new = draw.x[:, law.members[k]][:, own], values[:, place][:, own]
        b = slopes[law.members[k]][own]
        squares = 0.5 * weights[:, place] * ((old - new) @ b) ** 2
        exact = b @ law.covariance[k][np.ix_(own, own)] @ b
        assert close(squares, exact)
        bent = [np.cos(part @ b + 1.0) for part in (old, new)]
        fresh = np.cos(law.draw(rng, 40_000).x[:, law.members[k]][:, own] @ b + 1.0)
        other = 0.5 * weights[:, place] * (bent[0] - bent[1]) ** 2
        spread = (fresh - fresh.mean()) ** 2
        error = np.hypot(other.std(), spread.std()) / 200.0
        assert abs(other.mean() - spread.mean()) <= 4.5 * error + 1e-12


def test_values_are_not_repeated_where_a_law_can_help_it():
    rng = np.random.default_rng(3)
    for law in (Binary(4), Marginals(DATA), Categories(FREQUENCIES)):
        draw = law.draw(rng, 500)
        values, weights = law.redraw(rng, draw, np.arange(law.n))
        same = np.all(values == draw.x[:, law.members], axis=2)
        assert not np.any(same & (weights > 0))


def test_categories_of_frequency_zero_never_come():
    law, rng = Categories([[0.0, 0.5, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0]]), np.random.default_rng(4)
    draw = law.draw(rng, 2000)
    values, weights = law.redraw(rng, draw, np.arange(2))
    for x in (draw.x.reshape(-1, 2, 4), values):
        assert set(np.argmax(x[:, 0], axis=1)) == {1, 2}
        assert set(np.argmax(x[:, 1], axis=1)) == {0}
    assert np.all(weights[:, 1] == 0)


def anova(values, probabilities):
    """Mean dimension on a grid of independent categories: totals over the variance, by enumeration."""
    joint = probabilities[0]
    for p in probabilities[1:]:
        joint = joint[..., None] * p
    variance = np.sum(joint * (values - np.sum(joint * values)) ** 2)
    total = 0.0
    for k, p in enumerate(probabilities):
        shape = [-1 if i == k else 1 for i in range(values.ndim)]
        mean = np.sum(p.reshape(shape) * values, axis=k, keepdims=True)
        total += np.sum(joint * (values - mean) ** 2)
    return total / variance


def test_categories_by_enumeration():
    table = np.random.default_rng(5).normal(size=(3, 3, 3)) + np.arange(3.0)

    def f(x):
        return table[tuple(np.argmax(x, axis=2).T)]

    def of_codes(x):
        return table[tuple(x.astype(int).T)]

    exact = anova(table, FREQUENCIES)
    for law, function in (
        (Categories(FREQUENCIES), f),
        (Categories(FREQUENCIES, one_hot=False), of_codes),
    ):
        for flips in (None, 1):
            found = measure.mean_dimension(function, law=law, samples=3000, random=6, flips=flips)
            assert abs(found.value - exact) < 4.5 * found.standard_error
            assert found.standard_error < 0.03


def test_groups_by_enumeration():
    """Pairs of columns of the data keep their dependence, and count as one."""
    data = DATA[:12]
    law = Marginals(data, groups=[0, 0, 1, 1])
    assert law.n == 2

    def f(x):
        return x[:, 0] * x[:, 1] + x[:, 2] * x[:, 0] + np.sin(x[:, 3])

    both = [np.concatenate([a[:2], b[2:]]) for a, b in itertools.product(data, data)]
    exact = anova(f(np.array(both)).reshape(12, 12), [np.full(12, 1 / 12)] * 2)
    for flips in (None, 1):
        found = measure.mean_dimension(f, law=law, samples=3000, random=7, flips=flips)
        assert abs(found.value - exact) < 4.5 * found.standard_error
        assert found.standard_error < 0.03


def test_one_group_is_one_input():
    found = measure.mean_dimension(
        lambda x: x.prod(1), law=Normal(0.0, 1.0, 3, groups=[1, 1, 1]), samples=500, random=0
    )
    assert abs(found.value - 1) < 4.5 * found.standard_error


def test_inputs_that_do_not_vary_are_not_visited():
    """And have no influence; the mean dimension is that of the others."""
    data = np.column_stack([DATA, np.full(40, 3.0)])
    law = Marginals(data)
    seen = []

    def f(x):
        seen.append(np.unique(x[:, 4]))
        return x[:, 0] * x[:, 1] + x[:, 4]

    found = measure.influences(f, law=law, samples=400, random=0)
    assert found.value[4] == 0
    assert np.all(np.concatenate(seen) == 3.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Binary(0), "shape = 0: give an integer >= 1"),
        (lambda: Binary((2, -1)), "shape = -1"),
        (lambda: Binary(()), "give the number of inputs"),
        (lambda: Binary(3, groups=[0, 1]), r"groups has shape \(2,\)"),
        (lambda: Binary(3, groups=[0.5, 1, 2]), "groups has dtype float64"),
        (lambda: Uniform(1.0, 1.0, 3), "low = 1, high = 1 at column 0"),
        (lambda: Uniform(0.0, np.inf, 3), "high has values that are not finite"),
        (lambda: Uniform("a", 1.0), "low = 'a': give one number"),
        (lambda: Normal(0.0, [1.0, 0.0]), "std = 0 at column 1"),
        (lambda: Normal([0.0, 1.0], [1.0, 1.0, 1.0]), "shape|broadcast"),
        (lambda: Marginals([1.0, 2.0]), r"data has shape \(2,\)"),
        (lambda: Marginals([[1.0, 2.0]]), "at least 2 patterns"),
        (lambda: Marginals([[1.0, np.nan], [0.0, 1.0]]), r"data has nan at \(0, 1\), one of 1"),
        (lambda: Marginals([["a"], ["b"]]), "data: give an array of numbers"),
        (lambda: Marginals(np.ma.masked_equal([[1.0, 9.0], [2.0, 3.0]], 9.0)), "data is masked"),
        (lambda: Marginals([[1j, 2.0], [0.0, 1.0]]), "data is complex"),
        (lambda: Categories([0.5, 0.5]), r"frequencies has shape \(2,\)"),
        (lambda: Categories([[0.5, -0.5]]), "give numbers >= 0"),
        (lambda: Categories([[0.0, 0.0]]), "not all 0"),
    ],
)
def test_laws_that_are_none(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "n and law are both missing"),
        ({"n": 5, "law": Binary(4)}, "n = 5 does not match law"),
        ({"n": (2, 3), "law": Binary((3, 2))}, r"n = \(2, 3\) does not match"),
        ({"n": np.array([3, 4]), "law": Binary(4)}, "does not match law"),
        ({"law": "binary"}, "law = 'binary': give one such as Binary"),
        ({"n": 0}, "n = 0"),
        ({"n": 4, "flips": 5}, "flips = 5: the law has n = 4 inputs"),
        ({"n": 4, "flips": 0}, "flips = 0"),
        ({"n": 4, "samples": "all"}, "samples = 'all': give an integer >= 2, or 'auto'"),
        ({"n": 4, "samples": 1}, "samples = 1"),
        ({"n": 4, "variance_samples": 9, "samples": "auto"}, "leave it out"),
        ({"n": 4, "rtol": 0.0}, "rtol = 0"),
        ({"n": 4, "limit": 0}, "limit = 0"),
        ({"n": 4, "views": "logit"}, "'logit' is none: give 'logits'"),
        ({"n": 4, "views": []}, "views is empty"),
        ({"n": 4, "outputs": "all"}, "outputs = 'all': give 'summed' or 'each'"),
        ({"n": 4, "random": None}, "random is missing: give a seed"),
    ],
)
def test_arguments_that_do_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        measure.mean_dimension(
            lambda x: x[:, 0] * x[:, 1], **{"samples": 50, "random": 0, **arguments}
        )
