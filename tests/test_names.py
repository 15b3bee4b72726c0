"""One table of names: the guide shows it, and figures take their labels from it."""

import ast
from pathlib import Path

import pytest
from variables import PAGE, render

from twinpeaks.theory.names import NAMES, label

FIGURES = sorted((Path(__file__).parents[1] / "figures").glob("*.py"))


def test_the_guide_shows_the_table():
    assert PAGE.read_text("utf-8") == render(), "the table has changed: python -m tests.variables"


def test_every_row_is_in_the_guide_once():
    rows = [line.split("`")[1] for line in render().splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(NAMES)


def test_cells_of_the_guide_are_those_of_the_table():
    for line in render().splitlines():
        if line.startswith("| `"):
            assert line.replace("\\|", "").count("|") == 4, line


def test_labels_are_long_names_with_symbols():
    assert label("overparam") == "overparameterisation $N/P$"
    assert label("replicon") == "replicon eigenvalue"
    assert label("my_own") == "my own"


@pytest.mark.parametrize("file", FIGURES, ids=lambda file: file.stem)
def test_figures_write_no_name_of_their_own(file):
    # "random features" is also what a model is called, "width" what the dimension is
    known = {row.long_name for name, row in NAMES.items() if name not in ("N", row.long_name)}
    written = [
        node.value
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for text in written:
        assert text.partition(" $")[0] not in known, text
