"""What is measured against what: a state of the project, and the cases as it is to run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.project import Project
from harness.suite import Case


@dataclass(frozen=True)
class Arm:
    """One side of a paired comparison."""

    title: str
    """What people call it: a commit, a suite."""
    root: Path
    """The folder of the project in this state."""
    project: Project
    python: Path
    """Interpreter of its environment."""
    path: tuple[Path, ...]
    """Folders that its modules come from before any installed ones."""
    cases: Mapping[str, Case]
    commit: str
    dirty: bool
