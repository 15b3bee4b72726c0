"""What the four estimators ask of a function and a seed."""

import numpy as np
import pytest
import torch

from twinpeaks import measure
from twinpeaks.measure.evaluate import Source
from twinpeaks.measure.models.function import ArrayFunction
from twinpeaks.sweeps.random import TorchRandom


def mean_dimension(f, samples=40):
    return measure.mean_dimension(f, 3, samples, 1, variance_samples=samples)


def influences(f, samples=40):
    return measure.influences(f, 3, samples, 1)


def noise_stability(f, samples=40):
    return measure.noise_stability(f, 3, [0.3, 1.0], samples, 1)


def degree_weights(f, samples=40):
    return measure.degree_weights(f, 3, 2, samples, 1)


ESTIMATORS = [mean_dimension, influences, noise_stability, degree_weights]
every = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.__name__)


def polynomial(x):
    return x[:, 0] * x[:, 1] + 3 * x[:, 2]


# --- functions ----------------------------------------------------------------------------------------


def at_one_corner(value):
    value = torch.tensor(value, dtype=torch.float64)
    return lambda x: torch.where(x.sum(1) == 3, value, 1.0)


@every
@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: x[:, 0] + 3j * x[:, 1], "complex numbers: .* as two outputs"),
        (lambda x: (x[:, 0] + 0j).numpy(), "complex numbers"),
        (at_one_corner(torch.nan), r"f returned nan at x = \[1\. 1\. 1\.\]"),
        (at_one_corner(-torch.inf), r"f returned -inf at x = \[1\. 1\. 1\.\]"),
        (at_one_corner(1e80), r"f returned 1e\+80 at x = \[1\. 1\. 1\.\].*below 1e\+60"),
        (lambda x: x[:, :0], r"f returned shape \(\d+, 0\) for \d+ inputs"),
    ],
)
def test_refused_values(estimator, f, words):
    with pytest.raises(ValueError, match=words):
        estimator(f)


@every
@pytest.mark.parametrize("scale", [2.0**190, 2.0**-300])
def test_large_values_do_not_overflow_nor_small_ones_vanish(estimator, scale):
    """Everything measured is of degree 0, 2 in f; 2^-300 to the fourth is none but 0."""
    one, large = estimator(polynomial), estimator(lambda x: scale * polynomial(x))
    power = 0 if estimator is mean_dimension else 2
    np.testing.assert_allclose(large.value, one.value * scale**power, rtol=1e-12)
    np.testing.assert_allclose(large.standard_error, one.standard_error * scale**power, rtol=1e-12)


# --- constants up to rounding -------------------------------------------------------------------------


def two_orders(x, kind=np.float64):
    """The same sum forwards and backwards, and 11."""
    terms = np.asarray(x, dtype=kind) * np.linspace(0.1, 1.0, x.shape[1], dtype=kind)
    forwards, backwards = (np.cumsum(t, axis=1, dtype=kind)[:, -1] for t in (terms, terms[:, ::-1]))
    return kind(11.0) + forwards - backwards


CONSTANTS = {
    "sums": two_orders,
    "single": lambda x: two_orders(x, np.float32),
    "torch": lambda x: torch.as_tensor(two_orders(x, np.float32)),
    "tiny": lambda x: 1e-200 * two_orders(x),
    "two": lambda x: np.stack([two_orders(x), 1e6 * two_orders(x)], axis=1),
    "drowned": lambda x: np.stack([1e-16 * np.asarray(x[:, 0]), two_orders(x)], axis=1),
    "exact": lambda x: np.full(len(x), 0.1),
    "zero": lambda x: np.zeros(len(x)),
}


@pytest.mark.parametrize("n", [12, 30, 400])
@pytest.mark.parametrize("f", CONSTANTS.values(), ids=CONSTANTS)
def test_constants_up_to_rounding_have_no_mean_dimension(f, n):
    with pytest.raises(ValueError, match=r"constant, up to rounding.* is not defined"):
        measure.mean_dimension(f, n, 40, 0, variance_samples=1000)


@pytest.mark.parametrize("estimator", [influences, noise_stability, degree_weights])
def test_what_constants_do_have_is_zero_to_rounding(estimator):
    assert np.abs(estimator(two_orders).value).max() < (8 * 11 * np.finfo(float).eps) ** 2


def pair(x):
    return np.asarray(x[:, 0] * x[:, 1] + 3 * x[:, 2])


VARYING = {
    "offset": lambda x: 1e9 + 1e-3 * pair(x),
    "eight of the last digits": lambda x: 2.0**52 + 8.0 * pair(x),
    "integers": lambda x: 10**15 + pair(x).astype(np.int64),
    "tiny": lambda x: 1e-200 * pair(x),
    "smallest": lambda x: np.ldexp(pair(x), -1070),
    "single": lambda x: (100.0 + pair(x)).astype(np.float32),
    "beside a constant": lambda x: np.stack([1e-12 * pair(x), np.full(len(x), 1e9)], axis=1),
    "beside rounding": lambda x: np.stack([pair(x), two_orders(x)], axis=1),
}


@pytest.mark.parametrize("f", VARYING.values(), ids=VARYING)
def test_whatever_varies_by_more_than_rounding_is_measured(f):
    """x_0 x_1 + 3 x_2 takes 4 integer values, of (2 + 9) / (1 + 9); the offset rounds to 1e-4 of it."""
    found = measure.mean_dimension(f, 3, 400, 1)
    exact = measure.mean_dimension(pair, 3, 400, 1)
    assert abs(found.value - 1.1) < 4.5 * found.standard_error  # p < 1e-5
    assert found.value == pytest.approx(exact.value, rel=1e-4)


def test_real_and_imaginary_part_are_two_outputs():
    """x_0 x_1 + 3i x_2: (2 + 9) / (1 + 9)."""
    found = measure.mean_dimension(
        lambda x: torch.stack([x[:, 0] * x[:, 1], 3 * x[:, 2]], 1), 3, 500, 0
    )
    assert abs(found.value - 1.1) < 4.5 * found.standard_error
    assert found.standard_error < 0.01


@every
@pytest.mark.parametrize("samples", [40, 1025])
def test_functions_may_change_their_argument_and_reuse_their_result(estimator, samples):
    """At 1025 samples the last block is a single input."""
    buffer = torch.empty(5000, dtype=torch.float64)

    def careless(x):
        found = torch.mul(x[:, 0], x[:, 1], out=buffer[: len(x)])
        found += 3 * x[:, 2]
        x.mul_(7.0)
        return found

    pure, other = estimator(polynomial, samples), estimator(careless, samples)
    np.testing.assert_array_equal(other.value, pure.value)
    np.testing.assert_array_equal(other.standard_error, pure.standard_error)


@every
@pytest.mark.parametrize("outputs", [1, 2])
def test_squeezed_outputs_are_those_of_a_single_input_too(estimator, outputs):
    shapes = []

    def columns(x):
        shapes.append(len(x))
        return torch.stack([polynomial(x), x[:, 0]][:outputs], dim=1)

    plain = estimator(columns, 1025)
    squeezed = estimator(lambda x: columns(x).squeeze(), 1025)
    assert min(shapes) == 2
    np.testing.assert_array_equal(squeezed.value, plain.value)


def test_one_input_is_evaluated_as_itself():
    x = np.array([[1.0, -1.0]])
    found = ArrayFunction(lambda x: x * [2.0, 3.0], (2,))(x)
    np.testing.assert_array_equal(found, [[2.0, -3.0]])


# --- seeds --------------------------------------------------------------------------------------------


def test_seeds_draw_the_numbers_of_numpy_and_large_ones_their_own():
    # 0, 2**32 and 2**33 have the low 32 bits in common, which are all that torch takes on a CPU
    seeds = [0, 1, 2**32 - 1, 2**32, 2**32 + 1, 2**33, 2**62, 2**63, 2**200, np.int64(7)]
    drawn = [tuple(Source.of(seed).rng.random(4)) for seed in seeds]
    assert len(set(drawn)) == len(seeds)
    for seed, found in zip(seeds, drawn, strict=True):
        assert found == tuple(np.random.default_rng(seed).random(4))


def test_a_stream_does_not_depend_on_the_shapes_asked_for():
    one, two = TorchRandom.from_seed(5), TorchRandom.from_seed(5)
    parts = [one.normal(3), one.normal(4, 2).ravel(), one.uniform(1), one.normal()[None]]
    whole = [two.normal(11), two.uniform(1), two.normal(1)]
    assert torch.cat(parts).tolist() == torch.cat(whole).tolist()


def test_named_streams_differ_by_name_and_by_every_number_of_the_key():
    keys = [(0, 20, 30, 40), (1, 20, 30, 40), (2**32, 20, 30, 40), (0, 203, 0, 40), (0, 20, 30)]
    heads = {float(TorchRandom.named(name, *key).uniform()) for name in "ab" for key in keys}
    assert len(heads) == 2 * len(keys)
    assert TorchRandom.named("a", np.int64(3)).uniform() == TorchRandom.named("a", 3).uniform()


@pytest.mark.parametrize("seed", [-1, True, 1.0, None])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match=f"random = {seed}: give an int"):
        Source.of(seed)
    with pytest.raises(ValueError, match=f"seed = {seed}: give an int"):
        TorchRandom.from_seed(seed)


def test_what_is_no_function_is_refused_by_name():
    for estimator in (measure.mean_dimension, measure.influences):
        with pytest.raises(ValueError, match="f = 3: give a function"):
            estimator(3, n=5, samples=50, random=0)
