"""Prints a table: drawn on a terminal, tab-separated on a pipe."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence

GAP = 2
"""Spaces between two columns on a terminal."""
LEAST_WORDS = 30
"""Width that a column of words keeps however narrow the terminal is."""


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    right: Collection[str] = (),
    total: Sequence[object] = (),
    words: Collection[str] = (),
) -> None:
    """Print rows under their column names; on a pipe one line a row, cells parted by tabs.

    Args:
        columns: the names.
        rows: one cell a column; printed as text.
        right: names of the columns to align to the right on a terminal.
        total: a last row, set apart on a terminal.
        words: names of columns whose cells may break into lines on a terminal, as the last one's always may.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    last = [str(cell) for cell in total]
    if sys.stdout.isatty():
        _draw(columns, texts, right, last, {*words, columns[-1]})
        return
    for row in (columns, *texts, *([last] if last else [])):
        print("\t".join(" ".join(cell.split()) for cell in row))


def _draw(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[str],
    total: Sequence[str],
    words: Collection[str],
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_footer=bool(total))
    for index, name in enumerate(columns):
        footer = total[index] if total else ""
        whole = name not in words  # names and numbers do not break
        table.add_column(name, footer, justify="right" if name in right else "left", no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # a case named lenet[lr=0.1] holds no markup
    console = Console()
    # A terminal too narrow for the names breaks the lines itself, rather than that letters are lost.
    console.width = max(console.width, _least_width([columns, *rows, *([total] if total else [])], words))
    console.print(table)


def _least_width(rows: Sequence[Sequence[str]], words: Collection[str]) -> int:
    """Return the width that the table needs; the first of the rows holds the columns' names."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    least = [min(width, LEAST_WORDS) if name in words else width for name, width in zip(rows[0], widths, strict=True)]
    return sum(least) + GAP * (len(least) - 1)
