"""What can be measured: modules, estimators, functions of arrays; views; and what is refused."""

import numpy as np
import pytest

from twinpeaks import measure
from twinpeaks.measure import Binary, Marginals, Normal, Uniform
from twinpeaks.measure.models import read_model
from twinpeaks.measure.models.base import Model

torch = pytest.importorskip("torch")
nn = torch.nn
SHAPE = (1, 6, 6)


def seeded(make):
    torch.manual_seed(0)  # of the modules' own initial weights
    return make()


def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1),
        nn.BatchNorm2d(3),
        nn.Tanh(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(27, 4),
    )


def frozen_norm_first():
    norm = nn.BatchNorm2d(1)
    norm.running_mean.fill_(0.3)
    norm.running_var.fill_(2.0)
    return nn.Sequential(
        norm, nn.Sequential(nn.Flatten(), nn.Linear(36, 8)), nn.ReLU(), nn.Linear(8, 2)
    )


class Opaque(nn.Module):
    """No Sequential: evaluated as a whole."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(36, 5)

    def forward(self, x):
        return torch.tanh(self.first(x.reshape(len(x), -1))).sum(1)


MODULES = {
    "linear first": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(36, 9), nn.ReLU(), nn.Linear(9, 3)
    ),
    "convolution first": convolutional,
    "norm first": frozen_norm_first,
    "two affine layers": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(36, 7), nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 2)
    ),
    "circular": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.ReLU(), nn.Flatten()
    ),
    "affine all through": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 2)),
    "opaque": Opaque,
    "in place": lambda: nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(48, 2)
    ),
    "last axis": lambda: nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Flatten(), nn.Linear(24, 2)),
}
modules = pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)


@modules
@pytest.mark.parametrize("width", [1, 2])
def test_neighbours_are_those_of_the_whole_module(make, width):
    """Replaced inputs through the leading affine layers, against evaluation of the changed points."""
    module = seeded(make).double()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 36))
    columns = rng.permutation(36)[: 4 * width].reshape(4, width)
    values = rng.normal(size=(3, 4, width))
    with read_model(module, SHAPE) as model:
        started = model.start(x)
        np.testing.assert_allclose(started.outputs, model(x), rtol=1e-12, atol=1e-12)
        fast = model.replaced(started, slice(1, 4), columns, values)
        plain = Model.replaced(model, started, slice(1, 4), columns, values)
    np.testing.assert_allclose(fast, plain, rtol=1e-10, atol=1e-12)


def test_a_group_with_fewer_columns_counts_each_once():
    module = seeded(MODULES["linear first"]).double()
    law = Normal(0.0, 1.0, SHAPE, groups=np.minimum(np.arange(36), 20).reshape(SHAPE))
    assert law.n == 21
    opaque = measure.influences(lambda x: module(x).detach(), law=law, samples=40, random=0)
    inside = measure.influences(module, law=law, samples=40, random=0)
    np.testing.assert_allclose(inside.value, opaque.value, rtol=1e-9)


@modules
def test_a_module_is_measured_as_the_function_it_is_in_evaluation(make):
    """Its mode, its gradients and its statistics stay as they were."""
    module = seeded(make)
    module.train()
    first = next(module.children())
    first.eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    found = measure.mean_dimension(module, SHAPE, 300, 0, flips=6)
    assert [part.training for part in module.modules()] == modes
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])
    assert all(p.grad is None for p in module.parameters())
    module.eval()
    double = seeded(make).double().eval()
    double.load_state_dict(
        {k: v.double() if v.is_floating_point() else v for k, v in before.items()}
    )

    def f(x):
        with torch.no_grad():
            return double(torch.as_tensor(x).double()).reshape(len(x), -1)

    other = measure.mean_dimension(f, SHAPE, 300, 0, flips=6)
    assert found.value == pytest.approx(other.value, abs=1e-4)
    if make is MODULES["affine all through"]:
        assert found.value == pytest.approx(1.0, abs=1e-5)


def test_several_views_of_one_pass():
    """Each as if measured by itself, from the same evaluations."""
    module = seeded(lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))).double()
    calls = []

    def f(x):
        calls.append(len(x))
        return module(torch.as_tensor(x)).detach()

    names = ["logits", "softmax", "log_softmax", "class"]
    found = measure.mean_dimension(f, 6, 400, 0, views=names)
    together = sum(calls)
    assert list(found) == names
    calls.clear()
    alone = measure.mean_dimension(f, 6, 400, 0, views="softmax")
    assert sum(calls) == together
    assert alone.value == pytest.approx(found["softmax"].value, rel=1e-12)
    by_hand = measure.mean_dimension(lambda x: torch.softmax(f(x), 1), 6, 400, 0)
    assert by_hand.value == pytest.approx(alone.value, rel=1e-9)
    own = measure.mean_dimension(f, 6, 400, 0, views={"first": lambda y: y[:, 0]})
    first = measure.mean_dimension(lambda x: f(x)[:, 0], 6, 400, 0)
    assert own["first"].value == pytest.approx(first.value, rel=1e-12)


def test_outputs_one_by_one():
    """Each as if it were the only one; a dead one is NaN with a status beside those that live."""

    def f(x):
        return np.stack([x[:, 0], x[:, 0] * x[:, 1], np.zeros(len(x)), x[:, :3].prod(1)], 1)

    found = measure.mean_dimension(f, 5, 300, 0, outputs="each")
    np.testing.assert_allclose(found.value[[0, 1, 3]], [1, 2, 3], atol=0.05)
    assert np.isnan(found.value[2])
    assert np.isnan(found.standard_error[2])
    assert found.status.tolist() == ["converged", "converged", "constant", "converged"]
    maps = measure.influences(f, 5, 50, 0, outputs="each")
    np.testing.assert_allclose(maps.value[1], [1, 1, 0, 0, 0], atol=1e-12)
    alone = measure.mean_dimension(lambda x: f(x)[:, 1], 5, 300, 0)
    assert alone.value == pytest.approx(found.value[1], rel=1e-12)


def test_a_constant_in_a_sweep_is_a_status():
    found = measure.mean_dimension(lambda x: np.zeros(len(x)), 5, 30, 0, throw=False)
    assert np.isnan(found.value)
    assert found.status == "constant"
    heavy = measure.mean_dimension(lambda x: np.exp(x.sum(1)), 8, 30, 0, throw=False)
    assert np.isnan(heavy.value)
    assert heavy.status == "unreliable"


# --- kinds of functions -------------------------------------------------------------------------------


def test_a_function_receives_arrays_of_the_shape_of_a_point():
    seen = []

    def f(x):
        seen.append((type(x), x.dtype, x.shape[1:]))
        return x.sum((1, 2)) + x[:, 0, 0] * x[:, 1, 1]

    measure.mean_dimension(f, (2, 3), 30, 0)
    assert set(seen) == {(np.ndarray, np.dtype(float), (2, 3))}


def test_a_function_of_tensors_receives_tensors():
    weights = torch.ones(4, dtype=torch.float64)
    found = measure.mean_dimension(lambda x: torch.relu(x @ weights), 4, 300, 0)
    same = measure.mean_dimension(lambda x: np.maximum(x.sum(1), 0.0), 4, 300, 0)
    assert found.value == pytest.approx(same.value, rel=1e-12)
    stream = measure.TorchRandom.from_seed(0)
    kinds = set()

    def f(x):
        kinds.add(type(x))
        return x[:, 0] * x[:, 1]

    measure.mean_dimension(f, 4, 30, stream)
    assert kinds == {torch.Tensor}


def test_the_error_of_a_function_is_its_own():
    def broken(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        measure.mean_dimension(broken, 4, 30, 0)


def test_estimators_of_scikit_learn():
    """A forest by its method, a classifier by its probabilities, against the method as a function."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5))
    y = x[:, 0] + x[:, 1] * x[:, 2]
    law = Marginals(x)
    forest = ensemble.RandomForestRegressor(10, max_depth=3, random_state=0).fit(x, y)
    ridge = linear.Ridge().fit(x, y)
    for model in (forest, ridge):
        found = measure.mean_dimension(model, law=law, samples=60, random=0)
        same = measure.mean_dimension(model.predict, law=law, samples=60, random=0)
        assert found.value == same.value
    assert found.value == pytest.approx(1.0, abs=1e-9)
    named = np.where(y > 0, "up", "down")
    classifier = ensemble.RandomForestClassifier(5, max_depth=3, random_state=0).fit(x, named)
    found = measure.mean_dimension(classifier, law=law, samples=60, random=0)
    same = measure.mean_dimension(classifier.predict_proba, law=law, samples=60, random=0)
    assert found.value == same.value
    with pytest.raises(
        ValueError, match=r"labels \(dtype <U4\), such as '(up|down)': .*predict_proba"
    ):
        measure.mean_dimension(classifier.predict, law=law, samples=60, random=0)
    mapped = measure.mean_dimension(
        lambda x: classifier.predict(x)[:, None] == classifier.classes_,
        law=law,
        samples=60,
        random=0,
    )
    assert 1 < mapped.value < 5


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_precision_is_read(dtype):
    """The same numbers to the spacing of each; what a precision cannot tell from rounding it says."""
    module = seeded(lambda: nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 2)))
    exact = measure.mean_dimension(module, 12, 300, 0).value
    module = module.to(dtype)
    with read_model(module, (12,)) as model:
        model(np.ones((3, 12)))
        assert model.spacing == torch.finfo(dtype).eps
    found = measure.mean_dimension(module, 12, 300, 0)
    assert found.value == pytest.approx(exact, abs=30 * max(torch.finfo(dtype).eps, 2**-23) ** 0.9)
    flat = nn.Sequential(nn.Linear(12, 1), nn.Tanh()).to(dtype)
    with torch.no_grad():
        flat[0].weight.mul_(0.0)
    with pytest.raises(ValueError, match=r"constant, .*relative spacing of"):
        measure.mean_dimension(flat, 12, 300, 0)


def test_a_module_without_numbers_gets_those_of_its_kind():
    class Bare(nn.Module):
        def forward(self, x):
            return x[:, :2] @ torch.ones(2, 1) * x[:, 2:3]

    assert measure.mean_dimension(Bare(), 4, 300, 0).value == pytest.approx(2.0, abs=0.1)
    single = seeded(lambda: nn.Linear(4, 1, bias=False))
    found = measure.mean_dimension(lambda x: single(x).detach() ** 2, 4, 300, 0)
    assert found.value == pytest.approx(2.0, abs=0.1)


# --- refusals -----------------------------------------------------------------------------------------

noise = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: x[:, 0] + noise.normal(size=len(x)), "other values for the same inputs"),
        (lambda x: x[:, 0] * x[:, 1] - x[:, 2].cumsum(), "depend on their own input alone"),
        (lambda x: x[:, 0] * x[:, 1] + 3 * x.mean() * x[:, 2], "depend on their own input alone"),
        (lambda x: x[:, 0] + 0.004 * noise.normal(size=len(x)), "other values for the same"),
        (nn.BatchNorm1d(4, track_running_stats=False), "depend on their own input alone"),
        (lambda x: [x[:, 0], x[:, 1]], "a list of 2: return one array"),
        (lambda x: x[:3, 0], r"f returned shape \(3,\) for 64 inputs"),
        (lambda x: None, "f returned NoneType, which is no array"),
        (nn.Linear(5, 2), r"module failed on points of shape \(64, 4\).*n=\(1, 28, 28\)"),
        (nn.LSTM(4, 2), "the module returned a tuple"),
        (nn.Linear, "f = Linear is a class"),
        ("model.pt", "f = 'model.pt': give a function"),
    ],
)
def test_what_cannot_be_measured(f, words):
    with pytest.raises(ValueError, match=words):
        measure.mean_dimension(f, 4, 50, 0)


def test_a_view_that_is_not_finite():
    for estimator in (measure.mean_dimension, measure.influences):
        with pytest.raises(ValueError, match="view 'log' is not finite for the outputs"):
            estimator(
                lambda x: x[:, 0] + 0.5 * x[:, 1], 3, 50, 0, views={"log": lambda y: y * np.inf}
            )


def test_weights_that_are_not_finite():
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    with torch.no_grad():
        module[2].weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="not finite: check its weights"):
        measure.mean_dimension(module, 4, 50, 0)


def test_dropout_left_on_by_hand_is_seen():
    module = seeded(lambda: nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 1))).double()

    def f(x):
        return nn.functional.dropout(module(torch.as_tensor(x)).detach(), 0.5, training=True)

    with pytest.raises(ValueError, match=r"Switch off dropout .*model.eval"):
        measure.mean_dimension(f, 4, 50, 0)


# --- until the error is there -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "law", [Binary(40), Uniform(-1.0, 1.0, 40), Normal(0.0, 1.0, 40)], ids=repr
)
def test_auto_stops_at_the_error_asked_for(law):
    """And its error is honest: 12 seeds, chi^2 of 12 degrees of freedom below 38, p < 1.5e-4."""
    module = seeded(lambda: nn.Sequential(nn.Linear(40, 16), nn.Tanh(), nn.Linear(16, 3)))
    found = [measure.mean_dimension(module, law=law, random=s, rtol=0.004) for s in range(12)]
    reference = measure.mean_dimension(module, law=law, random=99, rtol=0.0008)
    assert all(e.standard_error <= 0.004 * e.value for e in found)
    z = [
        (e.value - reference.value) / np.hypot(e.standard_error, reference.standard_error)
        for e in found
    ]
    assert np.sum(np.square(z)) < 38


def test_auto_gives_up_at_the_limit():
    with pytest.raises(ValueError, match=r"limit = 20000.*an error above rtol; raise limit"):
        measure.mean_dimension(
            lambda x: x[:, :3].prod(1) + 3 * x[:, 3], 20, random=0, rtol=1e-5, limit=20000
        )
    calls = []
    with pytest.raises(ValueError, match=r"limit = 100: .* evaluations at least: raise limit"):
        measure.mean_dimension(calls.append, 20, random=0, limit=100)
    found = measure.mean_dimension(
        lambda x: x[:, :3].prod(1) + 3 * x[:, 3], 20, random=0, rtol=1e-5, limit=9000, throw=False
    )
    assert found.status == "limit"
    assert np.isnan(found.value)


def test_auto_ends_at_once_for_a_constant():
    calls = []

    def f(x):
        calls.append(len(x))
        return np.ones(len(x))

    with pytest.raises(ValueError, match="constant"):
        measure.mean_dimension(f, 20, random=0)
    assert sum(calls) < 20_000
