"""Which code a run's key holds, and in what order runs are taken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import harness
from harness import catalog as catalogues
from harness.catalog import Catalog
from harness.runner import code, plan
from harness.suite import Case, PartRef, Suite


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's source files, in which code is looked for."""
    copy = tmp_path / "harness"
    shutil.copytree(Path(harness.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (catalogues, code):
        monkeypatch.setattr(module, "BUILT_IN", copy)
    return copy


def case(model: str, data: str, task: str = "classification") -> Case:
    """A case of three parts."""
    return Case(name="one", model=PartRef(name=model), data=PartRef(name=data), task=PartRef(name=task))


@pytest.mark.parametrize(
    "file",
    [
        "data/digit_rows.py",
        "data/digits.py",  # digit_rows is made of it
        "data/_images.py",
        "models/a001_rnn.py",
        "models/_last_step.py",
        "tasks/classification.py",
        "train/_loop.py",
        "vocabulary.py",
        "metrics/accuracy.py",
    ],
)
def test_an_edit_of_code_that_a_run_executes_changes_its_key(copied: Path, file: str) -> None:
    """The parts of the case, what they import, and whatever measures."""
    before = code.code_digest(case("a001_rnn", "digit_rows"), Catalog())
    with (copied / file).open("a") as edited:
        edited.write("# edited\n")

    assert before != code.code_digest(case("a001_rnn", "digit_rows"), Catalog())


@pytest.mark.parametrize("file", ["data/mnist.py", "models/a004_cnn.py", "tasks/translation.py", "report/cases.py", "gate.py"])
def test_an_edit_of_other_code_does_not(copied: Path, file: str) -> None:
    """Runs of a case stay valid when another case's parts, the judging or the report change."""
    before = code.code_digest(case("a001_rnn", "digit_rows"), Catalog())
    with (copied / file).open("a") as edited:
        edited.write("# edited\n")

    assert before == code.code_digest(case("a001_rnn", "digit_rows"), Catalog())


def test_first_seeds_are_run_first() -> None:
    """Every case's first seed comes before any second one; a repeat comes after all seeds."""
    cases = tuple(
        Case(name=name, model=PartRef(name="m"), data=PartRef(name="d"), seeds=(3, 1), repeats=repeats, passes=())
        for name, repeats in (("a", 1), ("b", 2))
    )
    runs = plan.planned_runs(Suite(name="s", version=1, why="test", cases=cases))

    assert [(run.case.name, run.seed, run.repeat) for run in runs] == [
        ("a", 3, 1),
        ("b", 3, 1),
        ("a", 1, 1),
        ("b", 1, 1),
        ("b", 3, 2),
        ("b", 1, 2),
    ]


def test_passes_follow_the_trainings() -> None:
    """Memory and counters of each case's first seed and calibrated throughput of every seed, a pass at a time."""
    cases = tuple(
        Case(name=name, model=PartRef(name="m"), data=PartRef(name="d"), seeds=(3, 1), passes=passes)
        for name, passes in (("a", ("calibrated", "memory")), ("b", ("memory", "counters")))
    )
    runs = plan.planned_runs(Suite(name="s", version=1, why="test", cases=cases))

    assert [(run.case.name, run.seed, run.measures) for run in runs] == [
        *(("a", 3, "train"), ("b", 3, "train"), ("a", 1, "train"), ("b", 1, "train")),
        *(("a", 3, "memory"), ("b", 3, "memory")),
        ("b", 3, "counters"),
        *(("a", 3, "calibrated"), ("a", 1, "calibrated")),
    ]
