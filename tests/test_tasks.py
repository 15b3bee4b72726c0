"""Tasks and layouts: keys that tell all results apart, and vectors that are taken apart again."""

from dataclasses import fields, replace

import numpy as np
import pytest

from twinpeaks import theory
from twinpeaks.simulate.chains.mixing import Limits
from twinpeaks.simulate.chains.posterior import Counts
from twinpeaks.simulate.chains.protocol import Sampling
from twinpeaks.simulate.initialisation import FromStart
from twinpeaks.simulate.robustness import Attack
from twinpeaks.simulate.run import Training
from twinpeaks.sweeps.device import Workspace, choose_device
from twinpeaks.sweeps.grid import Axis, make_grid
from twinpeaks.sweeps.layout import Layout, Variable
from twinpeaks.sweeps.sweep import Sweep, key_of, places

LOGISTIC = theory.Problem(loss=theory.Logistic())
WORK = Workspace(choose_device("cpu"), 2**20)
GRID = make_grid(2.0, 3.0, 20, 2, inner=(Axis("lam", np.array([0.1]), True),))
PROTOCOLS = [
    Training(LOGISTIC, 50, 4, 50, 1e-6),
    Sampling(LOGISTIC, 4, 10, 10, 2.0, Limits(), Counts(50, 2, 50, 4)),
    Attack(LOGISTIC, 1e-6, 8, 2, 50, 0, 1),
    FromStart(theory.Problem(), theory.RandomLabelsStart(0.5, ridge=0.1), 50, 2, 50),
]


def other(value):
    """Another value of the same type; of a group, one for each of its numbers."""
    if isinstance(value, theory.Problem):
        return [value.replace(activation=theory.Erf())]
    if isinstance(value, theory.Start):
        # values on its axes are in the tasks
        return [replace(value, ridge=0.2), replace(value, scale=1.0), theory.SameInputsStart()]
    if hasattr(value, "__dataclass_fields__"):
        return [
            replace(value, **{f.name: x})
            for f in fields(value)
            for x in other(getattr(value, f.name))
        ]
    return [value + 1 if isinstance(value, int) else 2 * value]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.layout.kind)
def test_a_key_depends_on_every_number(protocol):
    plain = Sweep(protocol, GRID, WORK, 1)
    several = [plain, replace(plain, threads=2), replace(plain, work=replace(WORK, chunk=2**19))]
    for field in fields(protocol):
        for changed in other(getattr(protocol, field.name)):
            several.append(replace(plain, protocol=replace(protocol, **{field.name: changed})))
    tasks = [task for _, task in places(GRID)]
    tasks += [replace(tasks[0], **{n: 7}) for n in ("D", "N", "P")]
    tasks += [
        replace(tasks[0], axes=(("lam", (0.2,)),)),
        replace(tasks[0], axes=(("eps", (0.1,)),)),
    ]
    keys = {key_of(sweep.describe(), task) for sweep in several for task in tasks}
    assert len(keys) == len(several) * len(tasks)
    assert len(several) >= len(fields(protocol)) + 3


def test_kinds_have_keys_of_their_own():
    (_, task), *_ = places(GRID)
    keys = {key_of(Sweep(p, GRID, WORK, 1).describe(), task) for p in PROTOCOLS}
    assert len(keys) == len(PROTOCOLS)


# --- layouts --------------------------------------------------------------------------------------


def test_a_result_is_taken_apart_as_it_was_put_together():
    said = ("a", "1", "b")
    layout = Layout(
        "made up",
        (
            Variable("x", said, ("lam", "eps")),
            Variable("y", said, ()),
            Variable("z", said, ("eps",)),
        ),
    )
    axes = [
        Axis("lam", np.array([1.0, 2.0])),
        Axis("eps", np.arange(3.0)),
        Axis("beta", np.ones(5)),
    ]
    grid = make_grid(1.0, 1.0, 4, 1, inner=(axes[0], axes[2]), last=(axes[1],))
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(2, 3)), "y": 0.5, "z": rng.normal(size=3)}
    found = layout.unpack(layout.pack(values), grid)
    for name, value in values.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].shape == np.shape(value)
    with pytest.raises(ValueError, match=r"of 11 numbers is none of kind made up .* has 10"):
        layout.unpack(np.zeros(11), grid)
