"""Banks: every network of one is what it would be alone, and slopes are those of torch."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from twinpeaks.networks import (
    MLP,
    Adam,
    ClassHinge,
    CrossEntropy,
    Factory,
    Perturbation,
    Sgd,
    SquareOneHot,
    Training,
    TwoLayer,
)
from twinpeaks.networks.bank import LayerBank, ModuleBank
from twinpeaks.networks.training import Sets, descend
from twinpeaks.sweeps import TorchRandom
from twinpeaks.theory import Erf, Identity, ReLU

CPU, SHAPE, CLASSES = torch.device("cpu"), (2, 3), 4
LOSSES = [SquareOneHot(), CrossEntropy(), ClassHinge()]
NETWORKS = [
    TwoLayer(),
    TwoLayer(ReLU()),
    MLP(3),
    MLP(2, Erf()),
    MLP(1, Identity()),
    Factory(
        lambda k, shape, c: nn.Sequential(nn.Flatten(), nn.Linear(6, k), nn.GELU(), nn.Linear(k, c))
    ),
]


def source(seed):
    return lambda name, number: TorchRandom.named(name, seed, number)


def sets(seeds, n=15, widths=(3, 7)):
    draws = [TorchRandom.named("test", s) for s in seeds]
    x = torch.stack([d.uniform(n, *SHAPE) * 2 - 1 for d in draws])
    y = torch.stack([(d.uniform(n) * CLASSES).long() for d in draws])
    edges = torch.tensor(-1.0), torch.tensor(1.0)
    return Sets(x, y, CLASSES, edges, tuple(widths), [source(s) for s in seeds])


def bank(network, held, dtype=torch.float64):
    made = [
        [network.module(w, SHAPE, CLASSES, s("weights", w)) for s in held.sources]
        for w in held.widths
    ]
    return network.bank(made, SHAPE, CPU, dtype)


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda v: repr(v).split("<")[0])
def test_slopes_are_derivatives(loss):
    f = TorchRandom.from_seed(0).normal(2, 3, 5, CLASSES)
    y = (TorchRandom.from_seed(1).uniform(3, 5) * CLASSES).long()
    value, slope = loss(f.clone(), y)
    assert value.shape == (2, 3)
    for k in range(5):
        move = torch.zeros_like(f)
        move.view(-1)[k * 23] = 1e-6
        up, down = (loss(f + sign * move, y)[0].sum() for sign in (1, -1))
        assert abs((up - down) / 2e-6 - slope.view(-1)[k * 23]) < 1e-8


@pytest.mark.parametrize(
    ("loss", "torchs"),
    [
        (SquareOneHot(), lambda f, y: ((f - nn.functional.one_hot(y, CLASSES)) ** 2).mean()),
        (CrossEntropy(), nn.functional.cross_entropy),
        # torch's hinge adds over wrong classes; of two classes there is one
        (ClassHinge(), lambda f, y: 2 * nn.functional.multi_margin_loss(f, y)),
    ],
    ids=["square", "cross-entropy", "hinge"],
)
def test_losses_are_those_of_torch(loss, torchs):
    classes = 2 if isinstance(loss, ClassHinge) else CLASSES
    f = TorchRandom.from_seed(2).normal(6, classes)
    y = (TorchRandom.from_seed(3).uniform(6) * classes).long()
    assert abs(float(loss(f.clone(), y)[0] - torchs(f, y))) < 1e-14


@pytest.mark.parametrize("network", NETWORKS, ids=lambda v: repr(v).split("<")[0])
def test_gradients_are_those_of_torch(network):
    """Of parameters and inputs, shared or one's own, against autograd on the modules."""
    held = sets((0, 1))
    group = bank(network, held)
    assert isinstance(group, ModuleBank if isinstance(network, Factory) else LayerBank)
    loss = CrossEntropy()
    own = held.inputs + 0.1 * TorchRandom.from_seed(5).normal(2, 2, 15, *SHAPE)
    for inputs in (held.inputs, own):
        _, slopes = loss(group.outputs(inputs), held.labels)
        group.backward(slopes)
        gradient = group.gradient.clone()
        _, slopes = loss(group.outputs(inputs), held.labels)
        moved = group.input_slopes(slopes)
        total, expected = 0.0, torch.zeros_like(moved)
        for w in range(2):
            for s in range(2):
                one = group.module(w, s)
                x = (inputs[s] if inputs is held.inputs else inputs[w, s]).clone().requires_grad_()
                nn.functional.cross_entropy(one(x), held.labels[s]).backward()
                expected[w, s] = x.grad
                total += sum(float((p.grad**2).sum()) for p in one.parameters())
        torch.testing.assert_close(moved, expected, rtol=0, atol=1e-13)
        assert abs(total / float((gradient**2).sum()) - 1) < 1e-11


@pytest.mark.parametrize("network", NETWORKS, ids=lambda v: repr(v).split("<")[0])
@pytest.mark.parametrize(
    "how",
    [
        Training(epochs=60),
        Training(CrossEntropy(), epochs=30, batch=4, optimiser=Sgd(0.9), lr=0.02),
        Training(ClassHinge(), epochs=20, perturbation=Perturbation(0.2, steps=3)),
        Training(epochs=200, stop=0.1, lr=0.02),
    ],
    ids=["full", "batches", "perturbed", "stop"],
)
def test_a_bank_trains_each_network_as_if_alone(network, how):
    together = sets((0, 1, 2), widths=(2, 5, 9))
    group = bank(network, together)
    reached = descend(group, together, how, 1e-3, "batches")
    for w, s in ((0, 0), (1, 2), (2, 1)):
        alone = sets((s,), widths=(together.widths[w],))
        single = bank(network, alone)
        ended = descend(single, alone, how, 1e-3, "batches")
        assert ended[0, 0] == reached[w, s]
        close = weights(group.module(w, s)), weights(single.module(0, 0))
        torch.testing.assert_close(*close, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("optimiser", "torchs"),
    [
        (Adam(), lambda p, lr: torch.optim.Adam(p, lr=lr, weight_decay=0.01)),
        (Sgd(0.8), lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.8, weight_decay=0.01)),
    ],
    ids=["adam", "sgd"],
)
def test_steps_are_those_of_torch(optimiser, torchs):
    """300 steps of torch's own loop, rate and penalty included."""
    held, how = sets((4,), widths=(6,)), Training(epochs=300, lr=0.01, optimiser=optimiser)
    group = bank(TwoLayer(), held)
    one = group.module(0, 0)
    descend(group, held, how, 0.01, "batches")
    steps = torchs(one.parameters(), how.lr)
    target = nn.functional.one_hot(held.labels[0], CLASSES)
    for epoch in range(300):
        for part in steps.param_groups:
            part["lr"] = how.lr * min(1.0, 2 * (300 - epoch) / 300)
        steps.zero_grad()
        ((one(held.inputs[0]) - target) ** 2).mean().backward()
        steps.step()
    torch.testing.assert_close(weights(one), weights(group.module(0, 0)), rtol=0, atol=1e-10)


def test_a_network_that_has_stopped_is_kept_as_it_was():
    """The loss of each is just below the stop, though the bank went on for the slowest."""
    held = sets((0, 1), n=8, widths=(8, 30))
    group = bank(TwoLayer(), held)
    how = Training(epochs=3000, stop=0.02, lr=0.02)
    assert descend(group, held, how, 0.0, "batches").all()
    for w in range(2):
        for s in range(2):
            value, _ = how.loss(group.module(w, s)(held.inputs[s]).detach(), held.labels[s])
            assert 0.012 < float(value) <= 0.02


def test_perturbed_inputs_stay_near_and_in_the_box():
    from twinpeaks.networks.training.steps import _moved

    held, how = sets((0, 1)), Training(perturbation=Perturbation(0.3, steps=4))
    group = bank(MLP(2), held)
    moved = _moved(group, held.inputs, held.labels, held, how)
    assert (moved - held.inputs).abs().max() <= 0.3 + 1e-12
    assert moved.abs().max() <= 1.0
    before, _ = how.loss(group.outputs(held.inputs), held.labels)
    after, _ = how.loss(group.outputs(moved), held.labels)
    assert (after > before).all()


def test_single_precision_is_near():
    held = sets((0,))
    found = []
    for precision in ("double", "single"):
        how = Training(epochs=50, precision=precision)
        group = bank(TwoLayer(), held, how.dtype)
        descend(group, held, how, 0.0, "batches")
        found.append(weights(group.module(1, 0)))
    assert found[1].dtype == torch.float64
    assert 0 < float((found[0] - found[1]).abs().max()) < 1e-3


def test_batch_norm_is_measured_with_what_it_has_learned():
    def normed(k, shape, classes):
        return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(6), nn.Linear(6, classes))

    held = sets((0,), widths=(1,))
    group = bank(Factory(normed), held)
    descend(group, held, Training(epochs=40, lr=0.01), 0.0, "batches")
    one = group.module(0, 0)
    assert not one.training
    norm = one[1]
    assert norm.running_mean.dtype == torch.float64
    np.testing.assert_allclose(norm.running_mean, held.inputs[0].flatten(1).mean(0), atol=0.05)
