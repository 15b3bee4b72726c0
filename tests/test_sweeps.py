"""What all sweeps share: stores, resumption, export and refusals."""

import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext

import pytest
import xarray as xr
from click.testing import CliRunner
from test_store import performed

from twinpeaks import simulate, sweeps, theory
from twinpeaks.commands import cli
from twinpeaks.simulate.run import Training
from twinpeaks.sweeps.workers import here

SHARED = {"overparam": [0.5, 2.0], "D": 10, "seeds": 2, "n_flip": 2, "n_variance": 50}
CHAINS = {"warmup": 6, "draws": 10, "trajectory": 1.0, "largest_r_hat": 99.0, "least_ess": 0.1}
LOGISTIC = theory.Problem(loss=theory.Logistic())


def train(**changes):
    return simulate.run(LOGISTIC, **(SHARED | {"lam": [1e-2, 1.0], "n_test": 50} | changes))


def sample(**changes):
    at = {"lam": 0.1, "beta": [1.0, 5.0], "n_test": 50, "n_draws": 4} | CHAINS
    return simulate.sample(LOGISTIC, **(SHARED | at | changes))


def attack(**changes):
    at = {"lam": [1e-2, 1.0], "eps": [0.2, 0.5], "n_attack": 8}
    return simulate.attack(LOGISTIC, **(SHARED | at | changes))


def start(**changes):
    law = theory.RandomLabelsStart(alpha_prime=[0.2, 0.6], scale=3.0)
    given = SHARED | {"start": law, "lam": 0.0, "n_test": 50} | changes
    return simulate.run_from_start(theory.Problem(), **given)


KINDS = {"train": train, "sample": sample, "attack": attack, "start": start}
kinds = pytest.mark.parametrize("kind", KINDS)


def stop_after(count):
    def stop(finished, total):
        if finished == count:
            raise KeyboardInterrupt

    return stop


# --- stores ---------------------------------------------------------------------------------------


@kinds
def test_a_store_resumes_grows_and_exports_what_the_function_returns(kind, tmp_path, monkeypatch):
    call, path, output = KINDS[kind], tmp_path / "kept.db", tmp_path / "out.nc"
    plain, done = call(), performed(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        call(store=path, progress=stop_after(3))
    with sweeps.Store(path, create=False) as store:
        (grid,) = store.summary().grids
        assert store.progress(grid) == (3, 4)
        partial = store.collect(grid)
    missing = partial.status == -1
    assert int(missing.sum()) == partial.status.size // 4
    for name, values in plain.data_vars.items():
        if name != "status" and "seed" in values.dims:
            xr.testing.assert_equal(partial[name], values.where(~missing))

    xr.testing.assert_identical(call(store=path), plain)
    assert len(done) == len(set(done)) == 4
    with sweeps.Store(path, create=False) as store:
        xr.testing.assert_identical(store.collect(grid), plain)
    exported = CliRunner().invoke(cli, ["store", "export", str(path), "-o", str(output)])
    assert exported.exit_code == 0, exported.output
    plain.to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
    xr.testing.assert_identical(xr.load_dataset(output), xr.load_dataset(tmp_path / "plain.nc"))

    call(store=path, seeds=3, overparam=[0.5, 1.0, 2.0])
    assert len(done) == len(set(done)) == 9
    shown = CliRunner().invoke(cli, ["store", "show", str(path)]).output
    assert re.search(rf"kind +{kind}\n", shown)
    assert "9 of 9 instances; overparam 0.5,1,2" in shown
    assert f"{kind} " in CliRunner().invoke(cli, ["store", "ls", str(tmp_path)]).output


@kinds
def test_another_kind_is_refused_with_the_difference(kind, tmp_path):
    train(store=tmp_path / "kept.db", seeds=1) if kind != "train" else sample(
        store=tmp_path / "kept.db", seeds=1
    )
    held = "sample" if kind == "train" else "train"
    with pytest.raises(sweeps.StoreError, match=f"kind is {held} there and {kind} here"):
        KINDS[kind](store=tmp_path / "kept.db", seeds=1)


def test_other_values_of_an_inner_axis_are_new_tasks(tmp_path, monkeypatch):
    path, done = tmp_path / "kept.db", performed(monkeypatch)
    for change in ({}, {"beta": [1.0]}, {"lam": [0.1, 0.2]}, {"beta": [1.0]}):
        sample(store=path, seeds=1, overparam=0.5, **change)
    assert len(done) == len(set(done)) == 3
    path = tmp_path / "starts.db"
    for scale in (3.0, [3.0, 4.0]):
        start(store=path, seeds=1, overparam=2.0, start=theory.GaussianStart(scale))
    with pytest.raises(sweeps.StoreError, match=r"start is GaussianStart\(\) there and Same"):
        start(store=path, start=theory.SameInputsStart())


def test_the_sample_command_keeps_its_draws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output

    words = "sample --overparam 0.5 --beta 1,10 -D 20 --seeds 2 --draws 100 --n-test 50 --n-flip 2"
    call(*words.split(), "--store", "kept.db", "-o", "whole.nc")
    again, asked = performed(monkeypatch), []
    monkeypatch.setattr(
        "twinpeaks.sweeps.execute.cluster",
        lambda address: asked.append(address) or nullcontext(here),
    )
    call(*words.split(), "--store", "kept.db", "--scheduler", "3")
    assert (again, asked) == ([], [3])
    call("store", "export", "kept.db", "-o", "export.nc")
    xr.testing.assert_identical(xr.load_dataset("export.nc"), xr.load_dataset("whole.nc"))


def test_the_simulate_command_trains_seeds_together(tmp_path, monkeypatch):
    groups = []
    perform = Training.perform

    def count(self, tasks, work):
        groups.append(len(tasks))
        return perform(self, tasks, work)

    monkeypatch.setattr(Training, "perform", count)
    words = "simulate --overparam 0.5 -D 20 --seeds 5 --n-test 50 --n-flip 2 --device cpu"
    for batch in ([], ["--batch", "3"]):
        done = CliRunner().invoke(cli, [*words.split(), *batch])
        assert done.exit_code == 0, done.output
    assert groups == [1, 1, 1, 1, 1, 3, 2]


SCRIPT = """
import sys, time, twinpeaks.sweeps.sweep, test_sweeps
perform = twinpeaks.sweeps.sweep.perform
def slow(sweep, tasks):
    time.sleep(0.1)
    print(tasks[0]['N'], tasks[0].seed, flush=True)
    return perform(sweep, tasks)
twinpeaks.sweeps.sweep.perform = slow
test_sweeps.sample(store=sys.argv[1])
"""


def test_sampling_goes_on_after_a_kill(tmp_path, monkeypatch):
    path = tmp_path / "kept.db"
    here = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | here,
    ) as process:
        for _ in range(3):
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    done = performed(monkeypatch)
    data = sample(store=path)
    assert len(done) in (1, 2)  # the third may have been stored before the signal came
    xr.testing.assert_identical(data, sample())


# --- arguments ------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threads": 0}, "threads = 0: give an integer >= 1"),
        ({"memory": 0}, "memory = 0: give an integer >= 1"),
        ({"scheduler": 0}, "scheduler = 0: give an integer >= 1"),
        ({"store": 5}, "store = 5: give the path of a file"),
        ({"store": b"a.db"}, "store = b'a.db': give the path of a file"),
        ({"store": ":memory:"}, "store = ':memory:' keeps nothing: give the path of a file"),
        ({"progress": 3}, "progress = 3: give True, False or a callable"),
        ({"n_flip": 1}, "n_flip = 1: give an integer >= 2"),
    ],
)
def test_means_are_checked_alike(kind, change, words, monkeypatch):
    monkeypatch.setattr(
        "twinpeaks.sweeps.execute._perform", lambda *_: pytest.fail("work was done")
    )
    with pytest.raises(ValueError, match=words):
        KINDS[kind](**change)


@pytest.mark.parametrize(
    ("eps", "words"),
    [
        ("x", "eps = 'x': give a number"),
        (1j, "eps = 1j: give a number"),
        ([0.1, 0.1], "eps = 0.1 appears twice"),
        ([], "eps is empty: give at least one"),
        (-0.1, r"eps = -0.1: give numbers in \[0, inf\)"),
        ([0.0, float("inf")], r"eps = inf: give numbers in \[0, inf\)"),
    ],
)
def test_radii_are_numbers_from_0(eps, words):
    with pytest.raises(ValueError, match=words):
        attack(eps=eps)


def test_a_radius_may_be_0():
    assert (attack(eps=[0.0, 0.5], seeds=1).flip_rate.sel(eps=0.0) == 0).all()


@kinds
def test_a_bar_counts_instances(kind, capfd):
    KINDS[kind](progress=True, seeds=1)
    assert "2/2" in capfd.readouterr().err
