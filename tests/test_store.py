"""A sweep in a store survives what ends processes, and never does anything twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from twinpeaks import measure, simulate, sweeps, theory

SWEEP = {"overparam": [0.5, 1.0, 2.0], "lam": [1e-3, 0.1], "D": 20, "n_test": 50, "n_flip": 4}


def run(**changes):
    return simulate.run(theory.Problem(), **(SWEEP | {"seeds": 3} | changes))


def performed(monkeypatch):
    """Tasks done by this process, as they are done."""
    module, done = sys.modules["twinpeaks.sweeps.sweep"], []
    perform = module.perform

    def count(sweep, tasks):
        done.extend(tasks)
        return perform(sweep, tasks)

    monkeypatch.setattr(module, "perform", count)
    return done


def test_a_store_changes_nothing(tmp_path):
    xr.testing.assert_identical(run(store=tmp_path / "run.db"), run())


def test_an_interrupted_sweep_does_only_what_is_missing(tmp_path, monkeypatch):
    path, done = tmp_path / "run.db", performed(monkeypatch)

    def stop(finished, total):
        if finished == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(store=path, progress=stop)
    assert len(done) == 4
    with sweeps.Store(path, create=False) as store:
        assert store.summary().claimed == 0
        grid = store.summary().grids[0]
        assert store.progress(grid) == (4, 9)
        assert int((store.collect(grid).status == -1).sum()) == 5 * 2
    seen = []
    data = run(store=path, progress=lambda *counts: seen.append(counts))
    assert len(done) == 9
    assert len(set(done)) == 9
    assert seen == [(k, 9) for k in range(5, 10)]
    xr.testing.assert_identical(data, run())


def test_a_sweep_grows(tmp_path, monkeypatch):
    path, done = tmp_path / "run.db", performed(monkeypatch)
    run(store=path, seeds=2)
    data = run(store=path, seeds=3, overparam=[0.5, 1.0, 2.0, 4.0])
    assert len(done) == len(set(done)) == 12
    assert data.sizes["seed"] == 3
    with sweeps.Store(path, create=False) as store:
        assert len(store.summary().grids) == 2


SCRIPT = """
import sys, time, simulate, theory
from twinpeaks.sweeps import sweep
perform = sweep.perform
def slow(plan, tasks):
    time.sleep(0.1)
    print(tasks[0]['N'], tasks[0].seed, flush=True)
    return perform(plan, tasks)
sweep.perform = slow
simulate.run(theory.Problem(), overparam=[0.5, 1.0, 2.0], lam=[1e-3, 0.1], D=20, n_test=50,
             n_flip=4, seeds=3, store=sys.argv[1])
"""


def start(path):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, text=True
    )


def test_kill_loses_one_task_and_repeats_none_that_was_finished(tmp_path, monkeypatch):
    path = tmp_path / "run.db"
    process = start(path)
    for _ in range(4):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    done = performed(monkeypatch)
    data = run(store=path)
    assert len(done) in (5, 6)  # the fourth may have been stored before the signal came
    xr.testing.assert_identical(data, run())


def test_two_processes_share_the_work(tmp_path):
    path = tmp_path / "run.db"
    first, second = start(path), start(path)
    lines = [p.communicate(timeout=120)[0].splitlines() for p in (first, second)]
    assert first.returncode == second.returncode == 0
    assert all(lines)
    assert len(lines[0]) + len(lines[1]) == len({*lines[0], *lines[1]}) == 9
    xr.testing.assert_identical(run(store=path), run())


@pytest.mark.parametrize(
    ("problem", "changes", "words"),
    [
        (theory.Problem(loss=theory.Logistic()), {}, r"problem is .*Square.* there and .*Logistic"),
        (theory.Problem(), {"n_test": 60}, "n_test is 50 there and 60 here"),
        (theory.Problem(), {"memory": 2 * 10**6}, "chunk, which memory decides, is 16777216 there"),
        (theory.Problem(), {"threads": 2}, "threads is 1 there and 2 here"),
    ],
)
def test_a_store_of_another_sweep_is_refused_with_the_difference(tmp_path, problem, changes, words):
    path = tmp_path / "run.db"
    run(store=path, seeds=1)
    with pytest.raises(sweeps.StoreError, match=words):
        simulate.run(problem, **(SWEEP | changes), store=path)


def test_a_store_of_another_version_is_refused(tmp_path):
    path = tmp_path / "run.db"
    run(store=path, seeds=1)
    with sqlite3.connect(path) as db:
        db.execute('UPDATE about SET value = replace(value, \'"twinpeaks":"\', \'"twinpeaks":"9\')')
    db.close()
    with pytest.raises(sweeps.StoreError, match=r"twinpeaks is 9.* there and"):
        run(store=path, seeds=1)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE about SET value = '1' WHERE name = 'format'")
    db.close()
    with pytest.raises(
        sweeps.StoreError,
        match="format is '1', this version reads 2 and 3; give another file to start",
    ):
        run(store=path, seeds=1)


@pytest.mark.parametrize("table", ["flights", "about"])
@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("busy", [False, True])
def test_a_database_of_others_is_refused_and_left_as_it_was(tmp_path, table, journal, busy):
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute(f"PRAGMA journal_mode = {journal}")
    theirs.execute(f"CREATE TABLE {table} (number)")
    theirs.execute(f"INSERT INTO {table} VALUES (1)")
    theirs.commit()
    if not busy:
        theirs.close()
    # locks are in the shared memory of a log
    names = [p for p in sorted(tmp_path.iterdir()) if not p.name.endswith("-shm")]
    before = [(p, p.read_bytes()) for p in names]
    for create in (True, False):
        with pytest.raises(sweeps.StoreError, match=r"theirs.db: this is no store; give another"):
            sweeps.Store(path, create=create)
    left = [p for p in sorted(tmp_path.iterdir()) if not p.name.endswith("-shm")]
    assert [(p, p.read_bytes()) for p in left] == before
    theirs.close()


def test_an_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "run.db"
    path.touch()
    with pytest.raises(sweeps.StoreError, match="this is no store"):
        sweeps.Store(path, create=False)
    with sweeps.Store(path) as store:
        assert store.summary().results == 0


def test_a_store_whose_writer_was_killed_at_once_is_known(tmp_path):
    """All of it is still in the log."""
    path = tmp_path / "run.db"
    store = sweeps.Store(path)
    for name in ("run.db", "run.db-wal"):
        (tmp_path / "killed").mkdir(exist_ok=True)
        (tmp_path / "killed" / name).write_bytes((tmp_path / name).read_bytes())
    store.close()
    with sweeps.Store(tmp_path / "killed" / "run.db", create=False) as found:
        assert found.summary().results == 0


def test_a_damaged_result_is_found_and_done_again(tmp_path):
    path = tmp_path / "run.db"
    run(store=path)
    with sqlite3.connect(path) as db:
        key, blob = db.execute("SELECT task, value FROM results LIMIT 1").fetchone()
        db.execute("UPDATE results SET value = ? WHERE task = ?", ["\x00" + blob[1:], key])
    db.close()
    with pytest.raises(sweeps.StoreError, match=f"result {key[:12]} is damaged"):
        run(store=path)
    with sweeps.Store(path, create=False) as store:
        assert len(store.verify()) == 1
        store.verify(repair=True)
        assert store.verify() == []
    xr.testing.assert_identical(run(store=path), run())


@pytest.mark.parametrize("kept", [100, 0.5])
def test_a_truncated_store_is_refused(tmp_path, kept):
    path = tmp_path / "run.db"
    run(store=path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    size = path.stat().st_size
    os.truncate(path, kept if isinstance(kept, int) else int(kept * size))
    with pytest.raises(sweeps.StoreError, match="damaged or no store"):
        run(store=path)


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    """SQLite's own limit on pages raises what a full disk raises."""
    path = tmp_path / "run.db"
    run(store=path, seeds=1)
    module = sys.modules["twinpeaks.sweeps.store"]
    connect = module.connect

    def small(path, create):
        db = connect(path, create=create)
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 1}")
        return db

    with monkeypatch.context() as patch:
        patch.setattr(module, "connect", small)
        with pytest.raises(sweeps.StoreError, match="full; free some space and run the same"):
            run(store=path, seeds=40)
    done = performed(monkeypatch)
    xr.testing.assert_identical(run(store=path), run())
    assert len(done) < 9 + 9  # the second nine are the run without a store


def test_a_place_that_cannot_be_written_is_refused():
    with pytest.raises(sweeps.StoreError, match=r"store = /proc/run.db: .*check the path"):
        run(store="/proc/run.db")


def test_an_absent_store_is_not_made_by_looking(tmp_path):
    with pytest.raises(sweeps.StoreError, match="there is no such file"):
        sweeps.Store(tmp_path / "none.db", create=False)


def test_claims_of_the_dead_are_void(tmp_path):
    path = tmp_path / "run.db"
    run(store=path, seeds=1)
    with sqlite3.connect(path) as db:
        # our own process number, but of a process that was born long ago
        db.execute("DELETE FROM results")
        db.execute("INSERT INTO claims SELECT 'x', ?, 1.0", [os.getpid()])
    db.close()
    began = time.monotonic()
    run(store=path, seeds=1)
    assert time.monotonic() - began < 30
    with sweeps.Store(path, create=False) as store:
        assert store.summary().claimed == 0
        assert np.isfinite(store.summary().seconds)


def test_claims_that_this_process_could_not_give_back_are_void(tmp_path):
    """As after a full disk in a notebook, which then calls again."""
    path = tmp_path / "run.db"
    run(store=path, seeds=1)
    with sweeps.Store(path) as store, sqlite3.connect(path) as db:
        db.execute("INSERT INTO claims SELECT task, ?, ? FROM results", store._owner)
        db.execute("DELETE FROM results")
        db.commit()
        store._owner = (0, 0.0)  # closing it gives nothing back
    db.close()
    xr.testing.assert_identical(run(store=path, seeds=1), run(seeds=1))


def test_the_command_shows_exports_and_verifies(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from twinpeaks.commands import cli

    monkeypatch.chdir(tmp_path)

    def call(*words):
        result = CliRunner().invoke(cli, words)
        return result.exit_code, result.output

    sweep = ["--overparam", "0.5,2", "--lam", "1e-3", "-D", "20", "--n-test", "50", "--n-flip", "4"]
    assert call("simulate", *sweep, "--seeds", "2", "--store", "run.db", "-o", "all.nc")[0] == 0
    code, text = call("store", "show", "run.db")
    assert code == 0
    assert "4 of 4 instances; overparam 0.5,2" in text
    assert "run.db" in call("store", "ls")[1]
    assert call("store", "export", "run.db", "-o", "again.nc")[0] == 0
    xr.testing.assert_identical(xr.load_dataset("again.nc"), xr.load_dataset("all.nc"))
    with sqlite3.connect("run.db") as db:
        place = "about LIKE '%[\"N\",30]%' AND about LIKE '%\"seed\":{}%'"
        db.execute(f"DELETE FROM results WHERE {place.format(1)}")
        db.execute(f"UPDATE results SET digest = 'x' WHERE {place.format(0)}")
    db.close()
    code, text = call("store", "export", "run.db", "-o", "less.nc")
    assert code == 2
    assert "3 of 4 instances are finished" in text
    assert call("store", "verify", "run.db")[0] == 1
    assert call("store", "verify", "run.db", "--repair")[0] == 0
    assert call("store", "export", "run.db", "--partial", "-o", "less.nc")[0] == 0
    assert int((xr.load_dataset("less.nc").status == -1).sum()) == 2
    held = Path("run.db").read_bytes()
    os.link("run.db", "kept.nc")
    for words in (
        ["store", "export", "kept.nc", "-o", "./kept.nc"],
        ["simulate", *sweep, "--store", "kept.nc", "-o", f"{tmp_path}/kept.nc"],
        ["sample", "--overparam", "1", "--store", "none.nc", "-o", "none.nc"],
        ["validate", "--suite", "standard", "--store", "a.html", "-o", "a.html"],
        ["validate", "all.nc", "less.nc", "-o", "less.nc"],
    ):
        code, text = call(*words)
        assert (code, text.count("\n")) == (2, 1)
        assert "would be replaced; give another name" in text
    assert Path("kept.nc").read_bytes() == held
    assert not Path("none.nc").exists()
    code, text = call("simulate", *sweep, "--loss", "hinge", "--store", "run.db")
    assert code == 1
    assert "problem is" in text


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("throw", lambda: measure.mean_dimension(np.sum, 3, 4, random=0, throw="no")),
        ("one_hot", lambda: measure.Categories(np.ones((2, 3)), one_hot="yes")),
        ("create", lambda: sweeps.Store(":memory:", create=1)),
        ("repair", lambda: sweeps.Store(":memory:").verify(repair="all")),
    ],
)
def test_a_flag_is_true_or_false(name, ask):
    with pytest.raises(ValueError, match=rf"{name} = .*: give True or False"):
        ask()
