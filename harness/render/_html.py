"""One self-contained page: styles, script and plots inline, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.render._document import Document
from harness.report import Block, Cell

TALL = 24
"""Rows from which a table scrolls within itself."""


def to_html(document: Document) -> str:
    """Return the report as one HTML page; equal documents give equal text."""
    script = _read("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(document=document, style=Markup(_read("report.css")), script=Markup(script), script_digest=digest)
    )


def _read(name: str) -> str:
    return (files("harness.render") / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"code": code, "groups": groups, "sort_key": sort_key, "svg": Markup}
    environment.globals["TALL"] = TALL
    return environment


def code(text: str) -> Markup:
    """Set what stands between backticks as code; everything is escaped."""
    pieces = [escape(piece) for piece in text.split("`")]
    if len(pieces) % 2 == 0:  # an odd backtick stands for itself
        pieces[-2:] = [Markup("`").join(pieces[-2:])]
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else piece for place, piece in enumerate(pieces)
    )


def kind(block: Block) -> str:
    """Return a block's kind, the name of its macro."""
    return type(block).__name__.lower()


def groups(blocks: Iterable[Block]) -> Iterator[tuple[str, list[Block]]]:
    """Put neighbouring figures, and neighbouring facts, side by side; every other block stands alone."""
    for name, members in groupby(blocks, key=kind):
        if name in ("figure", "facts"):
            yield name, list(members)
        else:
            yield from ((name, [member]) for member in members)


def sort_key(cell: Cell) -> str:
    """Return what a cell is sorted by, as an attribute's value; a null sorts last either way."""
    if isinstance(cell.sort, float) and math.isinf(cell.sort):
        return "" if cell.sort < 0 else "Infinity"
    return cell.text if cell.sort is None else str(cell.sort)
