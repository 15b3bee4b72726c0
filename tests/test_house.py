"""The floors of the house: each imports from those beneath it, so that nothing borrows what it checks."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("theory", "sweeps", "measure", "simulate", "networks", "validate", "figures", "commands")

#: What a model IS. The formulas of its solution are not for those who check them.
MODEL = (
    "activations",
    "arrays",
    "axes",
    "components",
    "errors",
    "feature_laws",
    "losses",
    "names",
    "numerics",
)
MODEL += ("data", "discovery", "family", "labelled", "problem", "random", "starts", "teachers")
SPHERE = ("harmonics", "kernels", "problem", "targets")


def imports(floor):
    """(file, module) of every import in a floor, wherever in the file it stands."""
    for file in sorted((ROOT / floor).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from ((file.relative_to(ROOT), name) for name in names)
            elif isinstance(node, ast.Import):
                yield from ((file.relative_to(ROOT), alias.name) for alias in node.names)


@pytest.mark.parametrize("floor", FLOORS)
def test_no_arrow_leads_upward(floor):
    above = {f"twinpeaks.{name}" for name in FLOORS[FLOORS.index(floor) + 1 :]}
    for file, name in imports(floor):
        assert ".".join(name.split(".")[:2]) not in above, f"{file} imports {name}"


def test_theory_knows_no_torch():
    assert not [(file, name) for file, name in imports("theory") if name.split(".")[0] == "torch"]


@pytest.mark.parametrize("floor", ["sweeps", "measure"])
def test_sweeps_and_estimators_know_no_model(floor):
    allowed = ("arrays", "axes", "discovery", "errors", "labelled", "names", "numerics", "random")
    for file, name in imports(floor):
        if name.startswith("twinpeaks.theory"):
            assert name.split(".")[2] in allowed, f"{file} imports {name}"


@pytest.mark.parametrize("floor", ["simulate", "networks"])
def test_simulations_borrow_no_solution(floor):
    for file, name in imports(floor):
        if name.startswith("twinpeaks.theory."):
            floor_of, *parts = name.split(".")[2:]
            model = floor_of in MODEL or (floor_of == "sphere" and parts[0] in SPHERE)
            assert model, f"{file} imports {name}"


def test_files_can_be_read_in_one_sitting():
    files = [file for folder in (*FLOORS, "tests") for file in (ROOT / folder).rglob("*.py")]
    assert not {str(f): n for f in files if (n := len(f.read_text("utf-8").splitlines())) > 400}
