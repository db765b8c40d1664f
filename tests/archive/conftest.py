"""A project with one stored training, and its archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.api import run_suite
from harness.archive import export
from harness.project import find_project
from harness.results import RunSet
from harness.runner.find import find_run
from harness.suite import Overrides
from tests.conftest import DATA, DEFAULTS, MODEL


def write_points(folder: Path) -> None:
    """Write a project with a model and a data set of its own, and a suite of one case."""
    for kind, name, text in (
        ("data", "clouds", DATA),
        ("models", "good", MODEL.format(summary="", fault="pass")),
    ):
        (folder / "bench" / kind).mkdir(parents=True)
        (folder / "bench" / kind / f"{name}.py").write_text(text)
    (folder / "suites").mkdir()
    (folder / "pyproject.toml").write_text('[tool.harness]\ncatalogues = ["bench"]\n')
    (folder / "suites" / "mine.toml").write_text(f'version = 3\nwhy = "test"\n{DEFAULTS}\n[[case]]\nmodel = "good"\n')


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose suite has been run, with one seed."""
    folder = tmp_path_factory.mktemp("project")
    write_points(folder)
    run_suite(find_project(folder), "mine", Overrides(seeds=(2,)))
    return folder


@pytest.fixture(scope="session")
def run_set(home: Path) -> RunSet:
    """Its run set."""
    return find_run(find_project(home), "mine", "good").run_set


@pytest.fixture(scope="session")
def archive(home: Path) -> Path:
    """The training's archive."""
    project = find_project(home)
    return export(project, find_run(project, "mine", "good"), home / "good.zip")
