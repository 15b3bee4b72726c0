"""Whatever is wrong with a file, one sentence says so and names it, and the good ones are still listed."""

import os
import shutil
import sqlite3

import pytest
from click.testing import CliRunner

from twinpeaks import simulate, sweeps, theory
from twinpeaks.commands import cli

#: Every column that describes, with values of every type that it should not have.
COLUMNS = (
    *("about.name", "about.value", "sweeps.content", "sweeps.added"),
    *("results.task", "results.about", "results.value", "results.digest"),
    *("results.seconds", "results.finished", "claims.task", "claims.pid", "claims.born"),
)
WORDS = ("null", "{", "{}", "[]", "7", "abc", "é" * 300, b"\xff\xfe", -1, 1.5)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.db"
    simulate.run(theory.Problem(), 0.5, D=12, seeds=2, n_test=9, n_flip=2, n_variance=9, store=path)
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO claims VALUES ('x', 1, 1.0)")
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()
    return path


@pytest.fixture
def folder(good, tmp_path):
    shutil.copy(good, tmp_path / "a_good.db")
    shutil.copy(good, tmp_path / "bad.db")
    return tmp_path


def said(folder):
    """Call everything that reads a store; none may end otherwise than with one sentence on the file."""
    bad, sentences = folder / "bad.db", []
    for words in (
        ["store", "show", bad],
        ["store", "verify", bad],
        ["store", "export", bad, "--partial", "-o", folder / "out.csv"],
        ["store", "verify", bad, "--repair"],
        [
            "simulate",
            "--overparam",
            "0.5",
            "-D",
            "12",
            "--seeds",
            "2",
            "--n-test",
            "9",
            "--store",
            bad,
        ],
    ):
        done = CliRunner().invoke(cli, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), words
        if done.exit_code:
            lines = done.stderr.strip().splitlines()
            assert "bad.db" in lines[0] or lines[0].startswith("wrong: "), done.stderr
            assert "verify" in words or len(lines) == 1, done.stderr
            sentences.append(done.stderr)
    listed = CliRunner().invoke(cli, ["store", "ls", str(folder)])
    assert listed.exit_code == 0
    lines = listed.output.splitlines()
    assert len(lines) == 2
    assert "a_good.db" in lines[0]
    assert "2 instances" in lines[0]
    assert "bad.db" in lines[1]
    return sentences


@pytest.mark.parametrize("column", COLUMNS)
def test_a_damaged_column_is_one_sentence(column, folder):
    table, name = column.split(".")
    bad = folder / "bad.db"
    for word in WORDS:
        shutil.copy(folder / "a_good.db", bad)
        with sqlite3.connect(bad) as db:
            db.execute(f"UPDATE OR REPLACE {table} SET {name} = ?", [word])
        db.close()
        sentences = said(folder)
        if column in ("about.value", "sweeps.content", "results.value", "results.digest"):
            assert sentences, word


@pytest.mark.parametrize("word", ["null", "{", "{}", "[]", "7", "abc", b"\xff"])
def test_a_damaged_description_is_one_sentence(word, folder):
    with sqlite3.connect(folder / "bad.db") as db:
        db.execute("UPDATE about SET value = ? WHERE name = 'protocol'", [word])
    db.close()
    assert len(said(folder)) == 5


@pytest.mark.parametrize(
    "change",
    [
        "json_remove(content, '$.frame')",
        "json_remove(content, '$.columns[0].name')",
        "json_remove(content, '$.frame.coords.lam')",
        "json_set(content, '$.axes', json('[\"lam\"]'))",
        "json_set(content, '$.sizes', json('[\"none\"]'))",
        "json_set(content, '$.columns[1].axes', json('[\"none\"]'))",
        "json_set(content, '$.frame.data_vars.N.data', json('[\"x\"]'))",
        "json_set(content, '$.frame.coords.seed.data', 3)",
    ],
)
def test_a_damaged_grid_is_one_sentence(change, folder):
    with sqlite3.connect(folder / "bad.db") as db:
        db.execute(f"UPDATE sweeps SET content = {change}")
    db.close()
    assert len(said(folder)) >= 3


@pytest.mark.parametrize("table", ["about", "sweeps", "results", "claims"])
def test_a_table_that_is_gone_is_one_sentence(table, folder):
    with sqlite3.connect(folder / "bad.db") as db:
        db.execute(f"DROP TABLE {table}")
    db.close()
    assert said(folder)


@pytest.mark.parametrize("size", [0, 1, 50, 100, 1000, 5000, 0.5, 0.9])
def test_a_truncated_file_is_one_sentence(size, folder):
    bad = folder / "bad.db"
    os.truncate(bad, size if isinstance(size, int) else int(size * bad.stat().st_size))
    assert said(folder) or size == 0.9


@pytest.mark.parametrize("content", [b"\0" * 8192, b"text\n" * 100, os.urandom(4096)])
def test_a_file_that_is_no_database_is_one_sentence(content, folder):
    (folder / "bad.db").write_bytes(content)
    assert len(said(folder)) == 5


def test_a_damaged_page_is_one_sentence(folder):
    bad = folder / "bad.db"
    data = bytearray(bad.read_bytes())
    for begin in range(4096, len(data), 4096):
        bad.write_bytes(data[:begin] + b"\x55" * 512 + data[begin + 512 :])
        said(folder)


def test_a_folder_in_the_place_of_a_file_is_said(tmp_path):
    with pytest.raises(sweeps.StoreError, match=f"store = {tmp_path}"):
        sweeps.Store(tmp_path)
