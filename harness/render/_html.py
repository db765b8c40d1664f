"""One self-contained page: styles, script and plots inline, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.render._document import Document
from harness.render._table import PLACED, table_html
from harness.report import Block, Table

SIDE_BY_SIDE = ("figure", "facts")
"""Kinds of block that stand side by side with their neighbours."""


def to_html(document: Document) -> str:
    """Return the report as one HTML page; equal documents give equal text."""
    script = _read("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    styles = {name: Markup(_read(f"{name}.css")) for name in ("report", "light", "dark", "charts")}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(document=document, styles=styles, columns=_columns(), script=Markup(script), script_digest=digest)
    )


def _columns() -> Markup:
    """Return the rules that align columns by their place, so that no cell need say it."""
    places = range(1, PLACED + 1)
    numbers = ",".join(f".n{place} tr>:nth-child({place})" for place in places)
    codes = ",".join(f".k{place} td:nth-child({place})" for place in places)
    texts = ",".join(f".t{place} td:nth-child({place})" for place in places)
    return Markup(
        f"{numbers}{{text-align:right}}\n"
        f"{numbers.replace(' tr>', ' td')}{{white-space:nowrap}}\n"
        f"{codes}{{font-family:var(--mono);white-space:nowrap}}\n"
        f"{texts}{{min-width:16rem}}"
    )


def _read(name: str) -> str:
    return (files("harness.render") / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"code": code, "groups": groups, "svg": Markup, "table": _table}
    return environment


def _table(block: Table, label: str) -> Markup:
    return Markup(table_html(block, label))


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
        if name in SIDE_BY_SIDE:
            yield name, list(members)
        else:
            yield from ((name, [member]) for member in members)
