"""Convolutional networks: counted parameters and costs, statistics of batches, training and measuring."""

import numpy as np
import pytest
import torch

from twinpeaks import networks
from twinpeaks.networks.architectures.convolutional import CNN, ResNet18, multiply_adds
from twinpeaks.networks.data import Data, Patterns
from twinpeaks.sweeps import TorchRandom

COLOUR = (3, 32, 32)


class Made(Data):
    """Images of two kinds of stripes in noise."""

    def __repr__(self):
        return "Made()"

    @property
    def digest(self):
        return "made 1"

    def read(self):
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 2, 400)
        x = np.clip(0.6 * rng.standard_normal((400, 3, 16, 16)), -1, 1)
        x[labels == 1, :, ::4] += 0.5
        x[labels == 0, :, :, ::4] += 0.5
        return Patterns("made", np.clip(x, -1, 1), labels, 2)


@pytest.mark.parametrize(("k", "parameters"), [(2, 11420), (4, 44622), (8, 176402), (16, 701466)])
def test_parameters_of_resnets(k, parameters):
    network = ResNet18().module(k, COLOUR, 10, TorchRandom.from_seed(0))
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_the_network_of_the_article_costs_what_is_known():
    """0.56 G multiply-adds an image of CIFAR at k = 64; costs grow like k^2."""
    costs = [
        multiply_adds(ResNet18().module(k, COLOUR, 10, TorchRandom.from_seed(0)), COLOUR)
        for k in (8, 16)
    ]
    quadratic, linear = np.linalg.solve([[64, 8], [256, 16]], costs)
    assert quadratic * 64**2 + linear * 64 == pytest.approx(0.56e9, rel=0.01)


def test_outputs_do_not_depend_on_the_company():
    network = ResNet18().module(2, (8, 8), 3, TorchRandom.from_seed(1)).eval()
    x = torch.randn(6, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        np.testing.assert_allclose(network(x)[:1], network(x[:1]), rtol=1e-10, atol=1e-12)


def test_a_small_cnn_trains_on_digits():
    data = networks.run_networks(
        network=CNN(2),
        training=networks.Training(loss=networks.CrossEntropy(), epochs=60, lr=2e-2, batch=25),
        n=100, width=[2, 6], seeds=2, laws=["binary"], samples=200, flips=16,
    )  # fmt: skip
    assert (data.status == 0).all()
    assert (data.train_loss.sel(width=6) < 1.8).all()  # ln 10 = 2.3 for nothing learned
    assert np.isfinite(data.bmd).all()


@pytest.mark.slow
def test_a_resnet_trains_and_is_measured_on_made_images():
    """k = 2, 300 images: it learns the stripes; the subset of flips gives a mean dimension with its error."""
    data = networks.run_networks(
        Made(), ResNet18(), networks.Training(epochs=15, lr=1e-2, batch=50, loss=networks.CrossEntropy()),
        n=300, width=2, seeds=2, laws=["binary", "marginals"], samples=256, flips=32,
        variance_samples=2048, outputs=["logits"],
    )  # fmt: skip
    assert (data.status == 0).all()
    assert (data.test_error < 0.2).all()
    assert (data.bmd > 1 - 4 * data.bmd_se).all()
    assert (data.bmd_se < 0.5 * data.bmd).all()
