"""The short report for a pull request: how it ended, what did not pass, the cases; the rest folded away or left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import singledispatch

from harness.render._document import Chapter, Document
from harness.report import Banner, Block, Cell, Details, Facts, Figure, Heading, Paragraph, Table


def to_markdown(document: Document) -> str:
    """Return the report in GitHub's Markdown; equal documents give equal text."""
    facts = " · ".join(f"{escape(key)}: {escape(value)}" for key, value in document.facts)
    chapters = [text for chapter in document.chapters for text in _chapter(chapter)]
    pieces = [f"## {escape(document.title)}", escape(document.why), *chapters, facts]
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is: no markup, no HTML, no table separator, on one line."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*\[\]|~#])", r"\\\1", text)
    text = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)  # inside a word GitHub reads no emphasis
    return " ".join(text.split())


def code(text: str) -> str:
    """Return text with what stands between backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return "".join(_code(piece) if place % 2 else _around(piece) for place, piece in enumerate(pieces))


def _code(text: str) -> str:
    """Return text as code; a separator of cells must be escaped even there."""
    return f"`{' '.join(text.split())}`".replace("|", "\\|")


def _around(piece: str) -> str:
    """Escape what stands beside code, keeping the spaces at its ends."""
    inner = escape(piece)
    return f"{' ' if piece[:1].isspace() else ''}{inner}{' ' if inner and piece[-1:].isspace() else ''}"


def _chapter(chapter: Chapter) -> Iterable[str]:
    if chapter.markdown == "shown":
        yield from _blocks(chapter.blocks)
    elif chapter.markdown == "folded":
        yield _fold(chapter.title, chapter.blocks)


def _blocks(blocks: Iterable[Block]) -> list[str]:
    return [text for block in blocks if (text := _block(block))]


def _fold(summary: str, blocks: Sequence[Block]) -> str:
    head = escape(summary).replace("\\", "")
    return "\n\n".join([f"<details><summary>{head}</summary>", *_blocks(blocks), "</details>"])


@singledispatch
def _block(block: Block) -> str:
    raise TypeError(f"no Markdown for {type(block).__name__}")


@_block.register
def _(block: Paragraph) -> str:
    return code(block.text)


@_block.register
def _(block: Heading) -> str:
    return f"#### {escape(block.text)}"


@_block.register
def _(block: Banner) -> str:
    counts = " · ".join(f"{count.number} {escape(count.what)}" for count in block.counts)
    sentence = f"**{escape(block.title)}.** {code(block.text)}"
    return f"**{counts}**\n\n{sentence}" if counts else sentence


@_block.register
def _(block: Facts) -> str:
    lines = [f"- {escape(key)}: {code(value)}" for key, value in block.items]
    return "\n".join([*([f"**{escape(block.title)}**", ""] if block.title else []), *lines])


@_block.register
def _(block: Details) -> str:
    return "" if block.html_only else _fold(block.summary, block.blocks)


@_block.register
def _(block: Figure) -> str:
    if block.html_only:
        return ""
    words = " ".join(text for text in (f"**{escape(block.title)}.**", escape(block.caption)) if text)
    return f"{words}\n\n{_block(block.table)}"


@_block.register
def _(block: Table) -> str:
    caption = [f"**{escape(block.caption)}**", ""] if block.caption else []
    if not block.rows:
        return "\n".join([*caption, escape(block.empty)])
    columns = {place: column for place, column in enumerate(block.columns) if column.kind != "plot"}
    head = _row(escape(column.title) for column in columns.values())
    rule = "|" + "|".join("--:" if column.kind == "number" else ":--" for column in columns.values()) + "|"
    rows = [_row(_cell(row.cells[place], column.kind == "code") for place, column in columns.items()) for row in block.rows]
    return "\n".join([*caption, head, rule, *rows])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, as_code: bool) -> str:
    text = _code(cell.text) if as_code else escape(cell.text)
    text = f"**{text}**" if cell.tone == "bad" else text
    badge = f" *({escape(cell.badge)})*" if cell.badge else ""
    sub = f"<br><sub>{escape(cell.sub)}</sub>" if cell.sub else ""
    return f"{text}{badge}{sub}"
