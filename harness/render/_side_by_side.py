"""Lays several run sets out side by side: one page, and its Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.catalog import Catalog
from harness.render._document import Chapter, Document
from harness.render._write import Written, put
from harness.report import ReportData
from harness.report._base import Block, Placement
from harness.report._side_by_side import learning_curves, metric_tables, not_compared, overview
from harness.verdicts import Holder, Line

STEM = "side-by-side"


def compose_side_by_side(
    holders: Sequence[Holder],
    lines: Sequence[Line],
    datas: Sequence[ReportData | None],
    surroundings: Sequence[tuple[str, ...]],
    catalog: Catalog,
) -> Document:
    """Return the document; equal tables give equal documents.

    Args:
        holders: the run sets, the first being what the others are compared with.
        lines: their metrics beside one another.
        datas: the tables of each, None for baselines, which hold no evaluations.
        surroundings: what each set is, in words.
        catalog: whose metrics have titles.
    """
    titles = {name: str(part.fields.get("title", name)) for name, part in catalog.parts("metrics").items()}
    cases = tuple(dict.fromkeys(line.case for line in lines))
    chapters = (
        _chapter("sets", "Run sets", overview(holders, lines, surroundings), "shown"),
        _chapter("differences", "Metric by metric", _differences(lines, titles), "shown"),
        _chapter("curves", "Learning curves", learning_curves(datas, cases), "left out"),
    )
    return Document(
        title=" · ".join(dict.fromkeys(holder.suite for holder in holders)),
        why=f"{len(holders)} run sets side by side.",
        facts=tuple((letter, name) for letter, name, *_ in surroundings),
        cases=cases,
        chapters=tuple(chapter for chapter in chapters if chapter.blocks),
    )


def _differences(lines: Sequence[Line], titles: Mapping[str, str]) -> list[Block]:
    return [*metric_tables(lines, titles), *not_compared(lines, titles)]


def _chapter(name: str, title: str, blocks: Sequence[Block], placement: Placement) -> Chapter:
    return Chapter(name, title, tuple(blocks), placement)


def write_side_by_side(document: Document, folder: Path) -> Written:
    """Write side-by-side.html and side-by-side.md to a folder, which is made if it is not there.

    Raises:
        ResultsError: the folder cannot be written.
    """
    return put(document, folder, STEM)
