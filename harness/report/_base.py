"""What a report section is, and the blocks that it is made of.

A section says what to show; `harness.render` decides how it looks in HTML and in Markdown. Text between backticks
in paragraphs, banners and facts is set as code. All other text is shown as it is: nothing is ever read as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from harness.report._data import ReportData

Tone = Literal["plain", "good", "bad", "warn", "muted"]
"""What a reader should feel about a value; always shown together with words, never by colour alone."""

ColumnKind = Literal["text", "number", "code", "plot"]
Placement = Literal["shown", "folded", "left out"]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True)
class Count:
    """How many of one kind, such as '3 worse'."""

    number: int
    what: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Banner:
    """The one thing to read first: a few words, a sentence and how many of each there are."""

    title: str
    text: str
    tone: Tone = "plain"
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Keys and their values."""

    items: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Numbers are aligned to the right; code is set in a fixed-width face; a plot is drawn beside the numbers that it shows, so
    that Markdown leaves its column out.
    """

    title: str
    kind: ColumnKind = "text"
    hint: str = ""
    """What the column holds, shown on its heading."""
    choose: bool = False
    """Whether the reader may choose one of the column's texts, to see only the rows that have it."""
    axis: str = ""
    """Of a plot: an <svg> element with the axis that the column's drawings share."""


@dataclass(frozen=True)
class Cell:
    """One value of a table."""

    text: str
    sort: float | str | None = None
    """What the table is sorted by; None sorts by the text."""
    sub: str = ""
    """A second, smaller line, such as an interval."""
    note: str = ""
    """Why the value is what it is, such as a null's reason; shown on the value."""
    badge: str = ""
    """A label behind the text, such as 'synthetic'."""
    tone: Tone = "plain"
    plot: str = ""
    """An <svg> element that says in words what it shows, in place of the text."""


@dataclass(frozen=True)
class Row:
    """One row of a table; `case` lets the reader filter by case."""

    cells: tuple[Cell, ...]
    case: str = ""


@dataclass(frozen=True)
class Table:
    """A table whose columns can be sorted; `empty` is said instead when it has no rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    empty: str = "Nothing to show."


@dataclass(frozen=True)
class Figure:
    """A plot, what it shows in words, and its numbers."""

    title: str
    svg: str
    """A whole <svg> element, as `harness.report.plot` makes it."""
    alt: str
    """What a reader who cannot see the plot needs to know."""
    table: Table
    """The numbers drawn."""
    caption: str = ""
    case: str = ""
    html_only: bool = False
    """Whether Markdown leaves it out, because its numbers stand in another table."""


@dataclass(frozen=True)
class Details:
    """Blocks that open on demand; Markdown may leave them out."""

    summary: str
    blocks: tuple[Block, ...]
    html_only: bool = False


Block: TypeAlias = "Paragraph | Heading | Banner | Facts | Table | Figure | Details"


@dataclass(frozen=True)
class Section:
    """One section of the report: a file in `report/` defines `SECTION`."""

    title: str
    order: int
    """Place in the report, smallest first."""
    build: Callable[[ReportData], Sequence[Block]]
    """Makes the section's blocks; none leaves the section out."""
    markdown: Placement = "folded"
    """Whether report.md, which is meant for a pull request, shows the section, folds it away or leaves it out."""
