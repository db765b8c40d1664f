"""Prints a table: drawn on a terminal, tab-separated on a pipe."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence

GAP = 2
"""Spaces between two columns on a terminal."""
LEAST_WORDS = 30
"""Width that the last column keeps however narrow the terminal is."""


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[str] = (), total: Sequence[object] = ()
) -> None:
    """Print rows under their column names; on a pipe one line a row, cells parted by tabs.

    Args:
        columns: the names.
        rows: one cell a column; printed as text.
        right: names of the columns to align to the right on a terminal.
        total: a last row, set apart on a terminal.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    last = [str(cell) for cell in total]
    if sys.stdout.isatty():
        _draw(columns, texts, right, last)
        return
    for row in (columns, *texts, *([last] if last else [])):
        print("\t".join(" ".join(cell.split()) for cell in row))


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str], total: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_footer=bool(total))
    for index, name in enumerate(columns):
        footer = total[index] if total else ""
        last = index == len(columns) - 1  # holds the words, which may break; names and numbers stay whole
        table.add_column(name, footer, justify="right" if name in right else "left", no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # a case named lenet[lr=0.1] holds no markup
    console = Console()
    # A terminal too narrow for the names breaks the lines itself, rather than that letters are lost.
    console.width = max(console.width, _least_width([columns, *rows, *([total] if total else [])]))
    console.print(table)


def _least_width(rows: Sequence[Sequence[str]]) -> int:
    *whole, words = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return sum(width + GAP for width in whole) + min(words, LEAST_WORDS)
