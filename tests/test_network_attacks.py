"""Attacks on networks: closed forms for linear classifiers, order, limits, refusals."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import nn

from twinpeaks import networks
from twinpeaks.networks.attacks import changed
from twinpeaks.sweeps import TorchRandom

SIDE = 40
BOX = (-torch.ones(SIDE, dtype=torch.float64), torch.ones(SIDE, dtype=torch.float64))


def stream(name):
    return TorchRandom.named(name, 0, device=torch.device("cpu"))


@pytest.fixture
def linear():
    """Two classes, logits +-w.x/2."""
    w = stream("weights").normal(SIDE)
    network = nn.Linear(SIDE, 2, bias=False, dtype=torch.float64)
    with torch.no_grad():
        network.weight.copy_(torch.stack([w, -w]) / 2)
    return network, w


def inputs(rows):
    return torch.sign(stream("inputs").normal(rows, SIDE)) * 0.5


def test_a_gradient_attack_on_a_linear_network_moves_along_its_signs(linear):
    """f(x) = w.x falls by eps |w|_1, inside the box: the decision changes where |f| is less."""
    network, w = linear
    x = inputs(500)
    for eps in (0.0, 0.05, 0.3):
        for steps in (1, 10):
            hit = changed(network, x, networks.GradientAttack(eps, steps), BOX, stream("a"))
            expected = (x @ w).abs() < eps * w.abs().sum()
            assert bool((hit == expected).all())


def test_gradient_attacks_stay_in_the_box():
    x = inputs(50)
    network = nn.Sequential(nn.Linear(SIDE, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    for steps in (1, 5):
        other = networks.GradientAttack(0.8, steps).disturb(network, x, BOX, stream("b"))
        assert float((other - x).abs().max()) <= 0.8 + 1e-12
        assert float(other.abs().max()) <= 1.0


def test_more_steps_hit_more():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(SIDE, 30), nn.ReLU(), nn.Linear(30, 5)).double()
    x = inputs(2000)
    rates = [
        float(
            changed(network, x, networks.GradientAttack(0.1, k), BOX, stream("c")).double().mean()
        )
        for k in (1, 20)
    ]
    assert 0.05 < rates[0] <= rates[1]


def test_noise_on_a_linear_network_has_the_normal_law(linear):
    """P(f changes its sign) = Phi(-|f| / (sd |w|)); 4 standard errors: false alarm 6e-5."""
    network, w = linear
    x = inputs(20_000)
    hit = changed(network, x, networks.GaussianNoise(0.6), BOX, stream("d")).double()
    chance = norm.cdf(-((x @ w).abs() / (0.6 * w.norm())).numpy())
    error = np.sqrt(np.sum(chance * (1 - chance))) / len(chance)
    assert abs(float(hit.mean()) - chance.mean()) < 4 * error


def test_flips_have_their_rate_and_change_signs_alone():
    x = inputs(2000)
    other = networks.RandomFlips(0.3).disturb(nn.Identity(), x, BOX, stream("e"))
    assert bool((other.abs() == x.abs()).all())
    share = float((other != x).double().mean())
    assert abs(share - 0.3) < 4 * (0.21 / x.numel()) ** 0.5
    hit = changed(nn.Linear(SIDE, 2).double(), x, networks.RandomFlips(0.0), BOX, stream("f"))
    assert not bool(hit.any())


def test_attack_rates_of_trained_networks():
    attacks = {"none": networks.GradientAttack(0.0), "small": networks.GradientAttack(0.02),
               "large": networks.GradientAttack(0.3, 5), "flips": networks.RandomFlips(0.1)}  # fmt: skip
    at = {
        "n": 60,
        "width": [4, 16],
        "seeds": 2,
        "laws": [],
        "training": networks.Training(epochs=60),
    }
    data = networks.run_networks(**at, attacks=attacks)
    rate = data.attack_rate
    assert rate.dims == ("seed", "width", "attack")
    assert (rate.sel(attack="none") == 0).all()
    assert (rate.sel(attack="small") <= rate.sel(attack="large")).all()
    assert (rate.sel(attack="large") > 0.3).all()
    assert (data.attack_rate_se > 0).all()
    alone = networks.run_networks(**at, attacks={"flips": networks.RandomFlips(0.1)})
    np.testing.assert_array_equal(alone.attack_rate, rate.sel(attack="flips"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: networks.GradientAttack(-0.1), "eps = -0.1: give one number"),
        (lambda: networks.GradientAttack(0.1, 0), "steps = 0: give an integer >= 1"),
        (lambda: networks.GaussianNoise(np.inf), "sd = inf: give one number"),
        (lambda: networks.RandomFlips(1.5), "rate = 1.5: give one number"),
        (lambda: networks.run_networks(n=9, width=2, attacks=[0.1]), "attacks = .*: give a dict"),
    ],
)
def test_what_is_no_attack_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
