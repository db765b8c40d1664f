"""The page in a browser: nothing fails, nothing is fetched, everything that is drawn is seen, said and can be used."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from harness.catalog import Catalog
from harness.render import write_report
from harness.results import RunSet
from tests.render.big import ROOT, articles, filled, wide

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")
PHONE = {"width": 390, "height": 844}
SCHEMES = ("light", "dark")
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window; where CI has none that is a failure."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None and not os.environ.get("CI"):
        pytest.skip(f"no Chromium on this machine: none of {', '.join(NAMES)} is there")
    assert path is not None, f"CI needs one of {', '.join(NAMES)}"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> RunSet:
    """A run set of the articles' suite, with one before it and the suite's stored audit."""
    results = tmp_path_factory.mktemp("results")
    shutil.copytree(ROOT / "results" / "audits", results / "audits")
    filled(results, articles(), hour=1)
    return filled(results, articles(), hour=2, drift=1.1)


@pytest.fixture(scope="module")
def report(stored: RunSet) -> Path:
    """Its page."""
    return write_report(stored, Catalog()).html


class Watched:
    """An open page, with all that it said and asked for."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri())

    def probe(self, call: str) -> Any:
        """Return what one of the probe's functions finds on the page."""
        return self.page.evaluate(f"() => {{ {PROBE}; return {call}; }}")


@pytest.fixture(scope="module")
def seen(browser: Browser, report: Path) -> Iterator[Watched]:
    """The page on a desk with all its folds open, for tests that change nothing but the colours."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watched = Watched(context.new_page(), report)
    watched.probe("openAll()")
    yield watched
    context.close()


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Watched]:
    """The page on a desk, as it is first seen."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Watched(context.new_page(), report)
    context.close()


def test_it_is_small(report: Path) -> None:
    """The articles' report, with every section, is below 3 MB."""
    assert report.stat().st_size < MOST_BYTES


def test_same_tables_give_the_same_bytes(stored: RunSet, report: Path, tmp_path: Path) -> None:
    """Written again, page and Markdown are equal to the byte."""
    again = write_report(RunSet(stored.path), Catalog(), tmp_path)

    assert again.html.read_bytes() == report.read_bytes()
    assert again.markdown.read_bytes() == (stored.path / "report.md").read_bytes()


def test_nothing_fails_and_nothing_is_fetched(seen: Watched, report: Path) -> None:
    """The console stays empty, and the only request is the page itself."""
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith("data:")] == [report.as_uri()]


def test_every_figure_is_drawn_said_and_told_in_numbers(seen: Watched) -> None:
    """Each has a size, marks that have a size too, a text alternative that is a sentence, and a table of its numbers."""
    found = seen.probe("figures()")

    assert len(found) > 100
    for figure in found:
        assert figure["width"] > 150, figure
        assert figure["height"] > 60, figure
        assert figure["marks"] >= 1, figure
        assert figure["alt"].endswith("."), figure
        assert figure["rows"] >= 1, figure


def test_every_drawing_in_a_table_is_seen_and_said(seen: Watched) -> None:
    """Each has a size, at least one mark within it, and a sentence; the axis of its column is as wide as it is."""
    found = seen.probe("strips()")

    assert len(found) > 300
    for strip in found:
        assert strip["height"] > 8, strip
        assert strip["marks"] >= 1, strip
        assert strip["alt"].endswith("."), strip
        assert strip["axis"] is None or abs(strip["axis"] - strip["width"]) < 1, strip


def test_all_sections_are_there(seen: Watched) -> None:
    """The pictures that people come for, each under its heading."""
    titles = seen.page.locator("main > section > h2").all_inner_texts()

    assert {
        "Effects",
        "Quality against cost",
        "Seeds",
        "Learning curves",
        "Samples",
        "Speed",
        "Memory and machine",
        "Reproducibility audit",
        "History",
        "Environment",
    } <= set(titles)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("chosen", [False, True], ids=["system", "chosen"])
def test_contrast_is_enough(seen: Watched, scheme: str, chosen: bool) -> None:
    """Every text that can be seen stands out from its ground as WCAG AA asks, in both schemes, whoever chose them."""
    if chosen:
        seen.page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
        seen.page.locator(f".theme [value={scheme}]").check()
    else:
        seen.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        seen.page.locator(".theme [value=system]").check()
    found = seen.probe("contrasts()")

    assert found["scheme"] == scheme
    assert found["texts"] > 5000
    assert found["poor"] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_can_be_seen(seen: Watched, scheme: str) -> None:
    """Lines, dots and strokes that draw numbers stand out from their ground by 3 to 1."""
    seen.page.locator(f".theme [value={scheme}]").check()

    found = seen.probe("markContrasts()")

    assert found["marks"] > 500
    assert found["poor"] == []


def test_contrast_is_worked_out_as_wcag_says(seen: Watched) -> None:
    """The probe's own formula: black on white is 21, #767676 on white just passes at 4.54; alpha is laid over the ground."""
    assert seen.probe("ratio([0, 0, 0, 1], [255, 255, 255, 1])") == pytest.approx(21)
    assert seen.probe("ratio([118, 118, 118, 1], [255, 255, 255, 1])") == pytest.approx(4.54, abs=0.01)
    assert seen.probe("over([0, 0, 0, 0.5], [255, 255, 255, 1])") == pytest.approx([127.5, 127.5, 127.5, 1])


def test_poor_contrast_is_found(opened: Watched) -> None:
    """A planted pale text is seen by the probe: a test that cannot fail would prove nothing."""
    opened.page.evaluate("() => { document.querySelector('.why').style.color = '#ccc'; }")

    assert len(opened.probe("contrasts()")["poor"]) == 1


def test_columns_sort_with_the_keyboard(opened: Watched) -> None:
    """Enter on a column's head sorts by its numbers, Enter again turns the order round; what has no value comes last."""
    table = opened.page.locator("#cases table").last
    head = table.locator("thead button", has_text="Training time")
    place = table.locator("thead th").all_inner_texts().index("Training time")

    orders = []
    for _ in range(2):
        head.focus()
        opened.page.keyboard.press("Enter")
        keys = table.locator(f"tbody tr > :nth-child({place + 1})").evaluate_all("cells => cells.map(cell => cell.dataset.s)")
        orders.append([float(key) if key else math.nan for key in keys])

    up, down = ([value for value in order if not math.isnan(value)] for order in orders)
    assert len(up) > 50
    assert up == sorted(up) != down == sorted(down, reverse=True)
    assert all(math.isnan(value) for order in orders for value in order[len(up) :])
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_text_columns_sort_as_people_count(opened: Watched) -> None:
    """Names with numbers are in the order of the numbers."""
    table = opened.page.locator("#cases table").first
    table.locator("thead button").first.click()

    names = table.locator("tbody th").evaluate_all("cells => cells.map(cell => cell.firstChild.textContent)")

    assert names == opened.page.evaluate("names => [...names].sort(new Intl.Collator('en', { numeric: true }).compare)", names)


def test_cases_can_be_filtered(opened: Watched, stored: RunSet) -> None:
    """What is typed hides every row and figure of other cases, in all sections, and says how many are left."""
    names = [case.name for case in stored.manifest.suite.cases]
    expected = [name for name in names if "lstm" in name]

    opened.page.get_by_label("Show cases").fill("LSTM")

    shown = set(opened.page.locator("[data-case]:not([hidden])").evaluate_all("found => found.map(one => one.dataset.case)"))
    assert shown == set(expected)
    assert opened.page.locator("output[for=filter]").inner_text() == f"{len(expected)} of {len(names)}"
    opened.page.get_by_label("Show cases").fill("")
    assert opened.page.locator("[data-case][hidden]").count() == 0


def test_rows_can_be_found_and_chosen(opened: Watched) -> None:
    """Above a table of many rows, words and a value of a column narrow it down, together."""
    table = opened.page.locator("#effects table").first
    tools = opened.page.locator("#effects .rows").first
    rows = table.locator("tbody tr:not(.off)")
    all_rows = rows.count()

    tools.locator("select").first.select_option(index=1)
    metric = tools.locator("select").first.input_value()
    of_metric = rows.count()
    tools.locator("input").fill("lstm")

    assert 0 < rows.count() < of_metric < all_rows
    for text in rows.all_inner_texts():
        assert metric in text
        assert "lstm" in text.lower()
    assert tools.locator("output").inner_text() == f"{rows.count()} of {all_rows} rows"


def test_every_control_has_a_name_and_takes_focus(opened: Watched) -> None:
    """Each can be reached with the keyboard alone and says what it is."""
    assert opened.probe("controls()") == []
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("() => document.activeElement.className") == "skip"


def test_the_scheme_can_be_chosen_with_the_keyboard(opened: Watched) -> None:
    """An arrow key on the choice of colours changes the page at once."""
    opened.page.emulate_media(color_scheme="light")
    before = opened.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    opened.page.locator(".theme [value=system]").focus()

    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("ArrowRight")

    assert opened.page.evaluate("() => getComputedStyle(document.body).backgroundColor") != before
    assert opened.page.locator(".theme [value=dark]").is_checked()


def test_paper_is_light(opened: Watched) -> None:
    """Whatever the screen has, print has dark ink, no controls, and pages."""
    opened.page.locator(".theme [value=dark]").check()
    opened.page.emulate_media(media="print", color_scheme="dark")

    assert opened.probe("contrasts()")["scheme"] == "light"
    assert not opened.page.locator(".side").is_visible()
    assert opened.page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, report: Path, scheme: str) -> None:
    """At a phone's width nothing but tables is wider than the screen, and those scroll within their boxes."""
    context = browser.new_context(viewport=PHONE, color_scheme="dark" if scheme == "dark" else "light", is_mobile=True)
    watched = Watched(context.new_page(), report)
    watched.probe("openAll()")

    assert watched.probe("document.documentElement.scrollWidth") <= PHONE["width"]
    assert watched.probe("tooWide()") == []
    assert watched.probe("contrasts()")["poor"] == []
    context.close()


def test_without_a_script_everything_is_there(browser: Browser, report: Path) -> None:
    """All rows and figures are shown in the stored order; controls that would do nothing are not."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())

    assert page.locator("#cases tbody tr").count() > 100
    assert page.locator("#cases tbody tr").first.is_visible()
    assert page.locator("figure > svg").first.is_visible()
    assert not page.locator(".filter").is_visible()
    assert not page.locator(".theme").is_visible()
    assert page.locator(".rows").count() == 0
    context.close()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSet, Path]:
    """A run set of a hundred thousand measurements and its page."""
    per_run = sum("measured_in" not in part.fields for part in Catalog().parts("metrics").values())
    suite = wide(200, range(1, 1 + math.ceil(100_000 / per_run / 200)))
    run_set = filled(tmp_path_factory.mktemp("many"), suite, steps=20)
    return run_set, write_report(run_set, Catalog()).html


def test_a_hundred_thousand_measurements_stay_usable(browser: Browser, many: tuple[RunSet, Path]) -> None:
    """The page is bounded, says what it leaves to the tables, and its filter still finds the one case of two hundred."""
    run_set, file = many
    assert len(run_set.table("measurements", ["run_id"])) >= 100_000
    assert file.stat().st_size < 2 * MOST_BYTES
    context = browser.new_context()
    watched = Watched(context.new_page(), file)

    watched.page.get_by_label("Show cases").fill("case-007")

    shown = set(watched.page.locator("[data-case]:not([hidden])").evaluate_all("found => found.map(one => one.dataset.case)"))
    assert shown == {"case-007"}
    assert watched.said == []
    assert re.search(r"60 of 200 cases are drawn", watched.page.locator("#curves").inner_text())
    assert re.search(r"The first [\d,]+ of [\d,]+ rows", watched.page.locator("#effects").text_content() or "")
    context.close()


def test_the_script_is_the_pages_own(report: Path) -> None:
    """What is tested here is what is shipped."""
    assert (files("harness.render") / "report.js").read_text(encoding="utf-8") in report.read_text(encoding="utf-8")
