"""The ``golden`` fixture: in real runs of pytest that find it by its entry point, and its parts."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from twinpeaks import theory
from twinpeaks.pytest_plugin import Golden
from twinpeaks.validate.precise.golden import Row, Table, read, write

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "golden-project"
PAGE = (ROOT / "docs" / "regression-tests.md").read_text(encoding="utf-8")
HEAVY = ("torch", "twinpeaks.theory", "twinpeaks.validate", "xarray", "scipy", "numpy")
AT = {"overparam": [0.5, 2.0], "alpha_T": 3.0, "lam": 0.01}


def block(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return next(text for kind, text in fenced if kind == language)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that makes this source tree an installed distribution with its entry points."""
    folder = tmp_path_factory.mktemp("installed")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = folder / f"twinpeaks-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: twinpeaks\nVersion: {project['version']}\n")
    entries = project["entry-points"]["pytest11"].items()
    lines = "".join(f"{name} = {value}\n" for name, value in entries)
    (about / "entry_points.txt").write_text(f"[pytest11]\n{lines}")
    return folder


@pytest.fixture
def python(installed):
    """Run Python in a folder, as after ``pip install``; returns exit code and output."""
    # what is set for these tests themselves is not for the runs they start
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment = {
        **kept,
        "PYTHONPATH": os.pathsep.join((str(installed), str(ROOT))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "100",
    }

    def run(folder, *args):
        done = subprocess.run(
            [sys.executable, *args],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def project(tmp_path):
    return Path(
        shutil.copytree(EXAMPLE, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    )


def spoil(path, variable, factor=1 + 1e-6):
    """Multiply a number of the first row."""
    content = json.loads(path.read_text(encoding="utf-8"))
    values = content["rows"][0]["values"]
    values[variable] = repr(float(values[variable]) * factor)
    path.write_text(json.dumps(content), encoding="utf-8")


def values(path):
    return {row.key: dict(row.values) for row in read(path).rows}


@pytest.mark.slow
def test_the_example_passes_as_shipped(python, project):
    table = project / "tests" / "test_mine.golden.json"
    shipped = table.read_bytes()
    code, out = python(project, "-m", "pytest")
    assert code == 0, out
    assert "2 passed" in out
    assert table.read_bytes() == shipped


def test_the_example_fails_when_spoilt_and_is_updated(python, project):
    table = project / "tests" / "test_mine.golden.json"
    shipped = table.read_bytes()
    spoil(table, "test_error")
    code, out = python(project, "-m", "pytest")
    assert code == 1
    assert "1 failed, 1 passed" in out
    assert "golden: 1 of 4 rows drifted, in test_error (1)." in out
    assert "test_error differs by 1.0e-06, allowed 1e-08" in out
    assert "overparam = 0.1, alpha_T = 3, lam = 0.0001, beta = inf" in out
    assert "Traceback" not in out

    code, out = python(project, "-m", "pytest", "--golden-update")
    assert code == 0, out
    assert f"golden: 1 row written to {table}" in out
    (project / "shipped.json").write_bytes(shipped)
    found, before = values(table), values(project / "shipped.json")
    assert list(found) == list(before)
    for key, row in before.items():
        for name, text in row.items():
            assert float(found[key][name]) == pytest.approx(float(text), rel=1e-8)


@pytest.mark.slow
def test_what_the_page_shows_happens(python, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(block("python"), encoding="utf-8")
    code, out = python(tmp_path, "-m", "pytest")
    assert code == 1
    assert "golden: no row yet for 3 of 3 points" in out
    assert not (tmp_path / "test_mine.golden.json").exists()
    for line in block("sh").splitlines():
        code, out = python(tmp_path, "-m", *line.split())
        assert code == 0, out
    spoil(tmp_path / "test_mine.golden.json", "bmd")
    code, out = python(tmp_path, "-m", "pytest")
    assert code == 1
    for line in block("").splitlines():  # the last digits differ between machines
        words = re.split(r"(?<=\d\.\d{6})\d+", line)
        assert all(word in out for word in words), line


@pytest.mark.slow
def test_one_table_for_all_tests(python, project):
    (project / "tests" / "test_mine.golden.json").unlink()
    with (project / "pytest.ini").open("a", encoding="utf-8") as ini:
        ini.write("golden_table = all.json\n")
    code, out = python(project / "tests", "-m", "pytest", "--golden-update")
    assert code == 0, out
    assert len(read(project / "all.json").rows) == 10
    assert not (project / "tests" / "test_mine.golden.json").exists()
    code, out = python(project, "-m", "pytest")
    assert code == 0, out


def test_pytest_starts_without_numerics_and_with_warnings_as_errors(python, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    code = (
        "import sys, pytest\n"
        "end = pytest.main(['--fixtures', '-v', '-W', 'error', '-p', 'no:cacheprovider'])\n"
        f"print('ended', int(end), 'loaded', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    _, out = python(tmp_path, "-c", code)
    assert "fixtures defined from twinpeaks.pytest_plugin" in out
    assert re.search(r"^golden -- .*pytest_plugin", out, re.MULTILINE)
    assert out.splitlines()[-1] == "ended 0 loaded []"


def test_several_processes_do_not_write_one_file(python, tmp_path):
    option = "def pytest_addoption(parser): parser.addoption('--dist', default='no')\n"
    (tmp_path / "conftest.py").write_text(option, encoding="utf-8")  # as pytest-xdist has it
    code, out = python(
        tmp_path, "-m", "pytest", "-p", "no:xdist", "--golden-update", "--dist", "load"
    )
    assert code == 4
    assert "--golden-update writes files from one process: leave out -n" in out
    assert python(tmp_path, "-m", "pytest", "-p", "no:xdist", "--golden-update")[0] == 5  # no tests


@pytest.fixture
def table(tmp_path):
    return tmp_path / "test_mine.golden.json"


def fails(golden, problem, words, **at):
    with pytest.raises(pytest.fail.Exception, match=words) as failure:
        golden.check(problem, **{**AT, **at})
    return str(failure.value)


def test_no_row_is_no_pass(table):
    fails(Golden(table, update=False), theory.Problem(), "no row yet for 2 of 2 points")
    assert not table.exists()
    written = {}
    curve = Golden(table, True, written).check(theory.Problem(), **AT)
    assert written == {table: 2}
    assert curve.identical(theory.solve(theory.Problem(), **AT))
    Golden(table, update=False).check(theory.Problem(), **AT)
    message = fails(Golden(table, False), theory.Problem(), "1 of 3 points", overparam=[0.5, 1, 2])
    assert "overparam = 1, alpha_T = 3, lam = 0.01, beta = inf" in message
    fails(Golden(table, False), theory.Problem(loss=theory.Logistic()), "2 of 2 points")


def test_update_leaves_rows_that_agree_as_they_were(table):
    golden = Golden(table, update=True)
    golden.check(theory.Problem(), **AT)
    first, second = read(table).rows
    kept = Row(
        first.problem, *first.at.values(), first.values, first.digits, ("bmd",), {"by": "me"}
    )
    other = Row(first.problem, 7.0, 3.0, 0.01, 1.0, {"bmd": "2"}, 10)
    write(table, Table("mine", (kept, other, second)))
    before = table.read_bytes()
    golden.check(theory.Problem(), **AT)
    assert table.read_bytes() == before
    spoil(table, "bmd")
    golden.check(theory.Problem(), **AT)
    assert [row.key for row in read(table).rows] == [kept.key, other.key, second.key]
    assert read(table).rows[0].made["by"] == "theory.solve"
    assert read(table).rows[0].values == first.values
    assert read(table).rows[1:] == (other, second)


def test_drift_names_the_worst_variable_and_point(table):
    Golden(table, update=True).check(theory.Problem(), **AT)
    spoil(table, "q_d", 1 + 1e-5)
    spoil(table, "bmd", 1 + 1e-4)
    message = fails(Golden(table, False), theory.Problem(), "1 of 2 rows drifted, in ")
    assert re.search(r"drifted, in (q_d \(1\), bmd \(1\)|bmd \(1\), q_d \(1\))\.", message)
    assert re.search(
        r"bmd differs by 1\.0e-04, allowed 1e-08\n +table +\S+\n +here +\S+\n", message
    )
    assert "q_d differs" not in message
    assert "overparam = 0.5, alpha_T = 3, lam = 0.01, beta = inf" in message
    assert str(table) in message
    Golden(table, False).check(theory.Problem(), **AT, rtol=2e-4)


def test_a_callable_is_told_by_its_values_or_its_name(table):
    def loss(scale, **name):
        return theory.CustomLoss(lambda s: (1 - scale * s) ** 2, second=lambda s: 2 + 0 * s, **name)

    golden, fresh = Golden(table, update=True), Golden(table, update=False)
    golden.check(theory.Problem(loss=loss(1.0)), **AT)
    fresh.check(theory.Problem(loss=loss(1.0)), **AT)
    fails(fresh, theory.Problem(loss=loss(1.1)), "no row yet")
    golden.check(theory.Problem(loss=loss(1.0, name="mine")), **AT)
    fails(fresh, theory.Problem(loss=loss(1.1, name="mine")), "2 of 2 rows drifted")


def test_a_text_that_changes_from_run_to_run_is_refused(table):
    class Mine(theory.Tanh):
        __repr__ = object.__repr__

    fails(Golden(table, True), theory.Problem(activation=Mine()), "its text holds an address")
    assert not table.exists()


def test_a_point_that_does_not_converge_fails_whether_or_not_it_is_asked_to_write(table):
    at = {"overparam": [0.5, 1.0], "lam": 0.0}  # no limit at N = P
    message = fails(Golden(table, True), theory.Problem(), "no_limit", **at)
    assert "No row of this check was written" in message
    assert not table.exists()
    Golden(table, True).check(theory.Problem(), **{**AT, **at, "overparam": 0.5})
    text = table.read_text(encoding="utf-8").replace('"overparam": 0.5', '"overparam": 1.0')
    table.write_text(text, encoding="utf-8")
    fails(Golden(table, False), theory.Problem(), "did not converge", lam=0.0, overparam=1.0)


def test_a_spoilt_table_is_named(table):
    table.write_text("{}", encoding="utf-8")
    fails(Golden(table, True), theory.Problem(), f"{re.escape(str(table))} is not a golden table")
    assert table.read_text(encoding="utf-8") == "{}"


@dataclass(frozen=True)
class Wave(theory.Activation):
    """A class of the user's own: its text is that of any dataclass."""

    depth: float = 0.2

    def __call__(self, x):
        return x + self.depth * x**3


def test_a_class_of_ones_own_is_a_component_like_others(table):
    Golden(table, True).check(theory.Problem(activation=Wave()), **AT)
    Golden(table, False).check(theory.Problem(activation=Wave()), **AT)
    fails(Golden(table, False), theory.Problem(activation=Wave(0.3)), "no row yet")
    assert "Wave(depth=0.2)" in read(table).rows[0].problem
