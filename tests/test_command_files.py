"""Files at the command line: each damage of what is read and each obstacle to writing is one sentence."""

import json
import os
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import twinpeaks as tp
from twinpeaks.commands import cli

pytestmark = pytest.mark.torch  # the files it reads are of theory and of networks

AT = ["--overparam", "0.5,1", "--lam", "0.1"]
SMALL = [*AT, "-D", "6", "--seeds", "2", "--n-test", "10", "--n-flip", "2"]
SOLVE = ["solve", *AT]


def call(*args):
    return CliRunner().invoke(cli, [str(a) for a in args])


def one_sentence(done, *codes):
    assert done.exit_code in codes, done.output
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("twinpeaks")
    assert len(done.stderr) < 700
    assert done.stdout == ""


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    for args in (
        [*SOLVE, "-o", folder / "theory.nc"],
        ["simulate", *SMALL, "--store", folder / "run.db", "-o", folder / "simulation.nc"],
        ["golden", "add", *AT, "-o", folder / "mine.json"],
    ):
        done = call(*args)
        assert done.exit_code == 0, done.output
    return folder


# --- what is read ------------------------------------------------------------------------------------


def changed(change):
    """A damage that a Dataset can have and still be NetCDF."""

    def write(source, target):
        change(xr.load_dataset(source)).to_netcdf(target, engine="h5netcdf")

    return write


def cut(share):
    def write(source, target):
        content = source.read_bytes()
        target.write_bytes(content[: int(share * len(content))])

    return write


def scrambled(source, target):
    content = np.frombuffer(source.read_bytes(), np.uint8).copy()
    places = np.random.default_rng(0).integers(0, content.size, content.size // 50)
    content[places] ^= 0xA5
    target.write_bytes(content.tobytes())


def relabelled(name, values):
    return changed(lambda d: d.assign_coords({name: (name, values)}))


def without_attributes(data):
    data = data.copy()
    data.attrs = {}
    return data


NETCDF = {
    "text": lambda _, target: target.write_text("not NetCDF\n" * 20),
    "nothing": lambda _, target: target.write_bytes(b""),
    "HDF5 signature alone": cut(0.0005),
    "first half": cut(0.5),
    "all but the end": cut(0.98),
    "scrambled": scrambled,
    "no attributes": changed(without_attributes),
    "another kind": changed(lambda d: d.assign_attrs(kind="comparison")),
    "a kind that is a number": changed(lambda d: d.assign_attrs(kind=3)),
    "another's problem": changed(lambda d: d.assign_attrs(problem="least squares")),
    "a problem that is a list": changed(lambda d: d.assign_attrs(problem=[1, 2])),
    "no variables": changed(lambda d: d.drop_vars(list(d.data_vars))),
    "no test error": changed(lambda d: d.drop_vars(["test_error", "train_error", "bmd"])),
    "no status": changed(lambda d: d.drop_vars("status")),
    "no lam": changed(lambda d: d.drop_vars("lam")),
    "no overparam": changed(lambda d: d.isel(overparam=0, drop=True)),
    "words for numbers": changed(lambda d: d.assign(test_error=d.test_error.astype(str))),
    "words for a coordinate": changed(lambda d: d.assign_coords(lam="small")),
    "dates for numbers": changed(
        lambda d: d.assign(bmd=("overparam", np.array(["2020"] * 2, "M8[ns]")))
    ),
    "NaN statuses": changed(lambda d: d.assign(status=d.status.where(d.status != 0))),
    "one point twice": relabelled("overparam", [0.5, 0.5]),
    "a NaN point": relabelled("overparam", [0.5, np.nan]),
    "no points": changed(lambda d: d.isel(overparam=[])),
    "an unknown dimension": changed(lambda d: d.expand_dims(flavour=[0.0, 1.0])),
    "all values NaN": changed(
        lambda d: d.assign({n: d[n] * np.nan for n in d.data_vars if n != "status"})
    ),
}
READERS = {
    "validate, theory": (["validate", "{bad}", "{good}/simulation.nc"], "theory.nc"),
    "validate, simulation": (["validate", "{good}/theory.nc", "{bad}"], "simulation.nc"),
    "figure, theory": (["figure", "twin-peaks", "{bad}", "-o", "{folder}/f.png"], "theory.nc"),
    "figure, simulation": (
        ["figure", "twin-peaks", "{good}/theory.nc", "{bad}", "-o", "{folder}/f.png"],
        "simulation.nc",
    ),
}
#: What is left can be shown: other variables are compared, a picture has nothing in it.
LEFT = {
    "validate": {"no test error", "all values NaN", "an unknown dimension"},
    "figure": {"all values NaN", "no points", "an unknown dimension"},
}


@pytest.mark.parametrize("damage", NETCDF)
@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_result_is_one_sentence(reader, damage, good, tmp_path):
    args, source = READERS[reader]
    bad = tmp_path / "bad.nc"
    NETCDF[damage](good / source, bad)
    done = call(*(a.format(bad=bad, good=good, folder=tmp_path) for a in args))
    if damage in LEFT[args[0]] and done.exit_code != 2:
        assert isinstance(done.exception, SystemExit | None)
        return
    one_sentence(done, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.nc"]


def edited(change):
    """A golden table whose content is changed."""

    def write(source, target):
        content = json.loads(source.read_text())
        change(content)
        target.write_text(json.dumps(content))

    return write


TABLES = {
    "text": lambda _, target: target.write_text("not JSON"),
    "bytes": lambda _, target: target.write_bytes(bytes(range(256))),
    "nothing": lambda _, target: target.write_bytes(b""),
    "first half": cut(0.5),
    "a list": lambda _, target: target.write_text("[]"),
    "a thousand lists": lambda _, target: target.write_text("[" * 100_000),
    "another format": edited(lambda c: c.update(format="other")),
    "no rows": edited(lambda c: c.pop("rows")),
    "rows that are numbers": edited(lambda c: c.update(rows=[1, 2])),
    "no problem": edited(lambda c: c["rows"][0].pop("problem")),
    "a problem that is a number": edited(lambda c: c["rows"][0].update(problem=3)),
    "another's problem": edited(lambda c: c["rows"][0].update(problem="least squares")),
    "values that are words": edited(lambda c: c["rows"][0]["values"].update(bmd="large")),
    "values that are a list": edited(lambda c: c["rows"][0].update(values=[1.0])),
    "digits that are words": edited(lambda c: c["rows"][0].update(digits="many")),
    "lam < 0": edited(lambda c: c["rows"][0].update(lam=-1)),
    "lam a word": edited(lambda c: c["rows"][0].update(lam="small")),
    "one row twice": edited(lambda c: c["rows"].append(c["rows"][0])),
    "one more field": edited(lambda c: c["rows"][0].update(colour="red")),
}


@pytest.mark.parametrize("damage", TABLES)
@pytest.mark.parametrize("command", [["check", "--table"], ["add", "--overparam", "2", "-o"]])
def test_a_damaged_table_is_one_sentence(command, damage, good, tmp_path):
    TABLES[damage](good / "mine.json", tmp_path / "bad.json")
    before = (tmp_path / "bad.json").read_bytes()
    done = call("golden", *command, tmp_path / "bad.json")
    if command[0] == "add" and done.exit_code == 0:  # it reads no problem but its own
        assert damage in ("another's problem", "lam < 0")
        return
    one_sentence(done, 2)
    assert (tmp_path / "bad.json").read_bytes() == before


# --- what is written ---------------------------------------------------------------------------------

WRITERS = {
    "solve.nc": [*SOLVE, "-o"],
    "solve.csv": [*SOLVE, "-o"],
    "simulate.nc": ["simulate", *SMALL, "-o"],
    "sample.nc": ["sample", *SMALL, "-o"],
    "validate.csv": ["validate", "{good}/theory.nc", "{good}/simulation.nc", "-o"],
    "validate.html": ["validate", "{good}/theory.nc", "{good}/simulation.nc", "-o"],
    "figure.png": ["figure", "twin-peaks", "{good}/theory.nc", "-o"],
    "figure": ["figure", "twin-peaks", "{good}/theory.nc", "-o"],
    "golden.json": ["golden", "add", *AT, "-o"],
    "export.nc": ["store", "export", "{good}/run.db", "-o"],
}


def obstacles(folder, suffix):
    """Places where no file can be written."""
    (folder / f"folder{suffix or '.png'}").mkdir()
    (folder / f"file{suffix}").write_text("")
    for end in (suffix,) if suffix else (".png", ".pdf"):
        (folder / f"locked{end}").write_text("mine")
        (folder / f"locked{end}").chmod(0o444)
        (folder / f"circle{end}").symlink_to(f"circle{end}")
        os.mkfifo(folder / f"pipe{end}")
    return {
        "a folder": folder / "folder" if not suffix else folder / f"folder{suffix}",
        "no folder": folder / "nowhere" / f"a{suffix}",
        "a file for a folder": folder / f"file{suffix}" / f"a{suffix}",
        "too long a name": folder / f"{'a' * 260}{suffix}",
        "read-only": folder / f"locked{suffix}",
        "a circle of links": folder / f"circle{suffix}",
        "a named pipe": folder / f"pipe{suffix}",
        "another suffix": folder / "a.xyz",
        "a folder that nobody can write to": f"/proc/a{suffix}",
    }


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
@pytest.mark.parametrize("writer", WRITERS)
def test_an_output_that_cannot_be_written_is_refused_before_work(
    writer, good, tmp_path, monkeypatch
):
    def work(*_, **__):
        raise AssertionError("work was done")

    for module, name in ((tp.theory, "solve"), (tp.simulate, "run"), (tp.simulate, "sample")):
        monkeypatch.setattr(module, name, work)
    args = [a.format(good=good) for a in WRITERS[writer]]
    suffix = os.path.splitext(writer)[1]
    for path in obstacles(tmp_path, suffix).values():
        done = call(*args, path)
        one_sentence(done, 2)
    ends = (suffix,) if suffix else (".png", ".pdf")
    assert all((tmp_path / f"locked{end}").read_text() == "mine" for end in ends)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.skipif(os.name != "posix", reason="limits on files")
@pytest.mark.parametrize("writer", ["solve.nc", "solve.csv", "figure.png", "golden.json"])
def test_a_disk_that_fills_up_is_one_sentence_and_leaves_nothing(writer, good, tmp_path):
    """Files of at most 700 bytes stand for the full disk."""
    code = (
        "import resource, sys, matplotlib.font_manager\n"
        "from twinpeaks.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))\n"
        "main()"
    )
    args = [a.format(good=good) for a in WRITERS[writer]]
    path = tmp_path / f"a{os.path.splitext(writer)[1]}"
    done = subprocess.run(
        [sys.executable, "-c", code, *args, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{path} could not be written: " in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("writer", ["solve.nc", "figure.png", "golden.json"])
def test_the_longest_names_that_a_file_can_have_are_written(writer, good, tmp_path):
    suffix = os.path.splitext(writer)[1]
    path = tmp_path / ("a" * (240 - len(suffix)) + suffix)
    assert call(*(a.format(good=good) for a in WRITERS[writer]), path).exit_code == 0
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


# --- stores ------------------------------------------------------------------------------------------

STORES = {
    "text": lambda _, target: target.write_text("no database\n" * 1000),
    "nothing": lambda _, target: target.write_bytes(b""),
    "first half": cut(0.5),
    "scrambled": scrambled,
}
STATEMENTS = (
    "update about set value = 'null' where name = 'protocol'",
    "update about set value = '{' where name = 'protocol'",
    "update sweeps set content = '{}'",
    "update results set value = 'abc'",
    "drop table sweeps",
    "drop table results",
    "drop table about",
)


def told(statement):
    def write(source, target):
        with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
            old.backup(new)
            new.execute(statement)
            new.commit()

    return write


STORES |= {statement: told(statement) for statement in STATEMENTS}
LOOKS = {
    "show": ["store", "show"],
    "verify": ["store", "verify"],
    "export": ["store", "export", "-o", "{folder}/a.nc"],
    "resume": ["simulate", *SMALL, "--store"],
}


@pytest.mark.parametrize("damage", STORES)
@pytest.mark.parametrize("look", LOOKS)
def test_a_damaged_store_has_no_traceback(look, damage, good, tmp_path):
    STORES[damage](good / "run.db", tmp_path / "bad.db")
    done = call(*(a.format(folder=tmp_path) for a in LOOKS[look]), tmp_path / "bad.db")
    assert done.exit_code in (0, 1, 2), done.exception
    assert isinstance(done.exception, SystemExit | None)
    if look != "verify" and done.exit_code:
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("damage", STORES)
def test_one_damaged_store_does_not_hide_the_others(damage, good, tmp_path):
    STORES[damage](good / "run.db", tmp_path / "a.db")
    (tmp_path / "b.db").write_bytes((good / "run.db").read_bytes())
    done = call("store", "ls", tmp_path)
    assert done.exit_code == 0, done.exception
    assert len(done.stdout.splitlines()) == 2
    assert "Tanh" in done.stdout.splitlines()[1]
