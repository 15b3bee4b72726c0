"""The mean-dimension estimator against exact enumeration and Walsh-Hadamard coefficients."""

import itertools

import numpy as np
import pytest
import torch

from twinpeaks import measure, theory
from twinpeaks.measure.linear_part import credible, parts, ratio_estimate
from twinpeaks.measure.moments import Estimate, Moments
from twinpeaks.simulate.estimators.network import feature_influence, feature_mean_dimension
from twinpeaks.simulate.layers import Layers
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom

ACTIVATIONS = [
    theory.Tanh(),
    theory.ReLU(),
    theory.Identity(),
    theory.Custom(lambda x: x + 0.3 * x**2, name="quadratic"),
]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # at these sizes, handing work to threads costs more than it saves
    yield
    torch.set_num_threads(threads)


def cube(n):
    return np.array(list(itertools.product([-1.0, 1.0], repeat=n)))


def influence(f, x):
    """sum_k (D_k f(x))^2, summed over outputs."""
    total = 0.0
    for k in range(x.shape[1]):
        flipped = x.copy() if isinstance(x, np.ndarray) else x.clone()
        flipped[:, k] *= -1
        change = (np.asarray(f(x)) - np.asarray(f(flipped))).reshape(len(x), -1) / 2
        total += (change**2).sum(1)
    return total


def walsh_hadamard(values):
    """Fourier weights by degree of a function listed on cube(n)."""
    n = int(np.log2(len(values)))
    x = cube(n)
    subsets = np.array(list(itertools.product([0, 1], repeat=n)))
    characters = np.prod(np.where(subsets[:, None, :] == 1, x[None], 1.0), axis=2)
    coefficient = characters @ values / len(values)
    return np.array([np.sum(coefficient[subsets.sum(1) == k] ** 2) for k in range(n + 1)])


def polynomial(n, seed):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=2**n)
    place = 2 ** np.arange(n - 1, -1, -1)
    return lambda x: table[((np.asarray(x) > 0) @ place).astype(int)]


def spectral(weights):
    degree = np.arange(len(weights))
    return np.sum(degree * weights) / np.sum(weights[1:])


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_influence_is_the_degree_weighted_spectrum(n):
    f = polynomial(n, seed=n)
    x = cube(n)
    weights = walsh_hadamard(f(x))
    assert influence(f, x).mean() == pytest.approx(np.sum(np.arange(n + 1) * weights), rel=1e-12)
    assert influence(f, x).mean() / f(x).var() == pytest.approx(spectral(weights), rel=1e-12)


def majority(x):
    return x[:, :3].sum(1).sign()


@pytest.mark.parametrize(
    ("f", "exact"),
    [
        (lambda x: x[:, 2], 1.0),
        (lambda x: x[:, 0] * x[:, 1] * x[:, 4], 3.0),
        (lambda x: x.prod(1), 6.0),
        (majority, 1.5),
        # outputs add before the ratio: (1 * 1 + 9 * 2) / (1 + 9)
        (lambda x: torch.stack([x[:, 0], 3 * x[:, 1] * x[:, 2]], 1), 1.9),
        (lambda x: 5.0 + x[:, 0] * x[:, 1], 2.0),
    ],
)
def test_known_mean_dimensions(f, exact):
    estimate = measure.mean_dimension(f, 6, 500, random=0)
    assert estimate.value == pytest.approx(exact, abs=4 * estimate.standard_error + 1e-3)


@pytest.mark.parametrize("n", [4, 10])
def test_monte_carlo_against_walsh_hadamard(n):
    f = polynomial(n, seed=n)
    exact = spectral(walsh_hadamard(f(cube(n))))
    estimate = measure.mean_dimension(f, n, 3000, TorchRandom.from_seed(1))
    assert abs(estimate.value - exact) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.03 * exact


@pytest.mark.parametrize("n", [1, 5])
def test_influences_are_those_of_the_spectrum(n):
    """Input by input, by enumeration; the sum is that of the degree-weighted spectrum."""
    f = polynomial(n, seed=n)
    x = cube(n)
    exact = []
    for k in range(n):
        flipped = x.copy()
        flipped[:, k] *= -1
        exact.append(np.mean((f(x) - f(flipped)) ** 2) / 4)
    found = measure.influences(f, n, 1500, random=3)
    assert np.all(np.abs(found.value - exact) <= 4.5 * found.standard_error + 1e-12)  # p < 4e-5
    weights = walsh_hadamard(f(x))
    assert np.sum(exact) == pytest.approx(np.arange(n + 1) @ weights, rel=1e-12)
    assert found.value.shape == found.standard_error.shape == (n,)
    table = f(cube(n)).reshape([2] * n)
    for k in range(n):
        change = (np.take(table, 1, k) - np.take(table, 0, k)) / 2
        error = abs(found.value[k] - np.mean(change**2))
        assert error <= 4.5 * found.standard_error[k] + 1e-12  # of 6 numbers, p < 1e-4


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("hidden", [(), (5, 9)])
@pytest.mark.parametrize("rows", [1, 3, 7, 20, 1000])
def test_fast_path_equals_generic(activation, rows, hidden):
    D, N, columns, n = 7, 11, 3, 6
    random = TorchRandom.from_seed(5)
    sizes = [D, *hidden, N]
    matrices = tuple(random.normal(a, b) for a, b in itertools.pairwise(sizes))
    W = random.normal(N, columns)
    x = torch.where(random.uniform(n, D) < 0.5, -1.0, 1.0).double()
    work = Workspace(torch.device("cpu"), rows * 32 * N)
    assert work.rows(N) == rows
    slopes = random.normal(D, columns)
    fast = feature_influence(Layers(activation, matrices), W, x, work).numpy()
    bent = feature_influence(Layers(activation, matrices), W, x, work, slopes).numpy()
    moments = activation.moments
    norm = np.hypot(moments.kappa_1, moments.kappa_star)
    for column in range(columns):

        def f(x, w=W[:, column]):
            h = x
            for F in matrices[:-1]:
                h = (activation(h @ F / F.shape[0] ** 0.5) - moments.kappa_0) / norm
            F = matrices[-1]
            return activation(h @ F / F.shape[0] ** 0.5) @ w / N**0.5

        np.testing.assert_allclose(fast[:, column], influence(f, x), rtol=1e-11)

        def h(x, f=f, b=slopes[:, column]):
            return f(x) - x @ b

        np.testing.assert_allclose(bent[:, column], influence(h, x), rtol=1e-11)


def test_linear_features_have_influence_equal_to_variance():
    random = TorchRandom.from_seed(2)
    F, W = random.normal(9, 20), random.normal(20, 2)
    x = torch.as_tensor(cube(9))
    work = Workspace(torch.device("cpu"), 2**16)
    total = feature_influence(Layers(theory.Identity(), (F,)), W, x, work)
    exact = ((F @ W) ** 2).sum(0) / (9 * 20)
    np.testing.assert_allclose(total.numpy(), exact.expand_as(total).numpy(), rtol=1e-12)


def test_feature_mean_dimension_against_enumeration():
    D, N = 8, 12
    random = TorchRandom.from_seed(7)
    F, W = 1.5 * random.normal(D, N), random.normal(N, 2)
    work = Workspace(torch.device("cpu"), 2**16)
    f = torch.tanh(torch.as_tensor(cube(D)) @ F / D**0.5) @ W / N**0.5
    exact = [spectral(walsh_hadamard(f[:, column].numpy())) for column in range(2)]
    streams = TorchRandom.from_seed(0), TorchRandom.from_seed(1)
    estimate = feature_mean_dimension(Layers(theory.Tanh(), (F,)), W, *streams, 2000, 20_000, work)
    assert np.all(np.abs(estimate.value - exact) < 4 * estimate.standard_error)
    assert np.all(estimate.standard_error < 0.02 * estimate.value)


def test_without_the_linear_part_little_is_left_to_measure():
    """Small weights: the error is a seventh of that of the plain ratio at the same inputs."""
    random = TorchRandom.from_seed(8)
    layers, W = Layers(theory.Tanh(), (0.5 * random.normal(12, 40),)), random.normal(40, 2)
    work = Workspace(torch.device("cpu"), 2**20)
    streams = TorchRandom.from_seed(0), TorchRandom.from_seed(1)
    found = feature_mean_dimension(layers, W, *streams, 64, 1024, work)
    x, y = (torch.where(random.uniform(n, 12) < 0.5, -1.0, 1.0).double() for n in (64, 1024))
    f = (layers(y) @ W / 40**0.5)[:, :, None]
    flips = Moments.of(feature_influence(layers, W, x, work)[:, :, None]).average()
    flips = Estimate(flips.value[:, 0], flips.standard_error[:, 0])
    plain = ratio_estimate(flips, 0.0, Moments.of(parts(f, 0 * f)))
    assert np.all(found.standard_error < 0.2 * plain.standard_error)
    assert np.all(np.abs(found.value - plain.value) < 4.5 * plain.standard_error)


def test_linear_features_have_mean_dimension_one_to_rounding():
    random = TorchRandom.from_seed(2)
    layers, W = Layers(theory.Identity(), (random.normal(9, 20),)), random.normal(20, 2)
    work = Workspace(torch.device("cpu"), 2**16)
    found = feature_mean_dimension(layers, W, random, random, 10, 100, work)
    assert np.all(np.abs(found.value - 1) <= found.standard_error)
    assert np.all(found.standard_error < 1e-11)


def test_constant_outputs_are_not_a_number():
    random = TorchRandom.from_seed(0)
    layers = Layers(theory.Tanh(), (random.normal(5, 6),))
    W = torch.zeros(6, 2, dtype=torch.float64)
    work = Workspace(torch.device("cpu"), 2**16)
    estimate = feature_mean_dimension(layers, W, random, random, 5, 7, work)
    assert np.isnan(estimate.value).all()
    assert np.isnan(estimate.standard_error).all()


def test_credible_by_hand():
    value = np.array([2.0, 2.0, 0.9, 0.8, 8.3, 8.5, -3.0, np.nan])
    error = np.array([0.5, 0.51, 0.03, 0.03, 0.1, 0.1, 0.1, np.nan])
    expected = [True, False, True, False, True, False, False, False]
    np.testing.assert_array_equal(credible(Estimate(value, error), 8), expected)


def exp_of_sum(x):
    return x.sum(1).exp()


def test_too_few_inputs_for_a_heavy_tail_are_refused():
    """exp(x_1 + .. + x_8): n t^2 / ((1 + t^2) (1 - (1 + t^2)^-n)) with t = tanh 1, by its product form."""
    t2 = np.tanh(1.0) ** 2
    exact = 8 * t2 / (1 + t2) / (1 - (1 + t2) ** -8)
    for seed in range(100):
        with pytest.raises(ValueError, match=r"samples = 30, variance_samples = 270: too few"):
            measure.mean_dimension(exp_of_sum, 8, 30, seed)
    found = [measure.mean_dimension(exp_of_sum, 8, 5000, seed) for seed in range(10)]
    z = np.array([(e.value - exact) / e.standard_error for e in found])
    assert np.all(np.abs(z) < 4.5)
    assert np.sum(z**2) < 35.6  # p = 1e-4 of 10 squares


def test_errors_of_networks_of_heavy_tails_tell_when_the_inputs_suffice():
    """Composed cubic polynomials, all 512 inputs enumerated: few flips show in the error, many are right."""
    random, work = TorchRandom.from_seed(0), Workspace(torch.device("cpu"), 2**24)
    matrices = tuple(random.normal(a, b) for a, b in itertools.pairwise((9, 9, 18, 40)))
    W = random.normal(40, 2)
    layers = Layers(theory.Custom(lambda x: x**3 - 2 * x, name="cubic"), matrices)

    def estimate(n_flip, n_variance, seed):
        streams = TorchRandom.from_seed(2 * seed), TorchRandom.from_seed(2 * seed + 1)
        return feature_mean_dimension(layers, W, *streams, n_flip, n_variance, work)

    few = [estimate(32, 1024, seed) for seed in range(20)]
    assert np.mean([credible(found, 9) for found in few]) < 0.1
    enough = estimate(4000, 60_000, 0)
    x = torch.as_tensor(cube(9))
    influence = feature_influence(layers, W, x, work).mean(0)
    exact = (influence / (layers(x) @ W / 40**0.5).var(0, correction=0)).numpy()
    assert credible(enough, 9).all()
    assert np.all(np.abs(enough.value - exact) < 4.5 * enough.standard_error)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n": 0}, r"n = 0: give an integer >= 1"),
        ({"samples": 1}, r"samples = 1: give"),
        ({"samples": 2.5}, r"samples = 2.5: give"),
        ({"variance_samples": 1}, r"variance_samples = 1: give"),
        ({"random": np.random.default_rng(0)}, r"random = .*TorchRandom"),
        ({"random": True}, r"random = True"),
        ({"random": "0"}, r"random = '0'"),
        ({"f": lambda x: torch.ones(len(x))}, r"variance_samples = 21 inputs.*constant"),
        ({"f": lambda x: torch.full((len(x),), 0.1)}, r"variance_samples = 21 inputs.*constant"),
        ({"f": lambda x: x.sum()}, r"f returned shape \(\)"),
    ],
)
def test_wrong_arguments(changes, words):
    arguments = {"f": lambda x: x[:, 0], "n": 2, "samples": 7, "random": 0} | changes
    with pytest.raises(ValueError, match=words):
        measure.mean_dimension(**arguments)


@pytest.mark.parametrize(
    "changes", [{"n": 0}, {"samples": 1}, {"random": np.random.default_rng(0)}]
)
def test_wrong_arguments_of_influences(changes):
    arguments = {"f": lambda x: x[:, 0], "n": 2, "samples": 7, "random": 0} | changes
    with pytest.raises(ValueError, match=f"{next(iter(changes))} = "):
        measure.influences(**arguments)
