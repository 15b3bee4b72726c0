"""What is installed: one package, whose parts load when used; torch only where networks are trained."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

import twinpeaks as tp

ROOT = Path(__file__).parents[1]
UNREAD = ignore_patterns(".*_cache", ".venv", ".git", "build", "dist", "*.egg-info", "__pycache__")
NO_TORCH = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "torch" else find(name, *rest)
"""
WITHOUT_TORCH = """
import twinpeaks as tp
at = {"overparam": [0.5, 2.0], "alpha_T": 3.0, "lam": 0.1}
curve = tp.solve(tp.Problem(), **at)
tp.save(tp.twin_peaks(curve), "peaks.png")
assert tp.precise.solve(tp.Problem(), overparam=0.5, alpha_T=3.0, lam=0.1, dps=20)["m"] > 0
assert "solve" in dir(tp) and "run" in dir(tp)
assert tp.mean_dimension(lambda x: x.prod(1), n=2, samples=50, random=0).value > 1.9
for name in ("run", "sample", "simulate"):
    try:
        getattr(tp, name)
    except ImportError as error:
        print(error)
from twinpeaks import *
assert solve is tp.solve
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A source archive, and the wheel that is built from it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    copytree(ROOT, source, symlinks=True, ignore=UNREAD, dirs_exist_ok=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", built, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (archive,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    return archive, wheel


@pytest.fixture(scope="module")
def installed(archives, tmp_path_factory):
    """A folder that holds the contents of the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(archives[1]).extractall(folder)
    return folder


def python(*arguments, path, cwd):
    env = {**os.environ, "PYTHONPATH": str(path)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_wheel_holds_one_package_and_everything_of_it(installed):
    assert sorted(p.name for p in installed.iterdir()) == [
        "twinpeaks",
        f"twinpeaks-{tp.__version__}.dist-info",
    ]
    folders = (
        "theory",
        "sweeps",
        "measure",
        "simulate",
        "networks",
        "validate",
        "figures",
        "commands",
    )
    for folder in (*folders, "facade"):
        here = installed / "twinpeaks" / ("" if folder == "facade" else folder)
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in {".py", ".pyi", ".html", ".json", ".typed"}:
                assert (here / file.relative_to(ROOT / folder)).is_file(), file


def test_the_page_of_the_wheel_links_to_the_repository(installed):
    page = next(installed.glob("*.dist-info/METADATA")).read_text(encoding="utf-8")
    assert "](docs/" not in page
    assert f"]({SOURCE}/raw/main/docs/twin_peaks.png)" in page
    for target in ("Project-URL: Source,", "Provides-Extra: simulate"):
        assert target in page
    required = [line for line in page.splitlines() if line.startswith("Requires-Dist: torch")]
    assert required
    assert all("extra ==" in line for line in required)


SOURCE = "https://github.com/twinpeaks-developers/twinpeaks"


def test_curves_tables_and_figures_need_no_torch(installed, tmp_path):
    done = python("-c", NO_TORCH + WITHOUT_TORCH, path=installed, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    remedy = "needs torch, which is not installed: pip install 'twinpeaks[simulate]'"
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.endswith(remedy) for line in lines)
    assert (tmp_path / "peaks.png").stat().st_size > 10_000


def test_the_command_says_in_one_sentence_that_torch_is_missing(installed, tmp_path):
    code = NO_TORCH + "from twinpeaks.__main__ import main; main()"
    done = python("-c", code, "simulate", "--overparam", "1", path=installed, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'twinpeaks[simulate]'" in done.stderr


def test_the_source_archive_holds_what_the_tests_need(archives, installed, tmp_path):
    with tarfile.open(archives[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    for folder in ("tests", "docs", "examples", "benchmarks"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and "cache" not in str(file):
                assert (unpacked / file.relative_to(ROOT)).is_file(), file
    files = ("tests/test_house.py", "tests/test_golden.py")
    done = python("-m", "pytest", "-q", *files, "-m", "not slow", path=installed, cwd=unpacked)
    assert done.returncode == 0, done.stdout


def test_every_public_name_is_there_and_listed():
    for name in tp.__all__:
        assert getattr(tp, name) is not None
    assert {*tp.__all__, "__version__"} <= set(dir(tp))
    assert all(getattr(tp.theory, name) is getattr(tp, name) for name in ("solve", "Problem"))
    for name in ("slove", "_private"):
        with pytest.raises(AttributeError, match=name):
            getattr(tp, name)


@pytest.mark.parametrize("code", ["import twinpeaks", "import twinpeaks as tp; tp.__version__"])
def test_import_loads_nothing_numerical(code):
    check = "import sys; assert not {'numpy', 'torch', 'scipy', 'xarray'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}; {check}"], check=True)
