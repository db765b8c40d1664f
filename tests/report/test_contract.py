"""What every built-in section keeps, whatever the run set holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.report import Block, Details, Section, Table
from harness.results import RunSet
from tests.report.support import Trained, figures, make_case, make_suite, read, section, stored, usual, values, verdict

SECTIONS = sorted(Catalog().parts("report"))
OPTIONAL = {"audit", "lanes", "samples"}
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
]


def walk(blocks: Iterable[Block]) -> Iterable[Block]:
    """Yield every block, those inside details included."""
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from walk(block.blocks)


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_section_has_something_to_say_about_any_run_set(name: str, maker: Callable[[Path], RunSet], tmp_path: Path) -> None:
    """No run set is too poor: each section builds, and says in words what it cannot show, or is left out where it may be."""
    blocks = section(name).build(read(maker(tmp_path)))

    assert bool(blocks) == (name not in OPTIONAL)


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_tables_are_rectangular(name: str, maker: Callable[[Path], RunSet], tmp_path: Path) -> None:
    """Every row has a cell for every column, and every null a reason."""
    found = list(walk(section(name).build(read(maker(tmp_path)))))
    tables = [block for block in found if isinstance(block, Table)] + [figure.table for figure in figures(found)]

    for table in tables:
        assert [len(row.cells) for row in table.rows] == [len(table.columns)] * len(table.rows)
        assert [cell.note for row in table.rows for cell in row.cells if cell.text == "n/a" and not cell.note] == []


@pytest.mark.parametrize("name", SECTIONS)
def test_figures_have_words_and_numbers(name: str, tmp_path: Path) -> None:
    """Every plot has a title, a text alternative and the numbers that it shows."""
    for figure in figures(section(name).build(read(usual(tmp_path)))):
        assert figure.title
        assert figure.alt.endswith(".")
        assert figure.table.rows


def test_figures_of_a_report_have_keys_of_their_own(tmp_path: Path) -> None:
    """No two plots are equal, which equal keys and so equal ids would need."""
    data = read(usual(tmp_path))
    plots = [figure.svg for name in SECTIONS for figure in figures(section(name).build(data))]

    assert len(set(plots)) == len(plots) > 5


def test_sections_have_places_of_their_own() -> None:
    """Titles and places in the report are unique, and the verdict comes first."""
    sections: list[Section] = [section(name) for name in SECTIONS]

    assert len({found.title for found in sections}) == len({found.order for found in sections}) == len(sections)
    assert min(sections, key=lambda found: found.order).title == "Verdict"
