"""Memory does not grow with the number of samples, and a seed repeats bit for bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import twinpeaks.measure.degrees
from twinpeaks import measure, theory
from twinpeaks.simulate.draw import Instance
from twinpeaks.simulate.estimators.network import feature_mean_dimension
from twinpeaks.simulate.estimators.trained import measure_test_error
from twinpeaks.simulate.layers import Layers
from twinpeaks.sweeps.device import Workspace
from twinpeaks.sweeps.random import TorchRandom

OUTPUTS = 16
SAMPLES = 2**12
MORE = 16  # times as many samples: 8 MiB of numbers for 16 outputs


def function(x):
    return torch.cumsum(x, 1)[:, 1:2] ** 2 * torch.arange(1.0, OUTPUTS + 1, dtype=torch.float64)


def layers():
    random = TorchRandom.from_seed(0)
    return Layers(theory.Tanh(), (random.normal(4, 5),)), random.normal(5, OUTPUTS)


def influences(samples):
    return measure.influences(function, 3, samples, 0)


def mean_dimension(samples):
    return measure.mean_dimension(function, 3, samples, 0, variance_samples=samples)


def noise_stability(samples):
    return measure.noise_stability(function, 3, [0.2, 0.7], samples, 0)


def degree_weights(samples):
    return measure.degree_weights(function, 8, 2, samples, 0)


def mean_dimension_of_features(samples):
    streams = TorchRandom.from_seed(1), TorchRandom.from_seed(2)
    work = Workspace(torch.device("cpu"), 2**20)
    return feature_mean_dimension(*layers(), *streams, samples, samples, work)


def error_on_fresh_inputs(samples):
    drawn, W = layers()
    nothing = torch.empty(0)
    instance = Instance(drawn, torch.ones(4, dtype=torch.float64), nothing, nothing)
    work = Workspace(torch.device("cpu"), 2**20)
    random = TorchRandom.from_seed(1)
    found = measure_test_error(theory.Problem(), instance, W, random, samples, work)
    return measure.Estimate(found["test_error"], found["test_error_se"])


def hoard(samples):
    """What keeps every sample: the measurement of memory must see it."""
    blocks = [np.random.default_rng(0).normal(size=(1024, OUTPUTS)) for _ in range(samples // 1024)]
    return measure.Estimate(np.concatenate(blocks).mean(), 0.0)


ESTIMATORS = [
    influences,
    mean_dimension,
    noise_stability,
    degree_weights,
    mean_dimension_of_features,
    error_on_fresh_inputs,
]


def resident(field):
    """VmRSS, the resident size, or VmHWM, its largest value since it was reset; in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def needed(estimator, samples):
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    estimator(samples)
    return resident("VmHWM") - before


def report():
    """Growth of what every estimator needs, in MiB, as JSON; run in a process of its own."""
    twinpeaks.measure.degrees._BLOCK = 256
    torch.set_num_threads(1)
    found = {}
    for estimator in (*ESTIMATORS, hoard):
        estimator(2048)  # whatever is loaded or cached once
        least = needed(estimator, SAMPLES)
        found[estimator.__name__] = needed(estimator, MORE * SAMPLES) - least
    sys.stdout.write(json.dumps(found))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_memory_does_not_grow_with_the_samples():
    """16 times the samples: no estimator needs 2 MiB more, and one that keeps them needs 7.5 at least."""
    here = Path(__file__).parent
    # large arrays then go back to the system when freed, and cannot hide later ones
    environment = {
        **os.environ,
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
    }
    code = "import test_measure_memory; test_measure_memory.report()"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    growth = json.loads(run.stdout)
    assert growth.pop("hoard") > 7, growth
    assert len(growth) == len(ESTIMATORS)
    assert max(growth.values()) < 2, growth


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda f: f.__name__)
def test_a_seed_repeats_bit_for_bit(estimator):
    """Over several blocks, the last of another size."""
    first, second = estimator(2500), estimator(2500)
    np.testing.assert_array_equal(first.value, second.value)
    np.testing.assert_array_equal(first.standard_error, second.standard_error)
