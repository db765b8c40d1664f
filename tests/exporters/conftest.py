"""A run set as most are, for every exporter: two cases, quality and speed, a failed run, a text and a null."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.results import RunSet
from tests.report.support import Trained, make_case, make_suite, stored, values, verdict

ACCURACY = (0.990, 0.992, 0.991)


@pytest.fixture
def run_set(project_folder: Path) -> RunSet:
    """Suite demo: case keras with three runs that are ok, case `digits[lr=0.1]` with one that is ok and one that is not."""
    keras, digits = make_case(), make_case("digits[lr=0.1]", data="digits", seeds=(1, 2))
    runs = [
        *(Trained(keras, seed, values(accuracy)) for seed, accuracy in enumerate(ACCURACY, start=1)),
        Trained(digits, 1, values(0.95)),
        Trained(digits, 2, status="oom", reason='killed at "7 GiB"', losses=(), seconds=()),
    ]
    return stored(
        project_folder / "results", make_suite(keras, digits), runs, [verdict(), verdict(metric="test_loss", name="worse")]
    )


@pytest.fixture
def export(run_set: RunSet, project_folder: Path) -> Callable[..., Path]:
    """Return a function that exports the run set on the command line and returns the file or folder."""

    def exported(form: str, *options: str) -> Path:
        output = project_folder / "out" / form
        assert main(["convert", "demo", "--to", form, "-o", str(output), *options]) == 0
        return output

    return exported
