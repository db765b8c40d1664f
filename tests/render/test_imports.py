"""What rendering costs to load."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import harness.render
from harness.catalog import Catalog
for part in Catalog().parts("report").values():
    part.load()
print([name for name in ("torch", "matplotlib", "scipy", "sklearn") if name in sys.modules])
"""


def test_loading_every_section_imports_nothing_heavy() -> None:
    """Plots, tests and tensors are loaded when they are needed, not when a section is found."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize("word", ["innerHTML", "eval(", "fetch(", "XMLHttpRequest", "import(", "document.write"])
def test_script_neither_writes_markup_nor_fetches(word: str) -> None:
    """The page's script moves and hides what is there, and does nothing else."""
    from importlib.resources import files

    assert word not in (files("harness.render") / "report.js").read_text(encoding="utf-8")
