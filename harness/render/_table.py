"""Tables as HTML: few bytes a cell, because a report has thousands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from harness.report import Cell, Column, Row, Table

TALL = 24
"""Rows from which a table scrolls within itself."""
MOST_ROWS = 2000
"""Rows of one table on the page; more would make it slow to read and to search, and are in the stored tables."""
LONG = 40
"""Characters from which a text needs a wide column."""
PLACED = 30
"""Columns whose alignment the style sheet knows by their place; further ones say it in each cell."""


def table_html(block: Table, label: str) -> str:
    """Return a table in a box that scrolls, or the sentence that stands for an empty one."""
    caption = [f'<p class="caption">{escape(block.caption, quote=False)}</p>'] if block.caption else []
    if not block.rows:
        return "\n".join([*caption, f'<p class="tone-muted">{escape(block.empty, quote=False)}</p>'])
    name = escape(block.caption or label, quote=True)
    tall = " tall" if len(block.rows) > TALL else ""
    return "\n".join(
        [
            *caption,
            f'<div class="scroll{tall}" role="region" tabindex="0" aria-label="{name}">',
            f'<table aria-label="{name}"{_classes(block)}>',
            f"<thead><tr>{''.join(_head(column) for column in block.columns)}</tr></thead>",
            "<tbody>",
            *(_row(row, block.columns) for row in block.rows[:MOST_ROWS]),
            "</tbody>",
            "</table>",
            "</div>",
            *_beyond(block),
        ]
    )


def _beyond(block: Table) -> Iterator[str]:
    if len(block.rows) > MOST_ROWS:
        words = f"The first {MOST_ROWS:,} of {len(block.rows):,} rows; the rest is in the tables beside this report (Parquet)."
        yield f'<p class="tone-muted">{words}</p>'


def _classes(block: Table) -> str:
    """Return which columns hold numbers (n2), code (k3), drawings (p4) and long texts (t5), counted from 1, as classes."""
    letters = {"number": "n", "code": "k", "plot": "p"}
    named = [
        f"{letters[column.kind]}{place}"
        for place, column in enumerate(block.columns[:PLACED], start=1)
        if column.kind in letters
    ]
    named += [
        f"t{place}"
        for place, column in enumerate(block.columns[1:PLACED], start=2)
        if column.kind == "text" and any(len(row.cells[place - 1].text) > LONG for row in block.rows)
    ]
    return f' class="{" ".join(named)}"' if named else ""


def _head(column: Column) -> str:
    hint = f' title="{escape(column.hint, quote=True)}"' if column.hint else ""
    choose = " data-choose" if column.choose else ""
    return f'<th scope="col"{hint}{choose}>{escape(column.title, quote=False)}{column.axis}</th>'


def _row(row: Row, columns: tuple[Column, ...]) -> str:
    case = f' data-case="{escape(row.case, quote=True)}"' if row.case else ""
    cells = "".join(_cell(cell, columns[place], place) for place, cell in enumerate(row.cells))
    return f"<tr{case}>{cells}</tr>"


def _cell(cell: Cell, column: Column, place: int) -> str:
    key = sort_key(cell)
    classes = [*([cell.tone] if cell.tone != "plain" else []), *([column.kind] if place >= PLACED else [])]
    attributes = f' class="{" ".join(classes)}"' if classes else ""
    attributes += "" if key is None else f' data-s="{escape(key, quote=True)}"'
    text = cell.plot or escape(cell.text, quote=False)
    if cell.note:
        text = f'<span title="{escape(cell.note, quote=True)}">{text}</span>'
    if cell.badge:
        text += f' <em class="badge">{escape(cell.badge, quote=False)}</em>'
    if cell.sub:
        text += f" <small>{escape(cell.sub, quote=False)}</small>"
    return f'<th scope="row"{attributes}>{text}</th>' if place == 0 else f"<td{attributes}>{text}</td>"


def sort_key(cell: Cell) -> str | None:
    """Return what a cell is sorted by, where its text does not tell: None for such a text, '' for a null, which sorts last.

    Example:
        >>> sort_key(Cell("2.00 s", sort=2.0)), sort_key(Cell("1,234", sort=1234)), sort_key(Cell("a"))
        ('2', None, None)
    """
    if cell.sort is None:
        return cell.text if cell.sub or cell.badge or cell.plot else None
    if isinstance(cell.sort, str):
        return None if cell.sort == cell.text and not (cell.sub or cell.badge) else cell.sort
    if math.isnan(cell.sort) or cell.sort == -math.inf:
        return ""
    if cell.sort == math.inf:
        return "Infinity"
    key = f"{cell.sort:.6g}"
    return None if not (cell.sub or cell.badge) and _tells(cell.text, cell.sort) else key


def _tells(text: str, value: float) -> bool:
    """Return whether a text is a plain number, which sorts by itself."""
    try:
        return math.isclose(float(text.replace(",", "")), value, rel_tol=1e-3)
    except ValueError:
        return False
