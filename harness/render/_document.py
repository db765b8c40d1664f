"""Sections in their order, built: what HTML and Markdown are both made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from harness.catalog import Part
from harness.errors import CatalogError
from harness.report import Banner, Block, Details, Facts, Figure, Heading, Paragraph, ReportData, Section, Table
from harness.report._base import Placement
from harness.units import show

BLOCKS = (Paragraph, Heading, Banner, Facts, Table, Figure, Details)


@dataclass(frozen=True)
class Chapter:
    """One section, built."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    markdown: Placement


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    why: str
    facts: tuple[tuple[str, str], ...]
    cases: tuple[str, ...]
    chapters: tuple[Chapter, ...]


def compose(data: ReportData) -> Document:
    """Build every section of the catalogue, in order.

    Raises:
        CatalogError: a section's file cannot be imported, or holds or returns something else; names the file.
    """
    sections = {name: (_section(part), part) for name, part in data.catalog.parts("report").items()}
    ordered = sorted(sections.items(), key=lambda item: (item[1][0].order, item[0]))
    chapters = [
        Chapter(name, section.title, tuple(_blocks(section, part, data)), section.markdown) for name, (section, part) in ordered
    ]
    suite = data.manifest.suite
    return Document(
        title=suite.name,
        why=suite.why,
        facts=_facts(data),
        cases=tuple(case.name for case in data.cases),
        chapters=tuple(chapter for chapter in chapters if chapter.blocks),
    )


def _facts(data: ReportData) -> tuple[tuple[str, str], ...]:
    suite, left_out = data.manifest.suite, data.manifest.left_out
    ok, stored = sum(run["status"] == "ok" for run in data.records), len(data.records)
    facts = [
        ("Run set", data.name),
        ("Started", data.manifest.created_utc),
        ("Suite version", str(suite.version)),
        ("Runs", f"{ok:,} of {stored:,} ok, {show(sum(run['seconds'] or 0.0 for run in data.records), 's')} in all"),
        *_commit(data),
        *_machine(data),
    ]
    return (*facts, *([("Cases left out", ", ".join(left_out))] if left_out else []))


def _commit(data: ReportData) -> list[tuple[str, str]]:
    """The commit, where all runs are of one."""
    commits = {(str(run["commit"] or ""), bool(run["dirty"])) for run in data.records}
    if len(commits) != 1 or not next(iter(commits))[0]:
        return []
    commit, dirty = next(iter(commits))
    return [("Commit", f"{commit[:12]}{' with uncommitted changes' if dirty else ''}")]


def _machine(data: ReportData) -> list[tuple[str, str]]:
    """Processor and GPU, where all runs saw the same."""
    seen = {key: set(rows["value"]) for key, rows in data.environments.groupby("key") if key in ("machine.cpu", "machine.gpu")}
    named = [next(iter(values)) for _, values in sorted(seen.items()) if len(values) == 1]
    named = [name for name in named if name not in ("", "none")]
    return [("Machine", ", ".join(named))] if named else []


def _section(part: Part) -> Section:
    found = part.load()
    if not isinstance(found, Section) or found.markdown not in get_args(Placement):
        raise CatalogError(f"{part.path}: SECTION must be a harness.report.Section, found {found!r}")
    return found


def _blocks(section: Section, part: Part, data: ReportData) -> Sequence[Block]:
    blocks = section.build(data)
    found: Sequence[object] = blocks
    for block in found:
        if not isinstance(block, BLOCKS):
            allowed = ", ".join(kind.__name__ for kind in BLOCKS)
            raise CatalogError(f"{part.path}: build returned a {type(block).__name__}; allowed are the blocks {allowed}")
    return blocks
