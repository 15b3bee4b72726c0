"""docs/mean-dimension.md is true: what it shows runs, in order, and gives the numbers in its comments."""

import re
import shlex
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from twinpeaks.commands import cli

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "mean-dimension.md").read_text(encoding="utf-8")

pytest.importorskip("torch")
pytest.importorskip("sklearn")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    names, printed = {}, []
    names["print"] = lambda *values: printed.append(values)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"torch|contextlib|copyreg")  # of torch.export
        patch.chdir(folder)
        for block in blocks("python"):
            exec(compile(block, "mean-dimension.md", "exec"), names)
    return folder, names, printed


def test_numbers_are_those_of_the_comments(ran):
    _, names, printed = ran
    assert abs(names["found"].value - 1.5) < 5 * names["found"].standard_error
    exact = (
        3.0,
        0.75 / (1 - 27 / 64),
        3 * 25 / (125 - 64),
    )  # E x^2 = 5 and (E x)^2 = 4 of Normal(2, 1)
    for (value,), by_hand in zip(printed[1:4], exact, strict=True):
        assert value == pytest.approx(by_hand, rel=0.05)
    (shown,) = re.findall(r"# (.*?), .* = (.*) and .* = (.*)", PAGE)
    assert [float(s) for s in shown] == [round(value, 3) for value in exact]
    (sensitivity,), (dimension,) = printed[-2:]
    assert abs(sensitivity.value - 0.5) < 5 * sensitivity.standard_error
    assert dimension.value == pytest.approx(1.0, abs=0.01)


def test_commands_run(ran, monkeypatch):
    monkeypatch.chdir(ran[0])
    lines = blocks("sh")[0].splitlines()
    assert len(lines) == 3
    for line in lines:
        done = CliRunner().invoke(cli, shlex.split(line)[1:])
        assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert {"found.nc", "influences.png"} <= {p.name for p in ran[0].iterdir()}


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", PAGE))
def test_links_lead_somewhere(target):
    assert (ROOT / "docs" / target).exists()
