"""What the tools that write README's tables share: where things are, rows, and the place between two markers."""

from __future__ import annotations

import re
from pathlib import Path

from harness.catalog import Catalog

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CATALOG = Catalog()


def row(*cells: str) -> str:
    """Return one row of a table."""
    return f"| {' | '.join(cells)} |"


def filled(place: str, content: str) -> str:
    """Return README with the content between the markers of a place, `<!-- place -->` and `<!-- /place -->`, replaced."""
    opening, closing = f"<!-- {place} -->", f"<!-- /{place} -->"
    written = f"{opening}\n{content}{closing}"
    return re.sub(rf"{opening}.*?{closing}", lambda _: written, README.read_text(), flags=re.DOTALL)
