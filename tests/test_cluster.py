"""The same sweep on a real Dask scheduler with worker processes of its own."""

import os
import signal

import psutil
import pytest
import xarray as xr

import simulate
import theory
from simulate.sweeps.workers import cluster as cluster_of

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


@pytest.mark.parametrize("sweep", [run, sample])
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
    with simulate.Store(path, create=False) as store:
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


def test_nobody_at_an_address_is_said():
    with pytest.raises(ValueError, match=r"scheduler = 'tcp://127.0.0.1:9': nobody answers"):
        run(scheduler="tcp://127.0.0.1:9")
