"""Golden tables: points solved to 30 digits and more, against this installation's solver."""

import dataclasses
import math
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from twinpeaks import theory
from twinpeaks.theory.components import parse
from twinpeaks.validate.precise import solve
from twinpeaks.validate.precise.golden import Row, Table, check, read, shipped, write
from twinpeaks.validate.precise.proven import enclose

# Rows beyond the stability of replica symmetry are solutions all the same.
pytestmark = pytest.mark.filterwarnings("ignore::twinpeaks.theory.UnstableWarning")

TABLES = {path.stem: read(path) for path in sorted(Path(__file__).parent.glob("golden/*.json"))}
ROWS = [row for table in TABLES.values() for row in table.rows]
COLD = [row for row in ROWS if math.isinf(row.beta)]
# Every eighth cold row and a few warm ones: cheap, and spread over all tables.
SAMPLE = [*COLD[::8], *[r for r in ROWS if math.isfinite(r.beta)][::12]]


PROVEN = [row for row in ROWS if row.proven]
AGREED = [row for row in COLD if not row.proven]


def complaint(comparison):
    return f"{comparison.variable} differs by {comparison.error:.1e}: {comparison.row.place}"


def test_tables_cover_the_model():
    """Every loss, teacher, activation and law that numbers determine, and the corners of the range."""
    assert len(ROWS) >= 200
    assert min(row.digits for row in ROWS) >= 30
    text = " ".join(row.problem for row in ROWS)
    for name in ("Square", "Logistic", "Hinge", "SquaredHinge", "Exponential", "ZeroOne"):
        assert f"loss={name}()" in text, name
    for name in ("Sign(", "FlippedSign", "Probit", "Linear", "Tanh", "ReLU", "Erf", "Identity"):
        assert name in text, name
    for name in ("Gaussian", "Orthogonal", "PowerLaw", "Spectrum"):
        assert f"features={name}" in text, name
    for axis, low, high in (
        ("overparam", 0.05, 100.0),
        ("alpha_T", 0.1, 30.0),
        ("lam", 1e-8, 1e2),
        ("beta", 0.1, math.inf),
    ):
        values = [row.at[axis] for row in ROWS]
        assert min(values) <= low, axis
        assert max(values) >= high, axis


@pytest.mark.parametrize("row", SAMPLE, ids=range(len(SAMPLE)))
def test_sample_is_reproduced(row):
    (comparison,) = check([row], rtol=1e-9)
    assert comparison.agrees, complaint(comparison)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_reproduced(name):
    wrong = [c for c in check(TABLES[name], rtol=1e-9) if not c.agrees]
    assert not wrong, "\n".join(map(complaint, wrong))


@pytest.mark.parametrize("row", ROWS[::40], ids=lambda r: r.place)
def test_problem_text_is_the_problem(row):
    assert repr(parse(row.problem)) == row.problem


@pytest.mark.parametrize("row", PROVEN[::6], ids=lambda r: r.place)
def test_proven_digits_are_proven(row):
    """The enclosure again: every digit written of every variable that is called proven."""
    bounds = enclose(parse(row.problem), **row.at, dps=45)
    assert len(row.proven) >= 16
    with mp.workdps(60):
        for name in row.proven:
            low, high = bounds[name]
            written = mp.mpf(row.values[name])
            assert max(abs(low - written), abs(high - written)) <= 5.1e-36 * abs(written), name


@pytest.mark.slow
@pytest.mark.parametrize("row", AGREED[::40], ids=lambda r: r.place)
def test_agreed_digits_are_found_again(row):
    """Solved anew, with other digits and so with other nodes."""
    start = theory.solve(parse(row.problem), **row.at)
    point = solve(parse(row.problem), **row.at, dps=33, start=start)
    with mp.workdps(60):
        for name, text in row.values.items():
            assert abs(point[name] - mp.mpf(text)) <= mp.mpf(10) ** -26 * abs(point[name]), name


def test_check_finds_a_wrong_digit_and_puts_it_first():
    good, other = ROWS[:2]
    bad = dataclasses.replace(
        other, values={**other.values, "bmd": repr(float(other.values["bmd"]) * (1 + 1e-6))}
    )
    worst, fine = check(Table("", (good, bad)), rtol=1e-9)
    assert worst.row is bad
    assert not worst.agrees
    assert worst.variable == "bmd"
    assert worst.error == pytest.approx(1e-6, rel=1e-3)
    assert fine.agrees


def test_failed_points_disagree():
    """A point that the solver does not reach is no agreement."""
    row = dataclasses.replace(ROWS[0], values={"bmd": "nan"})
    assert not check([row], rtol=1e-9)[0].agrees


def test_round_trip(tmp_path):
    table = Table("command", tuple(ROWS[:3]))
    write(tmp_path / "table.json", table)
    assert read(tmp_path / "table.json") == table


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.json").write_text('{"format": "something", "rows": []}')
    with pytest.raises(ValueError, match=r"x\.json is not a golden table"):
        read(tmp_path / "x.json")


def test_two_answers_to_one_question_are_refused():
    with pytest.raises(ValueError, match="appears twice"):
        Table("", (ROWS[0], ROWS[0]))


def test_new_answer_takes_the_place_of_the_old():
    changed = dataclasses.replace(ROWS[0], digits=31)
    table = Table("", tuple(ROWS[:3])).add(changed)
    assert len(table.rows) == 3
    assert [r.digits for r in table.rows if r.key == changed.key] == [31]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Problem(loss=Nothing())", "no component 'Nothing'"),
        ("Problem(activation=Custom(tanh))", "Custom is made of a callable"),
        ("solve(1)", "no component 'solve'"),
        ("__import__('os')", "no component '__import__'"),
        ("1 +", "does not read"),
        ("Sign(3, 4)", "too many parameters"),
    ],
)
def test_only_components_are_read(text, why):
    with pytest.raises(theory.InvalidProblem, match=why.replace("(", r"\(")):
        parse(text)


def test_rtol_must_be_positive():
    with pytest.raises(ValueError, match="rtol = 0"):
        check([], rtol=0)


def test_row_is_made_of_exact_numbers(tmp_path):
    """A float that has no short decimal form survives the file."""
    odd = float(np.nextafter(0.1, 1))
    row = Row("Problem()", odd, 3.0, 1e-4, math.inf, {"V": "1"}, 30)
    write(tmp_path / "t.json", Table("", (row,)))
    assert read(tmp_path / "t.json").rows[0].overparam == odd


def test_every_table_is_shipped():
    """The package carries the tables of this folder: links to them, and copies once it is installed."""
    here = Path(__file__).parent / "golden"
    tables = {path.name: path.read_bytes() for path in here.glob("*.json")}
    assert {path.name: path.read_bytes() for path in shipped()} == tables
