"""The HTML report, read back with a parser: complete, self-contained and escaped."""

import base64
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from test_extrapolate import synthetic

from twinpeaks import figures, validate

VOID = {"meta", "img", "br"}
LINKS = {"href", "src", "srcset", "action", "data", "poster"}


class Page(HTMLParser):
    """Balanced tags, text by tag, tables as rows of cells, and every address."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tables, self.addresses, self.texts = [], [], [], []
        self.classes, self.tags = set(), set()
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.classes |= set((dict(attrs).get("class") or "").split())
        self.addresses += [value for name, value in attrs if name in LINKS]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


@pytest.fixture(scope="module")
def summary():
    curve, run = synthetic(np.random.default_rng(2), (50, 100), line=3.0)
    return validate.summarise(validate.compare(curve, run))


def test_it_parses_and_needs_nothing_else(summary):
    page = Page(validate.report(summary, figures={"Scores": figures.qq(summary)}))
    assert {"html", "head", "body", "table", "img"} <= page.tags
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "base"})
    assert page.addresses
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    assert validate.agrees(summary).sentence in page.text
    assert "disagree" not in page.classes


def test_numbers_are_those_of_the_summary(summary):
    overview, points, versions = Page(validate.report(summary)).tables
    assert len(points) == 1 + summary.z.size
    at = {"variable": "bmd", "overparam": 1.0, "lam": 1e-4}
    row = next(r for r in points if r[:3] == ["bmd", "1", "0.0001"])
    assert float(row[3]) == pytest.approx(1.5)
    assert float(row[4]) == pytest.approx(float(summary.intercept.sel(at)), rel=1e-5)
    assert float(row[-1]) == pytest.approx(float(summary.z.sel(at)), abs=0.06)
    assert overview[1][0] == "bmd"
    assert float(overview[1][3]) == pytest.approx(float(summary.chi_square[0]), abs=0.06)
    assert {"python", "numpy", "twinpeaks"} <= {name for name, _ in versions}


def test_a_disagreement_is_said_and_its_places_named(summary):
    curve, run = synthetic(np.random.default_rng(2), (50, 100))
    curve["bmd"] = 2 * curve.bmd
    wrong = validate.summarise(validate.compare(curve, run))
    page = Page(validate.report({"right": summary, "wrong": wrong}))
    assert {"verdict", "disagree", "far"} <= page.classes
    assert "wrong: bmd" in page.text
    assert "right: bmd" not in page.text


def test_what_users_write_is_escaped(summary):
    evil = '</pre><script>alert("x")</script>&amp;'
    text = validate.report(
        {evil: summary.assign_attrs(problem=evil)},
        title=evil,
        command=evil,
        figures={evil: Figure()},
        versions={evil: evil},
    )
    page = Page(text)
    assert "script" not in page.tags
    assert page.text.count(evil) >= 6


def test_embedded_pictures_are_whole_and_repeatable(summary):
    pages = [Page(validate.report(summary, figures={"a": figures.qq(summary)})) for _ in range(2)]
    assert pages[0].addresses == pages[1].addresses
    root = ET.fromstring(base64.b64decode(pages[0].addresses[0].split(",")[1]))
    assert root.tag.endswith("svg")
    assert len(list(root.iter())) > 100


def test_seeds_sizes_and_command_are_there(summary):
    page = Page(validate.report(summary, command="twinpeaks validate a.nc b.nc"))
    assert "sizes 50, 100" in page.text
    assert "seeds 0 to 15;" in page.text
    assert "twinpeaks validate a.nc b.nc" in page.text


def test_a_comparison_of_one_size_is_refused(summary):
    comparison = validate.compare(*synthetic(np.random.default_rng(2), (50, 100)))
    with pytest.raises(ValueError, match=r"'comparison' has kind = 'comparison'"):
        validate.report(comparison)


def test_quantiles_lie_on_the_line_when_the_theory_is_right(summary):
    """Sorted normal scores against the medians of their order statistics, inside the band."""
    picture = figures.qq({"a": summary})
    (line,) = [one for one in picture.axes[0].lines if one.get_label() == "Boolean mean dimension"]
    x, y = line.get_data()
    assert len(x) == summary.z.size
    assert np.all(np.diff(y) >= 0)
    np.testing.assert_allclose(x, -x[::-1], atol=1e-12)  # the normal law is symmetric
    assert np.max(np.abs(x - y)) < 1.2
    with pytest.raises(ValueError, match="no finite z"):
        figures.qq(summary.assign(z=np.nan * summary.z))


def test_seeds_are_shown_as_runs(summary):
    page = Page(validate.report(summary.assign_attrs(seeds="0, 1, 2, 9, 5, 4")))
    assert "seeds 0 to 2, 4 to 5, 9;" in page.text
