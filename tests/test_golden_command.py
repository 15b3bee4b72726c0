"""``twinpeaks golden``: what it claims, what it finds, and how it leaves."""

import json
import math
import re

import pytest
from click.testing import CliRunner

import twinpeaks.validate.precise.golden
from twinpeaks import theory
from twinpeaks.commands import cli
from twinpeaks.theory.components import parse
from twinpeaks.validate.precise.golden import Table, check, compare, read, scale, shipped, write
from twinpeaks.validate.precise.golden_rows import Place, precise_row, solved_row

AT = ["--overparam", "0.5,1,2", "--lam", "0.01"]
# fmt: off
NAMES = (
    "V", "q_0", "q_d", "p_0", "p_d", "Q_0", "Q_d", "m", "r", "train_loss", "train_error",
    "test_error", "test_error_mean", "bmd", "bmd_mean", "energy", "free_energy", "replicon",
)
# fmt: on


def call(*args):
    return CliRunner().invoke(cli, ["golden", *(str(a) for a in args)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "mine.json"
    done = call("add", *AT, "-o", path)
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture
def mine(made, tmp_path):
    """A table of three rows to spoil."""
    path = tmp_path / "mine.json"
    path.write_bytes(made.read_bytes())
    return path


def spoil(path, row, variable, factor=1 + 1e-6):
    """Multiply one number of a table, or add to one that is compared on the scale 1."""
    content = json.loads(path.read_text(encoding="utf-8"))
    values = content["rows"][row]["values"]
    old = float(values[variable])
    values[variable] = repr(old + (factor - 1) if variable == "replicon" else old * factor)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_what_is_added_is_what_solve_finds_and_says_how(mine):
    table = read(mine)
    curve = theory.solve(theory.Problem(), overparam=[0.5, 1, 2], alpha_T=3.0, lam=0.01)
    assert [row.at["overparam"] for row in table.rows] == [0.5, 1.0, 2.0]
    for row in table.rows:
        point = curve.sel(overparam=row.overparam)
        assert set(NAMES) <= set(row.values)
        assert row.digits >= 8
        for name, text in row.values.items():
            assert float(text) == pytest.approx(float(point[name]), rel=10.0 ** (1 - row.digits))
        assert row.made["by"] == "theory.solve"
        assert float(row.made["residual"]) < 1e-11
    done = call("check", "--table", mine)
    assert done.exit_code == 0
    assert "All 3 rows agree" in done.stdout


def test_digits_claimed_are_right_at_points_known_to_thirty():
    """The table's digits come from other code; rounding is half a unit of the last digit."""
    count = 0
    for row in (row for path in shipped() for row in read(path).rows if math.isinf(row.beta)):
        claimed = solved_row(theory.solve(parse(row.problem), **row.at))
        exact = {name: float(text) for name, text in row.values.items()}
        for name in claimed.values.keys() & exact.keys():
            error = abs(float(claimed.values[name]) - exact[name])
            assert error <= scale(name, exact) * 10.0 ** (1 - claimed.digits), (row.place, name)
            count += 1
    assert count > 200


def test_a_tail_that_the_residual_does_not_confirm_is_left_out():
    """train_error near exp(-x^2/2) multiplies the error of x by x^2."""
    point = theory.solve(theory.Problem(), overparam=2.0, alpha_T=3.0, lam=0.01)
    assert 1e-10 < float(point.train_error) < 1e-4
    assert "train_error" in solved_row(point.assign(step=1e-12)).values
    row = solved_row(point.assign(step=1e-9))
    assert "train_error" not in row.values
    assert row.digits == 8
    assert "bmd" in row.values


@pytest.mark.parametrize("variable", NAMES)
def test_drift_of_every_variable_is_found_and_named(mine, variable):
    assert math.isinf(read(mine).rows[1].beta)
    spoil(mine, 1, variable)
    done = call("check", "--table", mine)
    assert done.exit_code == 1
    assert f"1 of 3 rows drifted, in {variable} (1)." in done.stdout
    assert f"  {variable} differs by 1.0e-06, allowed 1e-08\n" in done.stdout


def test_the_worst_row_is_named_with_problem_axes_and_both_values(mine):
    spoil(mine, 0, "bmd", 1 + 1e-6)
    spoil(mine, 2, "test_error", 1 + 1e-3)
    done = call("check", "--table", mine, "--worst", 1)
    assert done.exit_code == 1
    assert "2 of 3 rows drifted, in " in done.stdout
    assert "... and 1 more" in done.stdout
    value = float(theory.solve(theory.Problem(), overparam=2, alpha_T=3, lam=0.01).test_error)
    shown = done.stdout.split("drifted, in")[1]
    assert re.search(r"test_error differs by 1\.0e-03, allowed 1e-08\n +table  (\S+)\n", shown)
    here = re.search(r" +here   (\S+)\n", shown).group(1)
    assert float(here) == pytest.approx(value, rel=1e-9)
    assert repr(theory.Problem()) in shown
    assert "overparam = 2, alpha_T = 3, lam = 0.01, beta = inf" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_rtol_decides(mine):
    spoil(mine, 1, "bmd")
    assert call("check", "--table", mine, "--rtol", "2e-6").exit_code == 0
    assert call("check", "--table", mine, "--rtol", "0.5e-6").exit_code == 1


def test_a_row_is_held_to_its_own_digits(mine):
    row = read(mine).rows[0]
    point = theory.solve(theory.Problem(), **row.at)
    coarse = {name: f"{float(text):.5e}" for name, text in row.values.items()}
    short = twinpeaks.validate.precise.golden.Row(
        row.problem, *row.at.values(), values=coarse, digits=6
    )
    assert compare(short, point).agrees
    assert compare(short, point).allowed == pytest.approx(1e-5)
    assert compare(row, point).allowed == 1e-8


def test_several_tables_are_told_apart(mine, made):
    spoil(mine, 1, "V")
    done = call("check", "--table", made, "--table", mine)
    assert done.exit_code == 1
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[:3]}
    assert lines[str(made)][:2] == ["3", "0"]
    assert lines[str(mine)][:2] == ["3", "1"]
    assert lines[str(mine)][-1] == "V"


def test_the_tables_of_the_package_are_checked_by_default(mine, monkeypatch):
    assert len(shipped()) >= 1
    monkeypatch.setattr(twinpeaks.validate.precise.golden, "shipped", lambda: (mine,))
    done = call("check")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].split()[:2] == ["mine.json", "3"]
    monkeypatch.setattr(twinpeaks.validate.precise.golden, "shipped", lambda: ())
    done = call("check")
    assert done.exit_code == 2
    assert "this installation has no tables" in done.stderr


def test_rows_are_not_added_twice_unless_replaced(mine):
    before = mine.read_bytes()
    done = call("add", "--overparam", "1,4", "--lam", "0.01", "-o", mine)
    assert done.exit_code == 2
    assert "has 1 of these rows already" in done.stderr
    assert "overparam = 1, " in done.stderr
    assert "--replace" in done.stderr
    assert done.stderr.count("\n") == 1
    assert mine.read_bytes() == before
    spoil(mine, 1, "bmd", 2.0)
    done = call("add", "--overparam", "1,4", "--lam", "0.01", "-o", mine, "--replace")
    assert done.exit_code == 0, done.output
    assert [row.overparam for row in read(mine).rows] == [0.5, 1.0, 2.0, 4.0]
    assert call("check", "--table", mine).exit_code == 0


def test_limits_and_temperatures_are_points_like_others(tmp_path):
    path = tmp_path / "limits.json"
    ends = ["--overparam", "0.5,inf", "--lam", "0,0.1"]
    assert call("add", "--loss", "logistic", *ends, "-o", path).exit_code == 0
    warm = ["--overparam", "1", "--lam", "0.1", "--beta", "2"]
    assert call("add", "--features", "orthogonal", *warm, "-o", path).exit_code == 0
    rows = read(path).rows
    assert len(rows) == 5
    assert any(row.values["q_d"] == "inf" for row in rows)
    strict = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert {row["overparam"] for row in strict["rows"]} == {0.5, 1.0, "inf"}
    done = call("check", "--table", path)
    assert done.exit_code == 0, done.output


def test_a_point_that_does_not_converge_is_left_out_with_exit_code_1(tmp_path):
    path = tmp_path / "mine.json"
    done = call("add", "--overparam", "0.5,1", "--lam", "0", "-o", path)
    assert done.exit_code == 1
    assert "overparam = 1, " in done.stderr
    assert theory.Status.NO_LIMIT.sentence in done.stderr
    (row,) = read(path).rows
    assert row.overparam == 0.5
    done = call("add", "--overparam", "1", "--lam", "0", "-o", tmp_path / "none.json")
    assert done.exit_code == 1
    assert not (tmp_path / "none.json").exists()
    content = path.read_text(encoding="utf-8").replace('"overparam": 0.5', '"overparam": 1.0')
    path.write_text(content, encoding="utf-8")
    done = call("check", "--table", path)
    assert done.exit_code == 1
    assert "this point did not converge" in done.stdout


def test_precise_rows_agree_with_solve(tmp_path):
    path = tmp_path / "mine.json"
    done = call("add", "--overparam", "2", "--lam", "0.01", "--precise", "24", "-o", path)
    assert done.exit_code == 0, done.output
    (row,) = read(path).rows
    assert row.digits >= 16
    assert row.made["by"] == "validate.precise"
    assert len(row.values["bmd"]) > 16
    assert call("check", "--table", path, "--rtol", "1e-9").exit_code == 0
    done = call("add", "--overparam", "inf", "--precise", "24", "-o", path)
    assert done.exit_code == 2
    assert "--precise takes no limits" in done.stderr


def test_a_precise_row_of_too_few_digits_is_refused(monkeypatch):
    import mpmath

    point = twinpeaks.validate.precise.Precise({"m": mpmath.mpf(1)}, {"m": mpmath.mpf(1) / 10**9})
    monkeypatch.setattr(twinpeaks.validate.precise, "solve", lambda *_, **__: point)
    with pytest.raises(ValueError, match="agree on 9 digits of m"):
        precise_row(theory.Problem(), Place(1.0, 3.0, 0.1, math.inf), 24)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (None, "hello", "is not a golden table"),
        (None, "[1, 2]", "is not a golden table"),
        (None, b"\xff\xfe", "is not a golden table"),
        ("table 1", "table 9", "'twinpeaks golden table 9'"),
        ('"overparam": 0.5', '"overparam": 1.0', "appears twice"),
        ('"overparam": 0.5', '"overparam": "x"', "could not convert string to float: 'x'"),
        ('"bmd": "', '"bmd": "x', "could not convert string to float: 'x"),
        ('"digits"', '"figures"', "is not a golden table ('digits')"),
        ("loss=Square()", "loss=Nope()", "no component 'Nope'"),
        ("loss=Square()", "loss=CustomLoss(<lambda> 1f0c, margin)", "for the pytest fixture"),
        ("Sign(rho=1.0)", "Sign(rho=-1.0)", "rho = -1.0"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line_with_its_name(mine, old, new, words):
    if old is None:
        mine.write_bytes(new if isinstance(new, bytes) else new.encode())
    else:
        text = mine.read_text(encoding="utf-8")
        assert old in text
        mine.write_text(text.replace(old, new), encoding="utf-8")
    done = call("check", "--table", mine)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert str(mine) in done.stderr
    assert words in done.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["check", "--table", "no.json"], "no.json cannot be read: No such file"),
        (["check", "--table", "."], ". cannot be read: Is a directory"),
        (["check", "--rtol", "0"], "--rtol"),
        (["check", "--rtol", "nan"], "rtol = nan: give one number in (0, inf)"),
        (["add", *AT], "--output is missing"),
        (["add", *AT, "-o", "mine.txt"], "end the name in .json"),
        (["add", *AT, "-o", "mine.json", "--precise", "5"], "--precise"),
        (
            ["add", *AT, "-o", "mine.json", "--loss", "nope"],
            "--loss = nope: theory has no component",
        ),
        (["add", *AT, "-o", "mine.json", "--loss", "zeroone"], "give a finite beta"),
    ],
)
def test_bad_options_are_one_line_and_nothing_is_written(args, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_table_is_no_agreement(tmp_path):
    write(tmp_path / "none.json", Table("", ()))
    done = call("check", "--table", tmp_path / "none.json")
    assert done.exit_code == 2
    assert "no rows to check" in done.stderr


def test_rows_of_one_curve_are_solved_at_once(mine, monkeypatch):
    rows, solves, seen = read(mine).rows, [], []
    whole = theory.solve

    def counted(*args, **kwargs):
        solves.append(kwargs["overparam"])
        return whole(*args, **kwargs)

    monkeypatch.setattr(theory, "solve", counted)
    together = check(rows, progress=lambda done, total: seen.append((done, total)))
    assert solves == [[0.5, 1.0, 2.0]]
    assert seen == [(3, 3)]
    alone = {c.row.key: c for row in rows for c in check([row])}
    assert len(solves) == 4
    for found in together:
        assert found.values == pytest.approx(alone[found.row.key].values, rel=1e-9)
