"""What the front page and the pages of the guide show must run as it stands, and their links must lead."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from twinpeaks.commands import cli

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
#: Where commands of the guide stand, and how many.
COMMANDS = {"command-line.md": 4}


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def prose(page):
    """The text of a page without its code."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda found: found[0].replace("](", ""), text)


def links(page):
    return re.findall(r"\]\((?!http)([^)]+)\)", prose(page))


def anchors(page):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}


def run(page):
    """The names that the code of a page leaves behind."""
    names = {}
    for block in blocks(page, "python"):
        exec(compile(block, name(page), "exec"), names)
    return names


@pytest.mark.slow
def test_the_front_page_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(README)
    assert (tmp_path / "sketch.png").exists()
    estimate = names["estimate"]
    assert abs(estimate.value - 1.5) < 4 * estimate.standard_error


@pytest.mark.torch
@pytest.mark.parametrize("page", [p for p in GUIDE if blocks(p, "python")], ids=name)
def test_pages_of_the_guide_run_by_themselves(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "tp" in run(page)


@pytest.mark.slow
@pytest.mark.parametrize("page", [README, *GUIDE], ids=name)
def test_commands_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines = [line for line in lines if line.startswith("twinpeaks ")]
    assert len(lines) == COMMANDS.get(page.name, 0)
    for line in lines:
        done = CliRunner().invoke(cli, shlex.split(line)[1:])
        assert done.exit_code == 0, done.output


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in links(page):
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


def test_every_page_of_the_guide_is_on_the_front_page():
    assert {name(page) for page in GUIDE} <= set(links(README))


def test_the_front_page_fits_on_two_screens():
    assert len(README.read_text("utf-8").splitlines()) <= 150
