"""Sweeps of a protocol that has nothing to do with random features: throws of dice.

Everything that a protocol declares is used as declared, or refused before the first task.
"""

import sys
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import pytest
import xarray as xr

from twinpeaks import sweeps
from twinpeaks.sweeps import Argument, Need, Protocol, Resources, Store, Variable

GRID = {"sides": [6, 20], "power": [1.0, 2.0], "seed": 3}
SIDES = Argument("sides", "[1, 100]", whole=True, said=("sides", "1", "of a die"))
POWER = Argument("power", "(0, 5)", inner=True, said=("power", "1", "of a throw"))
MOMENT = Variable("moment", ("power",), ("moment", "1", "mean of throw^power"))


class Luck(IntEnum):
    GOOD = 0
    BAD = 1


@dataclass(frozen=True)
class Dice(Protocol):
    kind = "dice"
    streams = ("throws",)
    rolls: int = 10

    @property
    def axes(self):
        return SIDES, POWER, Argument("seed")

    @property
    def variables(self):
        return MOMENT, Variable("luck", (), ("luck", "1", "of the first throw"), Luck)

    def need(self, task):
        return Need(self.rolls)

    def check(self, task):
        if task["sides"] == 13:
            raise ValueError("sides = 13: give another number")

    def perform(self, tasks, work):
        return [self.throw(task, self.random(task, work.device)["throws"]) for task in tasks]

    def throw(self, task, random):
        x = np.floor(random.uniform(self.rolls).numpy() * task["sides"]) + 1
        return {
            "moment": [np.mean(x**p) for p in task["power"]],
            "luck": int(2 * x[0] < task["sides"]),
        }


def run(protocol=None, store=None, **changes):
    return sweeps.run(protocol or Dice(), GRID | changes, Resources(store=store, device="cpu"))


def test_a_protocol_makes_a_labelled_dataset():
    data = run()
    assert data.moment.dims == ("sides", "power", "seed")
    assert data.luck.dims == ("sides", "seed")
    assert data.luck.dtype == np.int8
    assert data.luck.attrs["flag_meanings"] == "good bad"
    assert data.sides.attrs == {"long_name": "sides", "units": "1", "definition": "of a die"}
    assert data.attrs["sweep"] == "dice"
    # Var x <= E x^2 - (E x)^2 for the same throws
    assert (data.moment.sel(power=2.0) >= data.moment.sel(power=1.0) ** 2).all()


def test_a_protocol_is_kept_resumed_and_collected_without_its_class(tmp_path):
    path, plain = tmp_path / "kept.db", run()

    def stop(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweeps.run(Dice(), GRID, Resources(store=path, progress=stop, device="cpu"))
    xr.testing.assert_identical(run(store=path), plain)
    with Store(path) as store:
        (grid,) = store.summary().grids
        xr.testing.assert_identical(store.collect(grid), plain)
        assert store.progress(grid) == (6, 6)


# --- axes, variables and streams are added --------------------------------------------------------


@dataclass(frozen=True)
class Loaded(Dice):
    """With a new outer axis, a new inner axis, a new variable and a new stream."""

    streams = ("loads", "throws")

    @property
    def axes(self):
        weight = Argument("weight", "[0, 1]", said=("weight", "1", "added to a throw"))
        cut = Argument("cut", "[0, inf)", inner=True, said=("cut", "1", "of large throws"))
        return weight, *super().axes, cut

    @property
    def variables(self):
        share = Variable("share", ("power", "cut"), ("share", "1", "of throws beyond the cut"))
        return *super().variables, share

    def throw(self, task, random):
        out = super().throw(task, random)
        share = [[p * c + task["weight"] for c in task["cut"]] for p in task["power"]]
        return out | {"share": share}


def test_new_axes_variables_and_streams_just_work(tmp_path):
    data = run(Loaded(), tmp_path / "kept.db", weight=[0.0, 0.5], cut=[1.0, 2.0, 3.0])
    assert data.share.dims == ("weight", "sides", "power", "seed", "cut")
    expected = data.power * data.cut + data.weight
    xr.testing.assert_allclose(
        data.share, expected.broadcast_like(data.share).transpose(*data.share.dims)
    )
    with Store(tmp_path / "kept.db") as store:
        xr.testing.assert_identical(store.collect(store.summary().grids[0]), data)


def test_a_new_stream_moves_no_other():
    class More(Dice):
        streams = ("earlier", "throws", "zz")

    xr.testing.assert_equal(run(More()), run())


def test_streams_of_other_names_numbers_and_tasks_are_others():
    dice, seen = Loaded(), set()
    tasks = [
        sweeps.Task((("sides", sides),), seed) for sides in (6, 7) for seed in (0, 1, 2**32, 2**62)
    ]
    for task in tasks:
        streams = dice.random(task, "cpu")
        for name in ("loads", "throws", ("throws", 0), ("throws", 1)):
            seen.add(float(streams[name].normal(1)))
            assert float(streams[name].normal(1)) in seen
    assert len(seen) == 4 * len(tasks)
    with pytest.raises(KeyError, match="no stream 'other' is declared: there are loads, throws"):
        streams["other"]


# --- what does not fit is refused before the first task --------------------------------------------


def declared(**properties):
    made = {name: property(lambda _, value=value: value) for name, value in properties.items()}
    made["perform"] = lambda *_: pytest.fail("work was done")
    return type("Odd", (Dice,), made)()


UNSAID = Argument("colour", "(0, 1)")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"axes": (SIDES, POWER, UNSAID, Argument("seed"))}, "'colour' has no row in theory.names"),
        ({"axes": (SIDES, POWER)}, "declare an outer axis 'seed'"),
        ({"axes": (SIDES, SIDES, POWER, Argument("seed"))}, "'sides' is declared twice"),
        ({"variables": (MOMENT, Variable("shade"))}, "'shade' has no row in theory.names"),
        ({"variables": (MOMENT, MOMENT)}, "'moment' is declared twice"),
        ({"variables": (replace(MOMENT, name="power"),)}, "'power' is declared twice"),
        ({"variables": (replace(MOMENT, dims=("sides",)),)}, "'sides', which is no inner axis"),
        ({"variables": (replace(MOMENT, dims=("powr",)),)}, "'powr', which is no inner axis"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(change, words):
    with pytest.raises(TypeError, match=words):
        run(declared(**change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sides": 0}, r"sides = 0: give numbers in \[1, 100\]"),
        ({"sides": 2.5}, "sides = 2.5: give whole numbers"),
        ({"sides": [6, 13]}, "sides = 13: give another number"),
        ({"power": [1, 1]}, "power = 1 appears twice"),
        ({"size": 1}, "size: no axis of dice; it has sides, power, seed"),
        ({"seed": 0}, "seeds = 0: give an integer >= 1"),
        ({"seed": [1, 1]}, "seeds = 1 appears twice"),
        ({"seed": [-1]}, "give integers >= 0"),
        ({"sides": xr.DataArray([6, 8], dims="power"), "power": 1.0}, "the name of another axis"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(change, words, monkeypatch):
    monkeypatch.setattr(Dice, "perform", lambda *_: pytest.fail("work was done"))
    with pytest.raises(ValueError, match=words):
        run(**change)


def test_an_axis_that_is_not_given_is_named():
    with pytest.raises(ValueError, match="power: dice needs values of this axis"):
        sweeps.run(Dice(), {"sides": 6, "seed": 1})


def test_packages_memory_and_batches_are_looked_at_before_any_work():
    with pytest.raises(ValueError, match="dice needs no_such_package: pip install it"):
        run(declared(packages={"no_such_package": "pip install it"}))
    with pytest.raises(ValueError, match=r"sides = 6 need .* bytes on cpu and memory = 9 bytes"):
        sweeps.run(declared(), GRID, Resources(memory=9, device="cpu"))
    with pytest.raises(ValueError, match="batch = 2: dice works on one task at a time"):
        sweeps.run(declared(), GRID, Resources(batch=2, device="cpu"))


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"moment": [1.0, 2.0]}, "returned 'luck' of shape None"),
        ({"moment": [1.0], "luck": 0}, r"returned 'moment' of shape \(1,\); it declares \(2,\)"),
        ({"moment": [1.0, 2.0], "luck": 0, "odd": 0}, "'odd' is returned and not declared"),
    ],
)
def test_a_result_that_is_not_as_declared_ends_the_sweep_at_once(result, words, monkeypatch):
    monkeypatch.setattr(Dice, "throw", lambda *_: result)
    with pytest.raises(TypeError, match=words):
        run()


# --- stores outlive the next variable --------------------------------------------------------------


def test_a_variable_more_leaves_old_results_readable(tmp_path):
    """As a version with one more variable finds the store of a version without it, and the other way."""
    path, plain = tmp_path / "kept.db", run()
    run(store=path)

    class Newer(Dice):
        variables = property(
            lambda self: (*super().variables, Variable("top", (), ("top", "1", "?")))
        )

        def throw(self, task, random):
            return super().throw(task, random) | {"top": 7.0}

    data = run(Newer(), path, sides=[6, 20, 30])
    assert data.top.isnull().sel(sides=[6, 20]).all()
    assert (data.top.sel(sides=30) == 7.0).all()
    assert data.top.attrs["absent"] == "from 6 older results"
    xr.testing.assert_equal(data.moment.sel(sides=[6, 20]), plain.moment)
    xr.testing.assert_identical(run(store=path), plain)
    with Store(path) as store:
        old, new = sorted(store.summary().grids, key=lambda grid: len(grid.columns))
        xr.testing.assert_identical(store.collect(old), plain)
        xr.testing.assert_identical(store.collect(new), data)
        assert store.verify() == []
        xr.testing.assert_identical(run(store=path, sides=30).moment, data.moment.sel(sides=30))


# --- paths ------------------------------------------------------------------------------------------


def test_axes_on_one_dimension_are_taken_point_by_point(tmp_path):
    """Every point of a path is the point of the product."""
    product = run(power=[1.0, 2.0, 3.0])
    path = {
        "sides": xr.DataArray([6, 20], dims="t", coords={"t": [10.0, 20.0]}),
        "power": xr.DataArray([3.0, 1.0], dims="t"),
    }
    data = run(store=tmp_path / "kept.db", **path)
    assert data.moment.dims == ("t", "seed")
    assert data.t.values.tolist() == [10.0, 20.0]
    expected = product.moment.sel(sides=path["sides"], power=path["power"])
    np.testing.assert_array_equal(data.moment, expected.transpose("t", "seed"))
    with Store(tmp_path / "kept.db") as store:
        xr.testing.assert_identical(store.collect(store.summary().grids[0]), data)


def test_an_inner_axis_on_a_dimension_of_another_name_stays_inner(monkeypatch):
    tasks = []
    throw = Dice.throw
    monkeypatch.setattr(Dice, "throw", lambda self, t, r: tasks.append(t) or throw(self, t, r))
    data = run(power=xr.DataArray([1.0, 2.0], dims="t"))
    assert data.moment.dims == ("sides", "t", "seed")
    assert len(tasks) == 6
    np.testing.assert_array_equal(data.moment, run().moment)


def test_seeds_may_lie_on_a_path():
    data = run(sides=xr.DataArray([6, 20], dims="t"), seed=xr.DataArray([2, 0], dims="t"))
    whole = run()
    assert data.moment.dims == ("t", "power")
    for t, (sides, seed) in enumerate(((6, 2), (20, 0))):
        np.testing.assert_array_equal(data.moment[t], whole.moment.sel(sides=sides, seed=seed))


def test_sweeps_need_no_simulation():
    import subprocess

    code = "import sys, twinpeaks.sweeps; print([m for m in sys.modules if 'twinpeaks.sim' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
