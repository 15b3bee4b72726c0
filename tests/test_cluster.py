"""The same sweep on a real Dask scheduler with worker processes of its own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread

import psutil
import pytest
import xarray as xr

from twinpeaks import simulate, sweeps, theory
from twinpeaks.sweeps.workers import ClusterError, cluster as cluster_of

SWEEP = {"overparam": [0.5, 2.0], "D": 20, "seeds": 8, "n_test": 50, "n_flip": 4}


def run(**changes):
    return simulate.run(theory.Problem(), **(SWEEP | {"lam": [1e-3, 0.1]} | changes))


def sample(**changes):
    chains = {"warmup": 20, "draws": 20, "largest_r_hat": 99.0, "least_ess": 0.1, "n_draws": 4}
    at = SWEEP | chains | {"beta": [1.0, 5.0]}
    return simulate.sample(theory.Problem(loss=theory.Logistic()), **(at | changes))


def workers():
    """Worker processes below this one: the children of its nannies do the tasks."""
    me = psutil.Process()
    return [p for p in me.children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]


@pytest.mark.parametrize("sweep", [run, pytest.param(sample, marks=pytest.mark.slow)])
def test_a_cluster_changes_no_bit_and_a_dead_worker_costs_nothing_but_time(sweep, tmp_path):
    killed = []

    def kill(done, total):
        if done == 2:
            victim = workers()[0].pid
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    path = tmp_path / "run.db"
    data = sweep(scheduler=2, store=path, progress=kill)
    assert len(killed) == 1
    xr.testing.assert_identical(data, sweep())
    assert int((data.status != 0).sum()) == 0
    with sweeps.Store(path, create=False) as store:
        assert store.summary().results == 16
        assert store.verify() == []


def test_a_scheduler_by_its_address_whose_workers_share_the_memory():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=3, dashboard_address="127.0.0.1:0", processes=True
    ) as cluster:
        xr.testing.assert_identical(run(scheduler=cluster.scheduler_address), run())
        with cluster_of(cluster.scheduler_address) as crew:
            assert crew.neighbours == 2


@pytest.mark.parametrize(
    "loss", [theory.Square(), pytest.param(theory.Logistic(), marks=pytest.mark.slow)]
)
def test_the_only_worker_may_die(loss):
    """Nobody else then holds anything of the sweep."""
    killed = []

    def kill(done, total):
        if done == 3:
            (victim,) = workers()
            os.kill(victim.pid, signal.SIGKILL)
            killed.append(victim)

    again = {"seeds": 20, "overparam": 0.5, "lam": 0.1}
    problem = theory.Problem(loss=loss)
    data = simulate.run(problem, **(SWEEP | again), scheduler=1, progress=kill)
    assert len(killed) == 1
    xr.testing.assert_identical(data, simulate.run(problem, **(SWEEP | again)))


@pytest.mark.slow
def test_a_task_that_kills_its_workers_ends_the_sweep_with_a_sentence():
    with cluster_of(1) as crew, pytest.raises(ClusterError, match="4 workers in a row died of one"):
        crew.call(os._exit, 1)


def test_a_lost_scheduler_ends_the_sweep_with_a_sentence(tmp_path, caplog):
    """On the command line too, and the same command goes on from the store."""
    from click.testing import CliRunner

    from twinpeaks.commands import cli

    code = (
        "import sys\nfrom distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=1, dashboard_address='127.0.0.1:0') as cluster:\n"
        "        print(cluster.scheduler_address, flush=True)\n"
        "        sys.stdin.readline()\n"
    )
    script = tmp_path / "scheduler.py"
    script.write_text(code)
    words = "simulate --overparam 0.5 --lam 0.1 -D 20 --n-test 50 --n-flip 4 --seeds 200"
    path = tmp_path / "run.db"
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        address = process.stdout.readline().strip()

        def watch():
            while True:
                with suppress(sweeps.StoreError), sweeps.Store(path, create=False) as store:
                    if store.summary().results:
                        break
                time.sleep(0.05)
            for child in [*psutil.Process(process.pid).children(recursive=True), process]:
                child.kill()

        thread = Thread(target=watch)
        thread.start()
        call = [*words.split(), "--store", str(path), "--scheduler", address]
        done = CliRunner().invoke(cli, call)
        thread.join()
    assert done.exit_code == 1
    assert "twinpeaks: the scheduler was lost" in done.output
    assert not [record for record in caplog.records if record.name == "distributed.client"]
    assert CliRunner().invoke(cli, [*words.split(), "--store", str(path)]).exit_code == 0


@pytest.mark.parametrize("scheduler", ["foo://1", "tcp://", "tls://127.0.0.1:1"])
def test_an_address_that_is_none_is_said(scheduler):
    with pytest.raises(ValueError, match=f"scheduler = '{scheduler}': nobody answers there"):
        run(scheduler=scheduler)


def test_nobody_at_an_address_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"scheduler = 'tcp://127.0.0.1:9': nobody answers"):
        run(scheduler="tcp://127.0.0.1:9")
    # nor is anything left behind: xarray would write with whatever client is the default
    run(seeds=1).to_netcdf(tmp_path / "run.nc", engine="h5netcdf")


# A module has both what a script has and what tells its name.
@pytest.mark.parametrize(
    "how",
    [
        "module",
        pytest.param("script", marks=pytest.mark.slow),
        pytest.param("stdin", marks=pytest.mark.slow),
    ],
)
def test_a_script_without_a_guard_just_works(how, tmp_path):
    """Workers do not run the script again, and get what it defines by value."""
    code = (
        "from twinpeaks import simulate, theory\n"
        "print('begun')\n"
        "loss = theory.CustomLoss(lambda e: e * e / 2 + e**4 / 10, of='difference', name='quartic')\n"
        "data = simulate.run(theory.Problem(loss=loss, teacher=theory.Linear()), 0.5, D=20, seeds=3,\n"
        "                    n_test=50, n_flip=4, lam=0.1, scheduler=1)\n"
        "print(int((data.status != 0).sum()))\n"
    )
    (tmp_path / "unguarded.py").write_text(code)
    words = {"script": ["unguarded.py"], "module": ["-m", "unguarded"], "stdin": ["-"]}[how]
    done = subprocess.run(
        [sys.executable, *words],
        input=code if how == "stdin" else None,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "begun\n0\n", "")
