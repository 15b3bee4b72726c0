"""Suites: declared once, run in pieces, decided together."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import twinpeaks.validate.suites
from twinpeaks import theory, validate
from twinpeaks.commands import cli
from twinpeaks.commands.suite import SUITE_NAMES
from twinpeaks.validate.suite import run_case, run_suite
from twinpeaks.validate.suites import SUITES, Case, Suite

TINY = Case("tiny", theory.Problem(), (0.5, 1.0), (1e-2, 1.0), (20, 40), 4)
WARM = replace(TINY, name="warm", overparam=(0.5,), beta=(1.0,))


@pytest.fixture
def small(monkeypatch):
    """A suite of two cases under a name that the command knows."""
    suite = Suite("standard", "Two cases of a second.", (TINY, WARM))
    monkeypatch.setitem(twinpeaks.validate.suites.SUITES, "standard", suite)
    return suite


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_suites_cover_what_they_say(suite):
    core = [c for c in suite.cases if len(c.overparam) == 5]
    pairs = {(type(c.problem.loss), type(c.problem.activation)) for c in core}
    losses, activations = (theory.Square, theory.Logistic, theory.Hinge), (theory.Tanh, theory.ReLU)
    assert pairs == {(loss, activation) for loss in losses for activation in activations}
    for case in core:
        assert min(case.lam) == 1e-4
        assert max(case.lam) == 1
        threshold = float(theory.interpolation_threshold(case.problem, case.alpha_T))
        assert min(case.overparam) < threshold < max(case.overparam)
    if suite.name != "target":
        laws = {type(c.problem.features) for c in suite.cases}
        assert len(laws) >= 4
        assert any(c.beta for c in suite.cases)
    assert sorted(SUITE_NAMES) == sorted(SUITES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"D": (21, 40)}, "31.5 patterns or features at overparam = 0.5"),
        ({"D": (40,)}, "needs more sizes"),
        ({"order": 2}, "needs more sizes"),
        ({"seeds": 1}, "at least 2"),
    ],
)
def test_a_case_that_cannot_be_compared_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(TINY, **change)


def test_cases_of_a_suite_have_names_of_their_own():
    with pytest.raises(ValueError, match="tiny"):
        Suite("twice", "", (TINY, TINY))


@pytest.mark.parametrize("case", [TINY, WARM], ids=lambda c: c.name)
def test_what_is_kept_is_not_computed_again(case, tmp_path):
    done = []
    first = run_case(case, tmp_path, device="cpu", progress=lambda *at: done.append(at))
    assert len(done) == case.seeds * len(case.overparam) * len(case.D)
    done.clear()
    renamed = replace(case, name="renamed")
    again = run_case(renamed, tmp_path, device="cpu", progress=lambda *at: done.append(at))
    assert not done
    xr.testing.assert_equal(first.run[["bmd", "q_d"]], again.run[["bmd", "q_d"]])
    xr.testing.assert_equal(first.summary.z, again.summary.z)


@pytest.mark.parametrize("case", [TINY, WARM], ids=lambda c: c.name)
def test_more_seeds_add_to_what_is_kept(case, tmp_path):
    fewer = run_case(case, tmp_path, device="cpu").run
    done = []
    larger = replace(case, seeds=6)
    more = run_case(larger, tmp_path, device="cpu", progress=lambda *at: done.append(at)).run
    assert len(done) == 2 * len(case.overparam) * len(case.D)
    xr.testing.assert_equal(more.bmd.isel(seed=slice(4)), fewer.bmd)
    assert len(list(tmp_path.glob("*"))) == 1


def test_draws_and_trained_networks_of_one_problem_are_kept_apart(tmp_path):
    for case in (TINY, WARM):
        run_case(case, tmp_path, device="cpu")
    assert len(list(tmp_path.glob("*.sqlite"))) == 2


def test_a_suite_is_decided_as_one_family(small):
    seen = []
    result = run_suite(small, device="cpu", progress=lambda *at: seen.append(at))
    assert result
    assert [o.case.name for o in result.outcomes] == ["tiny", "warm"]
    assert result.verdict.tests == validate.agrees(result.summaries, small.level).tests
    assert {name for name, _, _ in seen} == {"tiny", "warm"}
    assert "q_0" in result.summaries["warm"]["variable"]  # two replicas, which training has not
    assert float(result.summaries["tiny"].beta) == inf


def test_the_command_writes_a_report_and_agrees(small, tmp_path):
    page = tmp_path / "report.html"
    options = ["--suite", "standard", "--store", tmp_path / "kept", "--device", "cpu", "-o", page]
    done = CliRunner().invoke(cli, ["validate", *map(str, options)])
    assert done.exit_code == 0, done.output
    assert "would be rejected with probability 0.9" in done.output
    assert "Theory and simulation agree" in page.read_text(encoding="utf-8")
    assert "--suite=standard" in page.read_text(encoding="utf-8")


def test_the_command_exits_1_when_the_theory_is_wrong(small, monkeypatch):
    right = theory.solve

    def wrong(*arguments, **axes):
        return right(*arguments, **axes).assign(q_d=lambda curve: 2 * curve.q_d)

    monkeypatch.setattr(theory, "solve", wrong)
    done = CliRunner().invoke(cli, ["validate", "--suite", "standard", "--device", "cpu"])
    assert done.exit_code == 1, done.output
    assert "disagree at level 0.001" in done.output
    assert "q_d" in done.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--suite", "standard", "-o", "report.csv"], "end the name in .html"),
        (["--suite", "half"], "--suite"),
        (["--store", "kept"], "give two files, or --suite"),
        ([], "give two files, or --suite"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    done = CliRunner().invoke(cli, ["validate", *options])
    assert done.exit_code == 2
    assert words in done.output + str(done.exception)


@pytest.mark.slow
def test_the_standard_suite_agrees():
    """Minutes; false alarms at its level of 1e-3, and the seeds are fixed."""
    result = run_suite(SUITES["standard"], device="cpu")
    assert result, result.verdict.rejected
    for summary in result.summaries.values():
        assert np.isfinite(summary.z).all()
