"""Pictures that trained models made: those of the first run of each case that has any."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

from harness.report._base import Block, Cell, Column, Figure, Paragraph, Row, Section, Table
from harness.report._cells import number_cell
from harness.report._data import ReportData
from harness.suite import Case

PNG = b"\x89PNG\r\n\x1a\n"
"""The first bytes of every PNG file; an IHDR chunk with width and height must follow (ISO/IEC 15948)."""

ROOM = 750_000
"""Bytes of picture files that a page holds; as text they are a third more."""


class Shown(NamedTuple):
    """One picture of one run."""

    case: Case
    run: dict[str, Any]
    title: str
    png: bytes


def _build(data: ReportData) -> Sequence[Block]:
    stored = [picture for case in data.cases for picture in _pictures(data, case)]
    if not stored:
        return []
    shown = list(_with_room(stored))
    figures = [_figure(data, picture, size) for picture in shown if (size := _size(picture.png))]
    unread = [f"{picture.case.name}: {picture.title}" for picture in shown if not _size(picture.png)]
    count = f"{len(figures)} picture{'s' if len(figures) != 1 else ''}"
    lead = f"{count} in report.html, made by the trained models; of each case the first seed's."
    blocks: list[Block] = [Paragraph(lead, "muted"), *figures]
    if unread:
        blocks.append(Paragraph(f"Stored, but no PNG file: {', '.join(unread)}.", "warn"))
    if len(shown) < len(stored):
        words = f"{len(stored) - len(shown)} more have no room here: see the table `images` beside this report."
        blocks.append(Paragraph(words, "muted"))
    return blocks


def _with_room(stored: Sequence[Shown]) -> Iterator[Shown]:
    """Yield pictures, in their order, while there is room for their files."""
    room = ROOM
    for picture in stored:
        if len(picture.png) <= room:
            room -= len(picture.png)
            yield picture


def _pictures(data: ReportData, case: Case) -> Iterator[Shown]:
    """Yield the pictures of the case's first run that has any, by title."""
    for run in data.runs_of(case.name):
        if found := data.images_of(run["run_id"]):
            yield from (Shown(case, run, *picture) for picture in found)
            return


def _size(png: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels; None for what is no PNG file."""
    if len(png) < 24 or not png.startswith(PNG) or png[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", png[16:24])
    return (width, height) if width and height else None


def _figure(data: ReportData, picture: Shown, size: tuple[int, int]) -> Figure:
    case, seed = picture.case.name, picture.run["seed"]
    alt = f"Picture made by the trained model of {case}, seed {seed}: {picture.title}.{_scored(data, picture)}"
    caption = f"Seed {seed}: {picture.title}."
    return Figure(case, _svg(picture.png, size, alt), alt, _table(data, picture), caption, case, html_only=True)


def _scored(data: ReportData, picture: Shown) -> str:
    """Return the run's primary score as a sentence, '' without one."""
    metric = data.primary(picture.case)
    value, _ = data.value(picture.run["run_id"], metric)
    return "" if value is None else f" {data.title(metric)}: {number_cell(value, data.unit(metric)).text}."


def _svg(png: bytes, size: tuple[int, int], alt: str) -> str:
    """Return a picture as an <svg> element that holds the file itself, enlarged without smoothing."""
    width, height = size
    text = escape(alt, quote=True)
    file = base64.b64encode(png).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{text}">'
        f"<title>{text}</title>"
        f'<image width="{width}" height="{height}" image-rendering="pixelated" href="data:image/png;base64,{file}"/></svg>'
    )


def _table(data: ReportData, picture: Shown) -> Table:
    """The run's quality metrics, which say in numbers what the picture shows."""
    rows = data.measurements[data.measurements["run_id"] == picture.run["run_id"]]
    names = sorted(rows["metric"][(rows["class"] == "quality") & rows["value"].notna()])
    found = [(name, data.value(picture.run["run_id"], name)[0]) for name in names]
    return Table(
        (Column("Metric"), Column("This run", "number")),
        tuple(
            Row((Cell(data.title(name)), number_cell(value, data.unit(name))), picture.case.name)
            for name, value in found
            if value is not None
        ),
        empty="No quality metric of this run has a value.",
    )


SECTION = Section("Samples", 45, _build)
