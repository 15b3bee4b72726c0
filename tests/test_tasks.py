"""Tasks: keys that tell all results apart."""

from dataclasses import fields, replace

import pytest

from twinpeaks import theory
from twinpeaks.simulate.chains.mixing import Limits
from twinpeaks.simulate.chains.posterior import Counts
from twinpeaks.simulate.chains.protocol import Sampling
from twinpeaks.simulate.initialisation import FromStart
from twinpeaks.simulate.robustness import Attack
from twinpeaks.simulate.run import Training
from twinpeaks.sweeps.device import Workspace, choose_device
from twinpeaks.sweeps.grid import Grid
from twinpeaks.sweeps.sweep import Sweep, key_of

LOGISTIC = theory.Problem(loss=theory.Logistic())
WORK = Workspace(choose_device("cpu"), 2**20)
PROTOCOLS = [
    Training(LOGISTIC, 50, 4, 50, 1e-6),
    Sampling(LOGISTIC, 4, 10, 10, 2.0, Limits(), Counts(50, 2, 50, 4)),
    Attack(LOGISTIC, 1e-6, 8, 2, 50, 0, 1),
    FromStart(theory.Problem(), theory.RandomLabelsStart(0.5, ridge=0.1), 50, 2, 50),
]
AT = {"overparam": 2.0, "alpha_T": 3.0, "lam": 0.1, "D": 20, "seed": 2}
TASKS = [task for _, task in Grid.read(PROTOCOLS[0], AT).places()]


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


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.kind)
def test_a_key_depends_on_every_number(protocol):
    plain = Sweep(protocol, WORK, 1)
    several = [plain, replace(plain, threads=2), replace(plain, work=replace(WORK, chunk=2**19))]
    for field in (f for f in fields(protocol) if f.name != "vary"):
        for changed in other(getattr(protocol, field.name)):
            several.append(replace(plain, protocol=replace(protocol, **{field.name: changed})))
    tasks = list(TASKS)
    tasks += [
        replace(tasks[0], sizes=tuple((k, 7 if k == n else v) for k, v in tasks[0].sizes))
        for n in ("D", "N", "P")
    ]
    tasks += [
        replace(tasks[0], varied=(("flip", 0.1),)),
        replace(tasks[0], axes=(("lam", (0.2,)),)),
        replace(tasks[0], axes=(("eps", (0.1,)),)),
    ]
    keys = {key_of(sweep.describe(), task) for sweep in several for task in tasks}
    assert len(keys) == len(several) * len(tasks)
    assert len(several) >= len(fields(protocol)) + 2


def test_kinds_have_keys_of_their_own():
    keys = {key_of(Sweep(p, WORK, 1).describe(), TASKS[0]) for p in PROTOCOLS}
    assert len(keys) == len(PROTOCOLS)
