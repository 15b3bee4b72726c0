"""The command: messages, exit codes, files. Real processes only where a process is the point."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules

import click
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st

import twinpeaks as tp
from twinpeaks import commands
from twinpeaks.commands import cli
from twinpeaks.commands.figure import labels
from twinpeaks.commands.parameters import Grid, merged
from twinpeaks.commands.report import progress_bar

HEAVY = ("torch", "xarray", "scipy", "matplotlib", "numpy", "pandas")


def call(*args):
    return CliRunner().invoke(cli, [str(a) for a in args])


def process(*args):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["bogus"],
        ["solve", "--overparam", "0:1:5"],
        ["simulate", "--overparam", "1", "-o", "no/such/folder.nc"],
        ["bmd", "model.pt2", "--law", "cauchy"],
    ],
)
def test_answers_without_loading_numerics(args):
    code = (
        "import sys\nfrom twinpeaks.__main__ import main\n"
        f"sys.argv = ['twinpeaks', *{args!r}]\n"
        "try: main()\n"
        f"finally: print('loaded', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = process("-c", code)
    assert done.stdout.splitlines()[-1] == "loaded []"
    assert "Traceback" not in done.stderr


def test_module_runs_and_a_bad_value_is_one_line_with_exit_code_2():
    done = process("-m", "twinpeaks", "solve", "--overparam", "0:1:5")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("twinpeaks solve: --overparam = 0:1:5: ")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupt_prints_one_line_and_exits_130():
    code = (
        "import signal, time, twinpeaks.__main__, twinpeaks.commands.solve\n"
        # a shell's background job starts with the signal ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "twinpeaks.commands.solve.make_problem = lambda **_: (print('here', flush=True), time.sleep(60))\n"
        "twinpeaks.__main__.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "solve", "--overparam", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        try:
            _, error = child.communicate(timeout=30)
        finally:
            child.kill()
    assert child.returncode == 130
    assert error == "twinpeaks: interrupted\n"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_little_is_loaded_before_an_interrupt_is_caught():
    """What ``import twinpeaks`` adds comes with Python, but for the loader of public names."""
    code = (
        "import sys; before = set(sys.modules); import twinpeaks; print(*set(sys.modules) - before)"
    )
    tops = {name.split(".")[0] for name in process("-c", code).stdout.split()}
    assert "twinpeaks" in tops
    assert tops <= {"twinpeaks", "lazy_loader", "packaging", *sys.stdlib_module_names}


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupt_while_packages_load_says_the_same():
    code = (
        "import os, signal, twinpeaks.__main__\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "twinpeaks.__main__.import_module = lambda _: os.kill(os.getpid(), signal.SIGINT)\n"
        "twinpeaks.__main__.main()"
    )
    done = process("-c", code)
    assert done.returncode == 130
    assert done.stderr == "twinpeaks: interrupted\n"


def test_progress_without_a_terminal_is_a_line_now_and_then(monkeypatch, capsys):
    clock = iter([0.0, 4.0, 11.0, 12.0, 30.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with progress_bar("square loss") as progress:
        for done in (1, 2, 3, 9):
            progress(done, 9)
    assert capsys.readouterr().err.splitlines() == [
        "square loss: 2 of 9 after 11 s",
        "square loss: 9 of 9 after 30 s",
    ]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["solve"], "twinpeaks solve: --overparam is missing"),
        (["solve", "--overparam", "1,x"], "--overparam = 1,x: give a number"),
        (["solve", "--overparam", "1:2"], "--overparam = 1:2: give a number"),
        (["solve", "--overparam", "nan"], "--overparam = nan: "),
        (["solve", "--overparam", "1", "--lam", "-1"], "--lam = -1: -1 is out of range"),
        (["solve", "--overparam", "1", "--lam", "inf"], "--lam = inf: "),
        (["solve", "--overparam", "0"], "--overparam = 0: "),
        (["solve", "--overparam", "1", "--alpha-T", "inf"], "--alpha-T = inf: "),
        (["solve", "--overparam", "1", "--beta", "0"], "--beta = 0: "),
        (["solve", "--overparam", "1", "--lam", "0", "--beta", "1,inf"], "lam = 0 with a finite"),
        (["solve", "--overparam", "1", "--loss", "zeroone"], "beta = inf with loss = ZeroOne()"),
        (["solve", "--overparam", "1", "--loss", "hinge", "--teacher", "linear"], "cannot learn"),
        (["solve", "--overparam", "1", "--features", "powerlaw:exponent=2"], "exponent = 2"),
        (["simulate", "--overparam", "inf"], "--overparam = inf: "),
        (["simulate", "--overparam", "1", "--lam", "0"], "--lam = 0: "),
        (["solve", "--overparam", "1", "--alpha-T", "-1"], "--alpha-T = -1: "),
        (["solve", "--overparam", "1", "--loss", "nope"], "--loss = nope: theory has no component"),
        (["solve", "--overparam", "1", "--loss", "hardmargin"], "--loss = hardmargin: "),
        (["solve", "--overparam", "1", "-o", "a.txt"], "--output = a.txt: end the name in"),
        (["solve", "--overparam", "1", "-o", "no/a.nc"], "there is no folder no"),
        (["simulate", "--overparam", "1", "-D", "0"], "--size = 0: "),
        (["simulate", "--overparam", "1", "--seeds", "0"], "--seeds"),
        (["simulate", "--overparam", "1", "--device", "tpu"], "--device = tpu: "),
        (["validate", "a.nc", "b.nc"], "a.nc: there is no such file"),
        (["demo", "-D", "55"], "--size = 55: "),
        (["solve", "--bogus"], "No such option"),
        (["bogus"], "No such command"),
    ],
)
def test_a_bad_value_names_option_value_and_remedy(args, words):
    done = call(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.5", 0.5),
        ("2,0.5,1", (0.5, 1.0, 2.0)),
        ("1,1,0.5", (0.5, 1.0)),
        ("1:100:3", (1.0, 10.0, 100.0)),
        ("1:100:3,10,20", (1.0, 10.0, 20.0, 100.0)),
        ("5,", None),
    ],
)
def test_grids(text, values):
    if values is None:
        assert call("solve", "--overparam", text).exit_code == 2
    else:
        assert merged(Grid().convert(text, None, None)) == pytest.approx(values)


def test_limits_are_values_of_a_grid():
    grid = Grid(zero=True, infinite=True)
    assert merged(grid.convert("inf,0.1:1:2,0", None, None)) == (0.0, 0.1, 1.0, np.inf)
    assert grid.convert("0", None, None) == 0.0


def test_solve_reaches_every_limit_and_temperature(tmp_path):
    at = ["--overparam", "0.5,inf", "--lam", "0,0.1"]
    done = call("solve", *at, "-o", tmp_path / "a.nc")
    assert done.exit_code == 0, done.output
    direct = tp.solve(tp.Problem(), overparam=[0.5, np.inf], alpha_T=3.0, lam=[0.0, 0.1])
    written = xr.load_dataset(tmp_path / "a.nc")
    xr.testing.assert_allclose(written.drop_vars("threshold"), direct)
    done = call("solve", "--overparam", "0.5", "--beta", "2,inf", "-o", tmp_path / "b.nc")
    assert done.exit_code == 0, done.output
    assert xr.load_dataset(tmp_path / "b.nc").beta.values.tolist() == [2.0, np.inf]


def test_a_module_with_a_command_is_a_command():
    for module in iter_modules(commands.__path__):
        made = getattr(import_module(f"twinpeaks.commands.{module.name}"), "command", None)
        assert (made is None) == (module.name not in cli.commands)
    assert len(cli.commands) >= 5


def test_facade():
    assert tp.Problem is tp.theory.Problem
    assert tp.compare is tp.validate.compare
    assert {"solve", "run", "twin_peaks"} <= set(dir(tp))
    with pytest.raises(AttributeError):
        _ = tp.no_such_name


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    at = ["--overparam", "0.5,1,2", "--lam", "0.01,0.1"]
    done = call("solve", *at, "-o", folder / "theory.nc")
    assert done.exit_code == 0, done.output
    more = ["-D", "10,20", "--seeds", "4", "--n-test", "100", "--n-flip", "4"]
    done = call("simulate", *at, *more, "-o", folder / "simulation.nc")
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.torch
def test_solve_writes_what_the_library_returns(files):
    direct = tp.solve(tp.Problem(), overparam=[0.5, 1, 2], alpha_T=3.0, lam=[0.01, 0.1])
    written = xr.load_dataset(files / "theory.nc")
    assert written.threshold.item() == 1.0
    assert set(written.threshold.attrs) == {"long_name", "units", "definition"}
    xr.testing.assert_allclose(written.drop_vars("threshold"), direct)
    assert (files / "theory.nc").read_bytes()[1:4] == b"HDF"
    assert written.evaluations.dtype == np.int64
    assert sorted(p.name for p in files.iterdir() if p.suffix == ".part") == []


def test_solve_prints_a_summary_and_writes_csv(tmp_path):
    done = call("solve", "--overparam", "2", "-o", tmp_path / "a.csv")
    assert done.exit_code == 0
    assert "converged   1" in done.stdout
    assert str(tmp_path / "a.csv") in done.stdout
    assert "0.380614" in call("solve", "--overparam", "1").stdout
    assert "test_error" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_solve_exits_1_and_says_which_point_failed(monkeypatch, tmp_path):
    whole = tp.solve

    def failing(*args, **kwargs):
        data = whole(*args, **kwargs)
        data.status[{"overparam": 1}] = 2
        return data

    monkeypatch.setattr(tp.theory, "solve", failing)
    done = call("solve", "--overparam", "1,2", "-o", tmp_path / "a.nc")
    assert done.exit_code == 1
    assert "overparam = 2" in done.stderr
    assert tp.Status(2).sentence in done.stderr


@pytest.mark.torch
def test_validate_prints_z_scores_and_writes_them(files, tmp_path):
    done = call("validate", files / "theory.nc", files / "simulation.nc", "-o", tmp_path / "z.csv")
    assert "largest |z|" in done.stdout
    assert "infinity from 2 sizes" in done.stdout
    header = (tmp_path / "z.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert {"variable", "overparam", "lam", "theory", "intercept", "z"} <= set(header)


@pytest.mark.torch
def test_validate_exits_1_on_disagreement(files, tmp_path):
    curve = xr.load_dataset(files / "theory.nc")
    curve["bmd"] = curve.bmd + 10
    curve.to_netcdf(tmp_path / "wrong.nc", engine="h5netcdf")
    done = call("validate", tmp_path / "wrong.nc", files / "simulation.nc", "--level", "0.01")
    assert done.exit_code == 1
    assert "disagree" in done.stdout


@pytest.mark.torch
def test_validate_refuses_two_theories_on_one_line(files):
    done = call("validate", files / "theory.nc", files / "theory.nc")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "give a simulation" in done.stderr


@pytest.mark.torch
def test_figure_draws_files_of_one_problem_in_one_row(files, tmp_path):
    both = [files / "theory.nc", files / "simulation.nc"]
    done = call("figure", "twin-peaks", *both, "-o", tmp_path / "a")
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pdf", "a.png"]
    done = call("figure", "twin-peaks", *both, *both, "-o", tmp_path / "b.png")
    assert done.exit_code == 2
    assert "second theory" in done.stderr
    assert call("figure", "nope", *both, "-o", tmp_path / "b.png").exit_code == 2


def test_labels_name_what_differs():
    a, b = tp.Problem(loss=tp.Square()), tp.Problem(loss=tp.Logistic())
    assert labels([repr(a), repr(b)]) == ["square loss", "logistic loss"]
    assert labels([repr(a), repr(a.replace(activation=tp.ReLU()))]) == [
        "tanh activation",
        "relu activation",
    ]


@pytest.mark.torch
def test_demo(tmp_path):
    done = call("demo", "-o", tmp_path / "demo", "-D", "20,40", "--seeds", "4", "--points", "8")
    assert done.exit_code in (0, 1), done.output  # so small a size is not yet linear in 1/D
    assert (tmp_path / "demo" / "twin_peaks.pdf").exists()
    assert np.isfinite(xr.load_dataset(tmp_path / "demo" / "square_theory.nc").bmd).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["solve", "--overparam", "0.05:20:99999999999"], "99999999999 points in one range"),
        (["solve", "--overparam", "1", "-o", "{folder}.nc"], "this is a folder"),
    ],
)
def test_what_cannot_work_is_refused_before_work(tmp_path, arguments, words):
    (tmp_path / "a.nc").mkdir()
    done = process(
        "-m", "twinpeaks", *(a.replace("{folder}", str(tmp_path / "a")) for a in arguments)
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.torch
def test_level_nan_is_one_line(files):
    data = (files / "theory.nc", files / "simulation.nc")
    done = process("-m", "twinpeaks", "validate", *map(str, data), "--level", "nan")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
GIVEN = WORDS | st.sampled_from(
    ["-1", "0", "nan", "inf", "1e999", "1:2:3", "1/2", "a" * 300, "", "-", "--"]
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
@pytest.mark.parametrize(
    "name", ["solve", "simulate", "sample", "validate", "figure", "equations", "golden"]
)
def test_no_text_for_an_option_has_a_traceback(name, data):
    """Each option in turn reads any text, or refuses it as usage."""
    held = cli.commands[name]
    if name == "golden":
        held = held.commands["add"]
    options = [p for p in held.params if isinstance(p, click.Option) and not p.is_flag]
    option = data.draw(st.sampled_from(options))
    text = data.draw(GIVEN)
    ctx = click.Context(held, info_name=name)
    with suppress(click.UsageError):
        option.type_cast_value(ctx, (text,) if option.multiple else text)
