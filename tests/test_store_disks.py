"""Stores on disks that are full or read-only: real ones, mounted for the test."""

import subprocess
from contextlib import suppress

import pytest
import xarray as xr
from click.testing import CliRunner

from twinpeaks import simulate, sweeps, theory
from twinpeaks.commands import cli

SEEDS = 24
AT = {"overparam": [0.5, 1.0, 2.0], "alpha_T": 3.0, "D": 20, "device": "cpu"}
INPUTS = {"n_test": 100, "n_flip": 2, "n_variance": 10}


def run(**more):
    return simulate.run(theory.Problem(), **AT, **INPUTS, **({"seeds": SEEDS} | more))


@pytest.fixture
def disk(tmp_path):
    """A folder on a file system of its own, and how to mount it anew with other options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        with suppress(FileNotFoundError):
            if subprocess.run(command, check=False, capture_output=True).returncode == 0:
                return
        pytest.skip("this user may not mount")

    mount("size=160k")
    yield folder, lambda options: mount(f"remount,{options}")
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_up_loses_nothing(disk):
    folder, remount = disk
    seen = []
    with pytest.raises(sweeps.StoreError, match="full; free some space and run the same"):
        run(store=folder / "run.db", progress=lambda done, _: seen.append(done))
    assert 0 < seen[-1] < 3 * SEEDS
    remount("size=8m")
    again = []
    data = run(store=folder / "run.db", progress=lambda done, _: again.append(done))
    assert again[0] == seen[-1] + 1
    xr.testing.assert_identical(data, run())


def test_a_disk_that_cannot_be_written_is_read(disk, tmp_path):
    folder, remount = disk
    remount("size=8m")
    path = folder / "run.db"
    data = run(store=path, seeds=1)
    remount("ro")
    with pytest.raises(sweeps.StoreError, match=r"run.db: .*disk can be written"):
        run(store=path, seeds=2)
    with pytest.raises(sweeps.StoreError, match=r"new.db: .*disk can be written"):
        run(store=folder / "new.db")
    assert "run.db" in CliRunner().invoke(cli, ["store", "ls", str(folder)]).output
    output = tmp_path / "out.nc"
    done = CliRunner().invoke(cli, ["store", "export", str(path), "-o", str(output)])
    assert done.exit_code == 0, done.output
    xr.testing.assert_equal(xr.load_dataset(output), data)
