"""The command as a process: among files of the same names, in a pipe that closes, on a full disk."""

import os
import subprocess
import sys

import pytest

NAMES = [
    *("theory.py", "simulate.py", "measure.py", "sweeps.py", "validate.py", "commands.py"),
    *("networks.py", "components.py", "explorer.py", "figures/__init__.py", "tests/__init__.py"),
]
SHOUT = "print('the file of the user was executed')\n"
MINE = """import twinpeaks as tp
tp.solve(tp.Problem(), overparam=1.0, alpha_T=3.0, lam=0.1)
tp.run(tp.Problem(), overparam=1.0, D=10, seeds=1)
tp.twin_peaks, tp.compare, tp.mean_dimension, tp.precise
"""
TEST = """import twinpeaks as tp


def test_it(golden):
    assert golden.path
    assert tp.solve(tp.Problem(), overparam=1.0, alpha_T=3.0, lam=0.1)
"""


def run(*args, **how):
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, check=False, **how
    )


@pytest.fixture
def clashing(tmp_path):
    """A folder with a file or package for each name of a floor, and work of the user's own."""
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(SHOUT)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "test_mine.py").write_text(TEST)
    return tmp_path


SIMULATE = "-m twinpeaks simulate --overparam 1 -D 6 --seeds 1 --n-test 10"


@pytest.mark.parametrize(
    "args",
    [
        # the folder of a script, and the current one, stand first on the path
        pytest.param(["mine.py"], marks=pytest.mark.torch),
        ["-m", "twinpeaks", "solve", "--overparam", "1", "-o", "a.nc"],
        ["-m", "twinpeaks", "figure", "nope"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"],
        pytest.param(["-c", MINE], marks=[pytest.mark.torch, pytest.mark.slow]),
        pytest.param(SIMULATE.split(), marks=[pytest.mark.torch, pytest.mark.slow]),
        pytest.param(["-m", "twinpeaks", "--help"], marks=pytest.mark.slow),
    ],
)
def test_files_of_the_user_are_not_executed(args, clashing):
    done = run(*args, cwd=clashing)
    assert "executed" not in done.stdout + done.stderr
    assert done.returncode == (2 if args[-1] == "nope" else 0), done.stdout + done.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes")
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--help"], 0),
        pytest.param(["solve", "--help"], 0, marks=pytest.mark.slow),
        (["equations"], 0),
        pytest.param(["equations", "--latex"], 0, marks=pytest.mark.slow),
        (["solve", "--overparam", "0.5,1", "-o", "{folder}/a.nc"], 0),
        (["solve", "--overparam", "x"], 2),
    ],
)
def test_a_reader_that_leaves_changes_neither_work_nor_exit_code(args, code, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "twinpeaks", *(a.format(folder=tmp_path) for a in args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()  # before the first line is written
        error = child.stderr.read()
        assert child.wait(60) == code
    assert error.count("\n") == (code == 2)
    assert [p.name for p in tmp_path.iterdir()] == (["a.nc"] if "-o" in args else [])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux")
def test_results_on_a_full_disk_are_one_sentence():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "twinpeaks", "equations"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "twinpeaks: No space left on device\n"


def test_an_encoding_without_greek_letters_gets_escapes():
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = run("-m", "twinpeaks", "equations", env=environment, encoding="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u03a9" in done.stdout
