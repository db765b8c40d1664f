"""The Python face, where suites and parts are not the project's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import harness
from harness.cli import main

GATES = "[gates]\naccuracy = { margin = 0.05 }"


def test_a_suite_elsewhere_is_compared_with_parts_given_by_argument(
    project_folder: Path, write_project: Callable[..., None]
) -> None:
    """What `run` accepts, `compare` judges: a suite file outside suites/, parts outside the declared catalogues."""
    write_project({"good": ""}, head=GATES)
    (project_folder / "pyproject.toml").unlink()
    elsewhere = (project_folder / "suites" / "mine.toml").rename(project_folder / "mine.toml")
    parts = [project_folder / "bench"]

    run_set = harness.run(elsewhere, seeds=[1], catalogues=parts)
    judged_as_run = harness.compare(run_set.path, catalogues=parts)
    elsewhere.rename(project_folder / "suites" / "mine.toml")
    judged_as_declared = harness.compare("mine", catalogues=parts)

    assert judged_as_run.set_index("metric").loc["accuracy", "verdict"] == "new"
    assert judged_as_declared.set_index("metric").loc["accuracy", "verdict"] == "new"
    assert main(["gate", "mine", "--catalogue", "bench"]) != 2
