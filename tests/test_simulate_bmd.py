"""The mean-dimension estimator against exact enumeration and Walsh-Hadamard coefficients."""

import itertools

import numpy as np
import pytest
import torch

import simulate
import theory
from simulate.bmd import feature_influence, feature_mean_dimension, influence, ratio_estimate
from simulate.device import Workspace
from simulate.draw import TorchRandom
from simulate.layers import Layers

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
    estimate = simulate.mean_dimension(f, 6, 500, random=0)
    assert estimate.value == pytest.approx(exact, abs=4 * estimate.standard_error + 1e-3)


@pytest.mark.parametrize("n", [4, 10])
def test_monte_carlo_against_walsh_hadamard(n):
    f = polynomial(n, seed=n)
    exact = spectral(walsh_hadamard(f(cube(n))))
    estimate = simulate.mean_dimension(f, n, 3000, TorchRandom.from_seed(1))
    assert abs(estimate.value - exact) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.03 * exact


def test_standard_error_is_unbiased():
    # 400 repetitions; both bounds are beyond 4.5 standard deviations: false-alarm rate < 1e-5
    n, f = 5, polynomial(5, seed=3)
    exact = spectral(walsh_hadamard(f(cube(n))))
    estimates = [simulate.mean_dimension(f, n, 300, s, variance_samples=600) for s in range(400)]
    z = np.array([(e.value - exact) / e.standard_error for e in estimates])
    assert abs(z.mean()) < 4.5 / np.sqrt(400)
    assert abs(z.std() - 1) < 4.5 / np.sqrt(800)


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
    fast = feature_influence(Layers(activation, matrices), W, x, work).numpy()
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


def test_constant_outputs_are_not_a_number():
    estimate = ratio_estimate(np.zeros((5, 2)), np.ones((7, 2, 1)))
    assert np.isnan(estimate.value).all()
    assert np.isnan(estimate.standard_error).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n": 0}, r"n = 0: give an integer >= 1"),
        ({"samples": 1}, r"samples = 1: give"),
        ({"samples": 2.5}, r"samples = 2.5: give"),
        ({"variance_samples": 1}, r"variance_samples = 1: give"),
        ({"random": np.random.default_rng(0)}, r"random = .*TorchRandom"),
        ({"f": lambda x: torch.ones(len(x))}, r"variance_samples = 21 inputs.*constant"),
        ({"f": lambda x: x.sum()}, r"f returned shape \(\)"),
    ],
)
def test_wrong_arguments(changes, words):
    arguments = {"f": lambda x: x[:, 0], "n": 2, "samples": 7, "random": 0} | changes
    with pytest.raises(ValueError, match=words):
        simulate.mean_dimension(**arguments)
