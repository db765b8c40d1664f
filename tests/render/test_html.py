"""The page: self-contained, well-formed, escaped, the same every time, readable by everyone."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from scipy import stats

from harness.catalog import Catalog
from harness.render import compose, to_html
from harness.render._html import code
from harness.render._table import MOST_ROWS, sort_key, table_html
from harness.report import Cell, Column, Row, Table
from harness.results import RunSet
from tests.report.support import make_case, make_suite, read, stored, usual, verdict

VOID = {"meta", "input", "link", "br", "hr", "img"}


class Page(HTMLParser):
    """Collects a page's elements and complains of a tag that is closed in the wrong place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element that closes itself, as in SVG."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the last element."""
        assert self.open.pop() == tag

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of these kinds."""
        return [attributes for tag, attributes in self.elements if tag in tags]


def page(run_set: RunSet, *catalogues: Path) -> str:
    """Return a run set's page."""
    return to_html(compose(read(run_set, *catalogues)))


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a usual run set."""
    return page(usual(tmp_path_factory.mktemp("results"), verdicts=[verdict(name="worse", base=0.995, head=0.991)]))


def test_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    """Two renderings of one run set are equal."""
    run_set = usual(tmp_path)

    assert page(run_set) == page(RunSet(run_set.path))


def test_page_is_well_formed(html: str) -> None:
    """Every element is closed where it was opened, and the document ends with none open."""
    parsed = Page(html)

    assert parsed.open == []
    assert html.startswith("<!doctype html>")


def test_plots_are_well_formed_images_with_words(html: str) -> None:
    """Every plot parses as XML, is an image by role and has a text alternative; every figure a table of its numbers."""
    roots = [ElementTree.fromstring(plot) for plot in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]
    found = re.findall(r"<figure.*?</figure>", html, re.DOTALL)

    assert len(roots) > len(found) > 3
    assert all(root.get("role") == "img" and root.get("aria-label") for root in roots)
    assert all("<summary>Numbers" in figure and "<table" in figure for figure in found)


def test_nothing_is_fetched(html: str) -> None:
    """No element refers to anything outside the page, and the page itself forbids it."""
    references = [
        value
        for _, attributes in Page(html).elements
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster")
        if (value := attributes.get(name))
    ]

    assert [reference for reference in references if not reference.startswith("#")] == []
    assert not re.search(r"@import|url\((?!#)", html)
    assert "http" not in html.replace('http-equiv="', "")
    (policy,) = [found["content"] for found in Page(html).named("meta") if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_only_the_pages_own_script_may_run(html: str) -> None:
    """The policy names the script by its digest, so that nothing injected could run."""
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)

    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_reason_with_markup_is_text(html: str) -> None:
    """A stored reason is shown as it is and never becomes markup."""
    assert "killed at 7.2 GiB &lt;script&gt;alert('x')&lt;/script&gt; | a_b" in html
    assert "<script>alert" not in html


def test_published_value_and_interval_appear(html: str) -> None:
    """The article's 99.14 % and the 95 % t interval of our mean, as scipy has it, stand on the page."""
    low, high = stats.t.interval(0.95, 2, loc=0.991, scale=stats.sem([0.990, 0.992, 0.991]))

    assert f"<small>{low:.4f} to {high:.4f}</small>" in html
    assert "<td>0.9914</td>" in html


def test_failed_seed_is_shown(html: str) -> None:
    """A run that did not succeed is on the page, with its status in words."""
    assert '<td class="bad" data-s="oom">oom <small>killed' in html


def test_null_has_its_reason_at_hand(html: str) -> None:
    """'n/a' carries why."""
    assert '<td class="muted" data-s=""><span title="not measured">n/a</span></td>' in html


def test_synthetic_data_is_labelled(tmp_path: Path) -> None:
    """The label stands behind the data set's name."""
    folder = tmp_path / "bench" / "data"
    folder.mkdir(parents=True)
    (folder / "tones.py").write_text('"""Tones."""\n\nDATASET = Dataset(load=load, synthetic=True)\n')

    text = page(stored(tmp_path / "results", make_suite(make_case(data="tones"))), tmp_path / "bench")

    assert 'tones <em class="badge">synthetic</em>' in text


def test_headings_descend_by_one(html: str) -> None:
    """One main heading, then sections, then their parts: nothing is skipped."""
    levels = [int(tag[1]) for tag, _ in Page(html).elements if re.fullmatch(r"h\d", tag)]

    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_page_can_be_walked_without_a_mouse(html: str) -> None:
    """There is a skip link, every link leads somewhere, every scrolling table takes focus and has a name."""
    parsed = Page(html)
    ids = {attributes["id"] for _, attributes in parsed.elements if "id" in attributes}
    regions = [found for found in parsed.named("div") if found.get("role") == "region"]

    assert parsed.named("a")[0] == {"class": "skip", "href": "#content"}
    assert {(link["href"] or "")[1:] for link in parsed.named("a")} <= ids
    assert all(region.get("tabindex") == "0" and region.get("aria-label") for region in regions)
    assert len(regions) == len(parsed.named("table")) > 5


def test_ids_are_unique(html: str) -> None:
    """No two elements share an id, plots included."""
    ids = [attributes["id"] for _, attributes in Page(html).elements if "id" in attributes]

    assert len(ids) == len(set(ids))


def test_every_table_scrolls_in_its_own_container(html: str) -> None:
    """On a phone no table widens the page: each stands in a box that scrolls."""
    assert len(re.findall(r'<div class="scroll[^>]*>\s*<table', html)) == html.count("<table")


def test_tables_have_headings_for_columns_and_rows(html: str) -> None:
    """Each heading says what it is the heading of."""
    assert all(found.get("scope") in ("col", "row") for found in Page(html).named("th"))


def test_cases_can_be_filtered_only_where_there_are_several(html: str, tmp_path: Path) -> None:
    """The filter box is labelled, and absent where there is nothing to choose."""
    alone = page(stored(tmp_path, make_suite(make_case())))

    assert '<label for="filter"' in html
    assert 'id="filter"' not in alone


def test_empty_run_set_renders(tmp_path: Path) -> None:
    """A run set without a run gives a page that says so."""
    text = page(stored(tmp_path, make_suite(), complete=False))

    assert "This run set is empty: none of its 3 declared runs is stored." in text
    assert Page(text).open == []


def test_every_section_of_the_catalogue_is_on_the_page(html: str) -> None:
    """No section is lost: each has its place and its link, but for those that have nothing to show of these runs."""
    absent = {"audit", "claims", "confusion", "experiments", "history", "lanes", "samples", "side_by_side", "tradeoffs"}
    for name in set(Catalog().parts("report")) - absent:
        assert f'<section id="{name}"' in html
        assert f'<a href="#{name}">' in html


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("run `a <b>` now", "run <code>a &lt;b&gt;</code> now"),
        ("one ` tick", "one ` tick"),
        ("`a` and ` tick", "<code>a</code> and ` tick"),
        ("<i>", "&lt;i&gt;"),
    ],
)
def test_code_between_backticks(text: str, markup: str) -> None:
    """What stands between two backticks is code; everything is escaped, an odd backtick is itself."""
    assert str(code(text)) == markup


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        (Cell("2.00 s", sort=2.0), "2"),
        (Cell("n/a", sort=-math.inf), ""),
        (Cell("∞", sort=math.inf), "Infinity"),
        (Cell("a"), None),
        (Cell("a", sub="b"), "a"),
        (Cell("0.9914", sort=0.99141), None),
        (Cell("1,234", sort=1234), None),
        (Cell("0.9914", sort=0.99141, sub="0.98 to 1.00"), "0.99141"),
        (Cell("", sort=0.5, plot="<svg></svg>"), "0.5"),
        (Cell("hard", sort=0), "0"),
    ],
)
def test_sort_key_is_the_number_behind_the_text(cell: Cell, key: str | None) -> None:
    """Columns sort by value rather than by text, nulls have an empty key, and what its text tells needs none."""
    assert sort_key(cell) == key


def test_a_tables_kinds_of_column_are_said_once() -> None:
    """Numbers and code are told by the column's place, so that thousands of cells need not say it."""
    columns = (Column("Case"), Column("Mean", "number"), Column("Command", "code"), Column("Drawn", "plot", axis="<svg></svg>"))
    row = Row((Cell("a"), Cell("1", sort=1), Cell("run"), Cell("", plot="<svg>x</svg>", sort=1.0)), "a")

    text = table_html(Table(columns, (row,)), "Here")

    assert '<table aria-label="Here" class="n2 k3 p4">' in text
    assert '<th scope="col">Drawn<svg></svg></th>' in text
    assert '<tr data-case="a"><th scope="row">a</th><td>1</td><td>run</td><td data-s="1"><svg>x</svg></td></tr>' in text


def test_a_column_to_choose_from_says_so() -> None:
    """The script finds the columns whose values a reader may choose by an attribute, and only those."""
    text = table_html(Table((Column("Case"), Column("Verdict", choose=True)), (Row((Cell("a"), Cell("same"))),)), "Here")

    assert '<th scope="col">Case</th><th scope="col" data-choose>Verdict</th>' in text


def test_a_table_of_too_many_rows_is_cut_and_says_so() -> None:
    """The page stays usable, and where the rest is stands below."""
    text = table_html(Table((Column("Case"),), tuple(Row((Cell(f"{row}"),)) for row in range(MOST_ROWS + 1))), "Here")

    assert text.count("<tr>") == MOST_ROWS + 1
    assert f"The first {MOST_ROWS:,} of {MOST_ROWS + 1:,} rows" in text


@pytest.mark.parametrize("field", ["text", "sub", "note", "badge"])
def test_cells_are_no_markup(field: str) -> None:
    """Whatever a cell holds is shown as it is."""
    cell = Cell(**({"text": "a"} | {field: "<b>&\"'"}))

    text = table_html(Table((Column("<i>"),), (Row((cell,), '"><script>'),)), "<u>")

    assert not re.search(r"<[biu]>|<script>", text)


@pytest.mark.parametrize("name", ["system", "light", "dark"])
def test_colours_can_be_chosen(html: str, name: str) -> None:
    """The reader may have the system's colours or either scheme; paper has light ones whatever is chosen."""
    choices = [found for found in Page(html).named("input") if found.get("type") == "radio"]

    assert name in [choice["value"] for choice in choices]
    assert '<style id="dark" media="screen and (prefers-color-scheme: dark)">' in html
