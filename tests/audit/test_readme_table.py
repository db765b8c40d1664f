"""README's table of audits is that of the files in git."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from harness.audits import Check, write_audit
from tests.audit.support import APART, ROUNDED, make_audit, make_case, make_checks

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool that writes the table, imported from where its neighbours are."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "tools")
    return importlib.import_module("write_audit")


def test_readme_has_the_audits_in_git(tool: ModuleType) -> None:
    """Every figure of the table is counted from results/audits; README has a place for it once there is one."""
    readme = (ROOT / "README.md").read_text()

    assert tool.readme() == readme
    assert bool(tool.audits()) <= ("<!-- audit -->" in readme)


def test_the_table_counts_each_check_and_names_the_exceptions(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row a check with the number of cases of each outcome; below it every case that differs, and how."""
    monkeypatch.setattr(tool, "RESULTS", tmp_path)
    workers = Check(outcome="not applicable", why="no workers")
    cases = {
        "keras": make_case(make_checks(threads=ROUNDED, loader_workers=workers)),
        "digits": make_case(make_checks(process=APART, loader_workers=workers)),
    }
    write_audit(tmp_path, make_audit(**cases))

    (audit,) = tool.audits()
    text = tool.section(audit)

    assert "**demo**, 2 cases on Example CPU: 1 B (identical, but with other threads" in text
    assert "| in another process | 1 | – | 1 | – | – |" in text
    assert "| with another number of threads | 1 | 1 | – | – | – |" in text
    assert "| with other loader workers | – | – | – | – | 2 |" in text
    assert "- process: `digits` different at step 10 (conv1.weight)\n" in text
    assert "- threads: within tolerance, the first losses by at most 2e-07 relative\n" in text
