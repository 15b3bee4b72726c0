"""Every script in examples/ runs and says where its picture is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = (
    "temperature",
    "losses",
    "teachers",
    "features",
    "forest",
    "real_features",
    "limits",
    "paths",
    "peaks",
    "robustness",
    "initialisation",
    "sampling",
    "stability",
    "training_time",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_example_runs(name, tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"picture: {name}.png"
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    assert "nan" not in done.stdout.lower()


def test_no_example_is_forgotten():
    assert {*SCRIPTS, "twin_peaks"} == {p.stem for p in (ROOT / "examples").glob("*.py")}
