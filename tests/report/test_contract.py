"""What every built-in section keeps, whatever the run set holds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.catalog import Catalog
from harness.report import Block, Details, ReportData, Section, Table
from harness.results import RunSet
from tests.report.support import (
    Trained,
    figures,
    make_case,
    make_experiment,
    make_suite,
    read,
    section,
    stored,
    usual,
    values,
    verdict,
)

SECTIONS = sorted(Catalog().parts("report"))
OPTIONAL = {
    "audit",
    "claims",
    "confusion",
    "effects",
    "experiments",
    "history",
    "lanes",
    "samples",
    "side_by_side",
    "tradeoffs",
}
"""Sections that are left out where a run set has nothing for them."""


def empty(results: Path) -> RunSet:
    """Return a run set without a run."""
    return stored(results, make_suite(), complete=False)


def no_cases(results: Path) -> RunSet:
    """Return a run set whose suite was narrowed to nothing."""
    return stored(results, make_suite().model_copy(update={"cases": ()}))


def incomplete(results: Path) -> RunSet:
    """Return a run set that was interrupted after its first run."""
    return stored(results, make_suite(), [Trained(make_case(), 1, values(0.9))], complete=False)


def all_failed(results: Path) -> RunSet:
    """Return a run set in which nothing was measured, nor anything known of the machine."""
    runs = [
        Trained(make_case(), seed, status="failed", reason="boom", losses=(), seconds=(), environment={}) for seed in (1, 2, 3)
    ]
    return stored(results, make_suite(), runs)


def not_numbers(results: Path) -> RunSet:
    """Return a run set whose losses and scores are no numbers."""
    bad = values(math.nan, test_loss=math.inf)
    run = Trained(make_case(seeds=[1]), 1, bad, losses=(2.0, math.nan, math.inf, math.nan), progress=(math.nan, math.nan))
    return stored(results, make_suite(make_case(seeds=[1])), [run], [verdict(base=math.nan, head=math.nan)])


def unseen_times(results: Path) -> RunSet:
    """Return a run set with steps whose times are all equal, zero or unknown."""
    case = make_case(seeds=[1])
    run = Trained(case, 1, values(0.9, host_peak_memory=0.0), seconds=(0.0, 0.0, 0.0, math.nan), samples=((0.0, 0.0, 0.0),))
    return stored(results, make_suite(case), [run])


def judged(results: Path) -> RunSet:
    """Return a run set with verdicts of every kind, with and without numbers."""
    numbers = {"base": 1.0, "head": 1.1, "estimate": 0.1, "low": 0.05, "high": 0.15, "margin": 0.02}
    rows = [
        verdict(name="worse", **numbers),
        verdict(metric="macro_f1", name="better", level="warn", **numbers | {"low": None, "high": None}),
        verdict(metric="test_loss", name="inconclusive", direction="lower", **numbers),
        verdict(metric="runs", name="missing", method="presence", note="no run of seed 2", **{"class": "exact"}),
        verdict(metric="step_time_median", name="same", level="info", **numbers | {"margin": 0.0}, **{"class": "machine"}),
    ]
    return stored(results, make_suite(), [Trained(make_case(), seed, values(0.9)) for seed in (1, 2, 3)], rows)


def experiments(results: Path) -> RunSet:
    """Return a run set of experiments alone, of which one was not run."""
    cases = [make_experiment("c31"), make_experiment("c32")]
    runs = [
        Trained(cases[0], seed, {"slope_tanh": -0.1 * seed}, losses=(), seconds=(), columns={"pass": "experiment"})
        for seed in (1, 2)
    ]
    return stored(results, make_suite(*cases), runs)


def second_of_two(results: Path) -> RunSet:
    """Return a run set whose suite has been run before."""
    usual(results)
    return usual(results)


def strange_names(results: Path) -> RunSet:
    """Return a run set whose cases are named with every character that a suite allows."""
    case = make_case("a.b=c,+d[e]-F_0", seeds=[1], why="<b>why</b>")
    return stored(results, make_suite(case), [Trained(case, 1, values(0.9))])


MAKERS: list[Callable[[Path], RunSet]] = [
    usual,
    empty,
    no_cases,
    incomplete,
    all_failed,
    not_numbers,
    unseen_times,
    strange_names,
    judged,
    experiments,
    second_of_two,
]


@pytest.fixture(scope="module", params=MAKERS, ids=lambda maker: maker.__name__)
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """One of these run sets, read once for all tests of it."""
    maker: Callable[[Path], RunSet] = request.param
    return read(maker(tmp_path_factory.mktemp("results")))


def walk(blocks: Iterable[Block]) -> Iterable[Block]:
    """Yield every block, those inside details included."""
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from walk(block.blocks)


@pytest.mark.parametrize("name", SECTIONS)
def test_section_has_something_to_say_about_any_run_set(name: str, data: ReportData) -> None:
    """No run set is too poor: each section builds, and says in words what it cannot show, or is left out where it may be."""
    blocks = section(name).build(data)

    assert blocks or name in OPTIONAL


@pytest.mark.parametrize("name", SECTIONS)
def test_tables_are_rectangular(name: str, data: ReportData) -> None:
    """Every row has a cell for every column, and every null a reason."""
    found = list(walk(section(name).build(data)))
    tables = [block for block in found if isinstance(block, Table)] + [figure.table for figure in figures(found)]

    for table in tables:
        assert [len(row.cells) for row in table.rows] == [len(table.columns)] * len(table.rows)
        assert [cell.note for row in table.rows for cell in row.cells if cell.text == "n/a" and not cell.note] == []


@pytest.mark.parametrize("name", SECTIONS)
def test_figures_have_words_and_numbers(name: str, data: ReportData) -> None:
    """Every plot has a title, a text alternative that is a sentence, and the numbers that it shows."""
    for figure in figures(section(name).build(data)):
        assert figure.title
        assert figure.alt.endswith(".")
        assert ElementTree.fromstring(figure.svg).attrib["aria-label"] == figure.alt
        assert figure.table.rows or figure.table.empty


@pytest.mark.parametrize("name", SECTIONS)
def test_drawings_in_tables_have_words_and_a_place_on_an_axis(name: str, data: ReportData) -> None:
    """Each is an image that says in a sentence what it shows, holds no coordinate that is no number, and sorts by a value."""
    for table in (block for block in walk(section(name).build(data)) if isinstance(block, Table)):
        for cell in (cell for row in table.rows for cell in row.cells if cell.plot):
            root = ElementTree.fromstring(cell.plot)
            assert (root.attrib["role"], root.attrib["aria-label"][-1]) == ("img", ".")
            assert not re.search(r"nan|inf", cell.plot.replace(root.attrib["aria-label"], ""))
            assert cell.sort is not None


def test_drawings_of_a_report_differ(data: ReportData) -> None:
    """No two are equal: what is drawn twice is told once too often."""
    plots = [figure.svg for name in SECTIONS for figure in figures(section(name).build(data))]

    assert len(set(plots)) == len(plots)


def test_sections_have_places_of_their_own() -> None:
    """Titles and places in the report are unique, and the verdict comes first."""
    sections: list[Section] = [section(name) for name in SECTIONS]

    assert len({found.title for found in sections}) == len({found.order for found in sections}) == len(sections)
    assert min(sections, key=lambda found: found.order).title == "Verdict"
