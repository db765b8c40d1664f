"""The Markdown report at a length that GitHub takes: as a comment on a pull request, and as a job's step summary.

What is cut says so, and what stands first stays: the counts, the sentence, and the gravest of what did not pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.render._document import Document
from harness.render._markdown import to_markdown
from harness.report import Block, Details, Figure, Table

LONGEST = 60_000
"""Bytes; GitHub refuses a comment of more than 65,536 characters, and a workflow adds a few of its own."""
ROWS = (200, 100, 50, 20, 10, 5)
"""Rows of each table, tried one after the other."""
CUT = "\n\n*The rest is left out here: report.html has it.*\n"


def to_summary(document: Document, longest: int = LONGEST) -> str:
    """Return the report in Markdown, of at most so many bytes as UTF-8; one that fits already is not touched."""
    for shorter in _shorter(document):
        text = to_markdown(shorter)
        if _size(text) <= longest:
            return text
    room = text.encode()[: longest - _size(CUT)].decode(errors="ignore")
    return room[: room.rfind("\n")].rstrip() + CUT


def _size(text: str) -> int:
    return len(text.encode())


def _shorter(document: Document) -> Iterator[Document]:
    """Yield the document, and then ever shorter ones: fewer rows in each table, then without what is folded away."""
    yield document
    for rows in ROWS:
        yield _with_rows(document, rows)
    shown = tuple(chapter for chapter in document.chapters if chapter.markdown == "shown")
    yield _with_rows(replace(document, chapters=shown), ROWS[-1])


def _with_rows(document: Document, rows: int) -> Document:
    return replace(
        document,
        chapters=tuple(
            replace(chapter, blocks=tuple(_cut(block, rows) for block in chapter.blocks)) for chapter in document.chapters
        ),
    )


def _cut(block: Block, rows: int) -> Block:
    """Return a block whose tables have at most so many rows."""
    if isinstance(block, Details):
        return replace(block, blocks=tuple(_cut(inner, rows) for inner in block.blocks))
    if isinstance(block, Figure):
        return replace(block, table=_first(block.table, rows))
    return _first(block, rows) if isinstance(block, Table) else block


def _first(table: Table, rows: int) -> Table:
    if len(table.rows) <= rows:
        return table
    shown = f"the first {rows} of {len(table.rows):,} rows; report.html has all"
    return replace(table, rows=table.rows[:rows], caption=f"{table.caption} ({shown})" if table.caption else shown.capitalize())
