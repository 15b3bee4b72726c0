"""docs/adding-a-loss.md is true: one new file, and everything finds it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "adding-a-loss.md").read_text(encoding="utf-8")
FLOORS = ("theory", "sweeps", "measure", "simulate", "validate", "figures", "commands")

LIMITS = """
import numpy as np
import pytest
from twinpeaks import theory
teacher = theory.Linear(noise=0.3)
at = {"overparam": [0.5, 1.0, 2.0], "alpha_T": 3.0, "lam": 0.1, "beta": [10.0, np.inf]}
wide = theory.solve(theory.Problem(loss=theory.Huber(threshold=50.0), teacher=teacher), **at)
square = theory.solve(theory.Problem(loss=theory.Square(), teacher=teacher), **at)
for name in ("q_d", "Q_d", "m", "V", "test_error", "train_loss", "bmd", "free_energy"):
    assert wide[name].values == pytest.approx(square[name].values, rel=1e-8), name
narrow = theory.solve(theory.Problem(loss=theory.Huber(threshold=0.3), teacher=teacher), **at)
assert np.all(abs(narrow.test_error / square.test_error - 1) > 1e-3)
assert np.all(np.diff(narrow.train_loss, axis=-1) < 0)  # falls with the temperature
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the project with the page's file in place; runs Python there."""
    folder = tmp_path_factory.mktemp("extended")
    package, unread = folder / "twinpeaks", shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "facade", package, ignore=unread)
    for name in FLOORS:
        shutil.copytree(ROOT / name, package / name, ignore=unread)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=unread)
    shutil.copy(ROOT / "pyproject.toml", folder)
    target = re.search(r"Save this as `(.*?)`", PAGE).group(1)
    assert not (ROOT / target).exists()
    (package / target).write_text(blocks("python")[0], encoding="utf-8")
    path = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*args):
        done = subprocess.run(
            [sys.executable, *args],
            cwd=folder,
            env=path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert run("-c", "from twinpeaks import theory; print(theory.__file__)").startswith(str(folder))
    return run


def test_a_new_loss_is_about_thirty_lines():
    code = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(code) <= 35


def test_the_command_line_solves_with_it(extended):
    lines = [
        shlex.split(a) for a in blocks("sh")[0].splitlines() if a.startswith("twinpeaks solve")
    ]
    assert len(lines) == 2
    for line in lines:
        out = extended("-m", "twinpeaks", *line[1:])
        assert re.search(r"points +(\d+)\nconverged +\1\n", out), out


def test_a_wide_threshold_is_square_loss_at_two_temperatures(extended):
    extended("-c", LIMITS)


def test_python_of_the_page_runs(extended):
    assert extended("-c", blocks("python")[1]).count(".") >= 4


def test_contract_tests_find_it(extended):
    command = shlex.split(blocks("sh")[1])
    out = extended("-m", *[a for a in command if a != "tests/test_temperature.py"])
    assert int(re.search(r"(\d+) passed", out).group(1)) >= 5


@pytest.mark.slow
def test_contract_tests_find_it_at_every_temperature(extended):
    out = extended("-m", *shlex.split(blocks("sh")[1]))
    assert int(re.search(r"(\d+) passed", out).group(1)) >= 15


@pytest.mark.slow
def test_the_simulation_trains_with_it(extended):
    (line,) = (a for a in blocks("sh")[0].splitlines() if a.startswith("twinpeaks simulate"))
    assert "converged   8" in extended("-m", "twinpeaks", *shlex.split(line)[1:])
