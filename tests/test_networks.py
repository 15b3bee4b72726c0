"""Networks trained on data: what comes out, every status and refusal, stores and seeds."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch
from torch import nn

import twinpeaks as tp
from twinpeaks import networks
from twinpeaks.networks.data import Digits, draw
from twinpeaks.networks.measured import uncentred
from twinpeaks.networks.training import Sets
from twinpeaks.sweeps import TorchRandom

FEW = tp.Training(epochs=30)
SMALL = {"n": 60, "width": [2, 5], "seeds": 2, "samples": 8, "variance_samples": 256}


def small(**given):
    return tp.run_networks(**{"training": FEW, **SMALL, **given})


def constant(width, shape, classes):
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, classes)
    )
    nn.init.constant_(network[1].bias, -1e3)
    return network


class Infinite(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(x.flatten(1)) / 0.0


def infinite(width, shape, classes):
    return Infinite(classes)


def test_dimensions_and_attributes():
    data = small(noise=[0.0, 0.2], start={"fresh": tp.Fresh(), "large": tp.Fresh(3.0)})
    assert dict(data.bmd.sizes) == {
        "noise": 2,
        "start": 2,
        "seed": 2,
        "width": 2,
        "law": 2,
        "output": 2,
    }
    assert dict(data.test_error.sizes) == {"noise": 2, "start": 2, "seed": 2, "width": 2}
    assert data.attrs["sweep"] == "networks"
    for variable in data.variables.values():
        assert {"long_name", "units", "definition"} <= set(variable.attrs)
    assert (data.status == 0).all()
    assert (np.isfinite(data.bmd) == (data.bmd_status == 0)).all()
    assert (data.bmd_status == 0).mean() > 0.8
    assert not data.train_error.equals(data.train_error.isel(start=[1, 0]))


def test_errors_are_those_of_the_network_alone():
    """One network again, by its streams, and by torch's own steps."""
    data = small(noise=0.2, laws=())
    assert "bmd" not in data
    found = Digits().load()
    drawn = draw(found, 60, 0.2, TorchRandom.named("training set", 1))
    net = tp.TwoLayer().module(5, (8, 8), 10, TorchRandom.named("weights", 1, 5))
    x, y = torch.as_tensor(found.inputs[drawn.train]), torch.as_tensor(drawn.labels)
    adam = torch.optim.Adam(net.parameters())
    for epoch in range(30):
        adam.param_groups[0]["lr"] = FEW.rate(epoch)
        adam.zero_grad()
        nn.functional.mse_loss(net(x), nn.functional.one_hot(y, 10).double()).backward()
        adam.step()
    with torch.no_grad():
        f, rest = net(x), net(torch.as_tensor(found.inputs[drawn.test]))
    here = data.sel(seed=1, width=5)
    loss = float(((f - nn.functional.one_hot(y, 10)) ** 2).mean())
    assert float(here.train_loss) == pytest.approx(loss, rel=1e-9)
    assert float(here.train_error) == pytest.approx(float((f.argmax(1) != y).double().mean()))
    wrong = rest.argmax(1).numpy() != found.labels[drawn.test]
    assert float(here.test_error) == pytest.approx(wrong.mean())


def test_a_seed_is_the_same_in_any_company():
    whole = small(width=[2, 5, 9], seeds=3)
    part = small(width=[5], seeds=[2])
    together = small(width=[2, 5, 9], seeds=3, batch=3)
    for name in ("train_error", "test_error"):
        assert (whole[name] == together[name]).all()
        assert (whole[name].sel(seed=2, width=5) == part[name].squeeze()).all()
    for other in (together.bmd, whole.bmd):
        np.testing.assert_allclose(other.sel(seed=2, width=5), part.bmd.squeeze(), rtol=1e-9)


def test_linear_networks_have_mean_dimension_one():
    """Under every law: the logits have no interaction, whatever the weights."""
    data = small(
        network=tp.MLP(1, tp.Identity()),
        laws=["binary", "uniform", "normal", "marginals"],
        outputs=["logits"],
    )
    np.testing.assert_allclose(data.bmd.sel(law="binary"), 1.0, atol=1e-6)
    np.testing.assert_allclose(data.bmd, 1.0, atol=0.05)  # errors of 0.01 from 256 points


def test_networks_that_do_not_vary_are_dead_and_have_no_mean_dimension():
    data = small(network=tp.Factory(constant), training=tp.Training(epochs=3))
    assert (data.status == networks.Status.DEAD).all()
    for name in ("test_error", "train_error", "train_loss", "bmd", "bmd_se"):
        assert np.isnan(data[name]).all(), name
    assert (data.bmd_status == 3).all()


def test_networks_that_are_not_finite():
    data = small(network=tp.Factory(infinite), training=tp.Training(epochs=3))
    assert (data.status == networks.Status.NONFINITE).all()
    assert np.isnan(data.test_error).all()


def test_a_loss_that_is_not_reached_gives_nan_for_this_network_alone():
    """Two units cannot learn 60 digits; 60 units can."""
    how = tp.Training(networks.CrossEntropy(), epochs=150, stop=0.1, lr=0.02)
    data = small(training=how, width=[1, 60], seeds=2, laws=["binary"])
    assert (data.status.sel(width=1) == networks.Status.NOT_CONVERGED).all()
    assert np.isnan(data.test_error.sel(width=1)).all()
    assert (data.train_loss.sel(width=1) > 0.1).all()
    assert (data.status.sel(width=60) == 0).all()
    assert (data.train_loss.sel(width=60) <= 0.1).all()
    assert np.isfinite(data.bmd.sel(width=60)).all()


def test_random_features_are_ridge_regression():
    """The read-out against the normal equations, one-hot labels."""
    data = small(network=tp.RandomFeatures(), weight_decay=[1e-3, 1e-1], width=[20, 90], noise=0.1)
    found = Digits().load()
    drawn = draw(found, 60, 0.1, TorchRandom.named("training set", 0))
    F = TorchRandom.named("weights", 0, 0).normal(90, 64).numpy() / 8
    for N in (20, 90):
        z = np.tanh(found.flat @ F[:N].T) / N**0.5
        A, rest = z[drawn.train], z[drawn.test]
        for lam in (1e-3, 1e-1):
            # the loss of the trainers is (y - f)^2 / 2 or (y - f)^2 as their quadratic form says
            q = networks.SquareOneHot().of_margins.quadratic
            W = np.linalg.solve(A.T @ A + lam * q * np.eye(N), A.T @ np.eye(10)[drawn.labels])
            wrong = (rest @ W).argmax(1) != found.labels[drawn.test]
            here = data.sel(seed=0, width=N, weight_decay=lam)
            assert float(here.test_error) == pytest.approx(wrong.mean())
            mse = np.mean((A @ W - np.eye(10)[drawn.labels]) ** 2)
            assert float(here.train_loss) == pytest.approx(mse, rel=1e-7)


@pytest.mark.parametrize("loss", [networks.CrossEntropy(), networks.ClassHinge()], ids=repr)
def test_random_features_of_other_losses(loss):
    data = small(
        network=tp.RandomFeatures(),
        weight_decay=1e-2,
        training=tp.Training(loss),
        width=[150],
        seeds=1,
    )
    assert (data.status == 0).all()
    assert (data.train_error < 0.05).all()


def test_centring_is_part_of_the_function():
    mean = torch.as_tensor(Digits().load().inputs.mean(0))
    net = tp.TwoLayer().module(5, (8, 8), 10, TorchRandom.from_seed(0)).eval()
    shifted = nn.Sequential(nn.Identity(), net)
    x = TorchRandom.from_seed(1).normal(7, 8, 8)
    for one in (net, shifted):
        torch.testing.assert_close(uncentred(one, mean)(x), one(x - mean), rtol=0, atol=1e-13)
    assert type(uncentred(net, mean)[1]) is nn.Linear
    data = small(centre=True)
    assert (data.status == 0).all()
    assert not data.test_loss.equals(small().test_loss)


def test_a_start_from_random_labels_has_learned_them():
    """120 corrupted copies with labels of their own are learned without error before the training."""
    start, found = networks.RandomLabels(copies=2, epochs=600), Digits().load()
    x, y = torch.as_tensor(found.inputs[None, :60]), torch.as_tensor(found.labels[None, :60])
    edge = torch.tensor(1.0)
    held = Sets(x, y, 10, (-edge, edge), (80,), [partial(TorchRandom.named)])
    net = tp.TwoLayer()
    bank = net.bank(
        [[net.module(80, (8, 8), 10, TorchRandom.from_seed(0))]], (8, 8), x.device, x.dtype
    )
    start.pretrain(bank, held, tp.Training())
    others, labels = start._other(x[0], 10, TorchRandom.named("start", 0))
    assert (bank.module(0, 0)(others).argmax(1) == labels).all()
    changed = (others != x[0].repeat(2, 1, 1)).double().mean()
    assert 0.15 < changed < 0.5  # half of the entries are drawn, many of them equal
    assert np.bincount(labels, minlength=10).max() < 30  # of 120 in 10 classes: P < 1e-5


def test_a_store_keeps_tasks(tmp_path):
    store = tmp_path / "nets.db"
    first = small(store=store)
    seen = []
    again = small(store=store, seeds=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 3)]
    assert again.isel(seed=[0, 1]).bmd.equals(first.bmd)
    again.to_netcdf(tmp_path / "nets.nc", engine="h5netcdf")


class Wrong(networks.Architecture):
    def __repr__(self):
        return "Wrong()"

    def module(self, width, shape, classes, random):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n": 1797}, "n = 1797: digits has 1797 patterns"),
        ({"n": 0}, "n = 0"),
        ({"noise": 1.0}, r"noise = 1.*\[0, 1\)"),
        ({"width": 0}, "width = 0"),
        ({"width": 10**12}, "bytes .* are available: lower the sizes"),
        ({"network": Wrong()}, r"shape \(2, 3\) for 2 inputs: .* shape \(2, 10\)"),
        ({"network": "mlp"}, "network = 'mlp': give one such as TwoLayer"),
        ({"network": tp.Factory(lambda *a: nn.Linear(3, 10))}, "does not take inputs of shape"),
        ({"network": tp.Factory(lambda *a: 3)}, "returned a int for width 2: return an nn.Module"),
        ({"network": tp.RandomFeatures()}, "weight_decay = 0.0: .* give one > 0"),
        (
            {"network": tp.RandomFeatures(), "weight_decay": 1.0, "start": tp.Fresh(2.0)},
            r"start = Fresh\(gain=2.0\): .* give Fresh\(\)",
        ),
        ({"data": tp.Idx("absent-images-idx3-ubyte")}, "cannot be read"),
        ({"data": "digits"}, r"data = 'digits': give one such as Digits\(\)"),
        ({"laws": ["gauss"]}, "'gauss' is none of binary"),
        ({"laws": {"mine": tp.Binary(3)}}, r"law 'mine' draws points of shape \(3,\)"),
        ({"outputs": ["logit"]}, "give some of logits"),
        ({"start": 3}, r"start = 3: give one such as Fresh\(\)"),
        ({"weight_decay": -1.0}, "weight_decay = -1"),
        ({"flips": 65}, "flips = 65: digits has 64 inputs"),
        ({"samples": 1}, "samples = 1"),
    ],
)
def test_refusals_come_before_any_work(given, words, monkeypatch):
    monkeypatch.setattr(networks.protocol.NetworkTraining, "perform", None)
    with pytest.raises(ValueError, match=words):
        small(**given)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tp.Training("square"), "loss = 'square'"),
        (lambda: tp.Training(epochs=0), "epochs = 0"),
        (lambda: tp.Training(lr=0.0), "lr = 0"),
        (lambda: tp.Training(stop=-1.0), "stop = -1"),
        (lambda: tp.Training(batch=0), "batch = 0"),
        (lambda: tp.Training(precision="half"), "precision = 'half'"),
        (lambda: tp.Training(perturbation=0.3), "perturbation = 0.3"),
        (lambda: tp.Training(optimiser="adam"), "optimiser = 'adam'"),
        (lambda: tp.Adam(beta_1=1.0), "beta_1 = 1"),
        (lambda: tp.Sgd(1.0), "momentum = 1"),
        (lambda: tp.Perturbation(0.0), "eps = 0"),
        (lambda: tp.RandomLabels(copies=0), "copies = 0"),
        (lambda: tp.RandomLabels(corrupt=1.5), "corrupt = 1.5"),
        (lambda: tp.Fresh(-1.0), "gain = -1"),
        (lambda: tp.TwoLayer("tanh"), "activation = 'tanh'"),
        (lambda: tp.MLP(0), "depth = 0"),
        (lambda: tp.Factory(3), "function = 3"),
    ],
)
def test_values_that_cannot_be(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_the_page_shows_what_runs():
    text = (Path(__file__).parents[1] / "docs" / "networks.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names = {"print": lambda *values: None}
    exec(compile(block, "networks.md", "exec"), names)
    assert dict(names["data"].bmd.sizes) == {"seed": 2, "width": 3, "law": 2, "output": 2}


@pytest.mark.slow
def test_workers_give_what_one_process_gives():
    pytest.importorskip("distributed")
    given = {"laws": ["binary"], "start": networks.RandomLabels(epochs=5)}
    here, there = small(**given), small(**given, scheduler=2)
    np.testing.assert_allclose(here.bmd, there.bmd, rtol=1e-9)
    np.testing.assert_array_equal(here.test_error, there.test_error)
