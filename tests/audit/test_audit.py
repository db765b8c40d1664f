"""Audits of real trainings: each planted fault gets its grade, and its check says where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from harness.audits import CHECKS, Audit, audit_file, read_audit
from harness.errors import ResultsError, UsageError
from harness.project import Project
from tests.audit.conftest import FAULTS, audit_mine, write_models

FOUND = {
    "follows": ("F", {"order"}),
    "process": ("F", {"process", "same process", "order", "resume", "deterministic lane"}),
    "declared": ("F", {"process", "same process", "order", "resume", "deterministic lane"}),
    "second": ("F", {"same process"}),
    "counter": ("F", {"resume"}),
    "rounding": ("B", set()),
    "threaded": ("C", set()),
    "kernels": ("C", set()),
    "unfixed": ("F", {"deterministic lane"}),
    "lacking": ("F", {"deterministic lane"}),
    "broken": ("F", {"process"}),
    "sound": ("AB", set()),  # B where the kernels of an older CPU round otherwise
}
"""Model -> its grade, and the checks of no rounding that it fails."""


def test_planted_faults_get_their_grades_and_each_check_says_what_it_found(project_folder: Path) -> None:
    """What a fault depends on is what tells it: the process, the order, a state that no checkpoint holds, threads, kernels.

    One test, because one audit of all faults takes a minute.
    """
    faulty = audit_mine(write_models(project_folder, FAULTS))

    for model, (grades, failing) in FOUND.items():
        assert faulty.cases[model].grade in grades, model
        assert failing == faulty.cases[model].exceptions.keys() - {"threads", "instructions"}, model
    assert faulty == read_audit(project_folder / "results", "mine")
    check_rounding(faulty)
    check_words(faulty)
    check_what_repeats(faulty)
    check_declared(faulty)


def check_rounding(faulty: Audit) -> None:
    """Another number of threads shifts one model by a millionth and another by as much as its inputs."""
    small, large = (faulty.cases[name].checks["threads"] for name in ("rounding", "threaded"))

    assert ("within tolerance", "different") == (small.outcome, large.outcome)
    assert 0 < (small.change or 0) < 1e-3 < (large.change or 0)
    assert "2 in place of 1" == small.how == large.how
    assert "different" == faulty.cases["kernels"].checks["instructions"].outcome
    assert "in place of" in faulty.cases["kernels"].checks["instructions"].how


def check_words(faulty: Audit) -> None:
    """The first step and what differs there; a model that the deterministic lane lacks, or that never trains, says why."""
    resumed = faulty.cases["counter"].checks["resume"]

    assert "killed after step 7 of 16" == resumed.how  # step 8, the middle, ends the first epoch
    assert ("different", 8) == (resumed.outcome, resumed.step)
    assert "loss at step 8" in resumed.why
    assert "no such kernel" in faulty.cases["lacking"].checks["deterministic lane"].why
    assert "failed: ValueError: boom" == faulty.cases["broken"].checks["process"].why
    assert ["process"] == list(faulty.cases["broken"].checks)


def check_what_repeats(faulty: Audit) -> None:
    """Losses, tensors, samples and metrics were there to compare; both lanes' cost is told; workers do not apply."""
    sound = faulty.cases["sound"]

    assert {"losses": 16, "learning rates": 16, "tensors": 8, "samples": 96} == {
        kind: count for kind, count in sound.compared.items() if kind not in ("metrics", "evaluations")
    }
    assert sound.compared["metrics"] > 10
    assert {"speed", "deterministic"} == set(sound.cpu_time_per_step)
    assert list(CHECKS) == list(sound.checks)
    assert "no loader has workers" in sound.checks["loader workers"].why


def check_declared(faulty: Audit) -> None:
    """Of two models with one fault, the one that declares it is excused."""
    assert "adds its process id" == faulty.cases["declared"].nondeterminism
    assert {"follows", "process", "second", "counter", "unfixed", "lacking", "broken"} == set(faulty.unexplained)


def test_a_lone_case_follows_another(small: Callable[..., Project]) -> None:
    """Of a suite of two, one that is audited alone yet comes after the other, of which nothing is stored."""
    found = audit_mine(small("sound", "rounding"), "sound", seed=7, steps=3)

    assert {"sound": 7} == {name: case.seed for name, case in found.cases.items()}
    assert "identical" == found.cases["sound"].checks["order"].outcome


def test_an_audit_leaves_its_file_and_nothing_else(small: Callable[..., Project]) -> None:
    """The file is what the audit returned; a damaged one is replaced only by --fresh; what cannot be varied does not apply."""
    project = small("sound")
    path = audit_file(project.results, "mine")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(ResultsError, match="an audit that cannot be read"):
        audit_mine(project, steps=3)
    assert "{}" == path.read_text()

    found = audit_mine(project, steps=3, fresh=True)

    assert found == read_audit(project.results, "mine")
    files = {str(path.relative_to(project.results)) for path in project.results.rglob("*") if path.is_file()}
    assert {"audits/mine.json"} == files - {".audit-mine.lock"}
    checks = found.cases["sound"].checks
    assert ("not applicable", "the suite has no other case") == (checks["order"].outcome, checks["order"].why)
    assert "killed after step 1 of 3" == checks["resume"].how
    assert 3 == found.cases["sound"].steps


def test_one_audit_of_a_suite_at_a_time(small: Callable[..., Project]) -> None:
    """A second audit would write over the first one's file."""
    project = small("sound")
    project.results.mkdir()
    with FileLock(project.results / ".audit-mine.lock"), pytest.raises(UsageError, match="being audited by another harness"):
        audit_mine(project)


def test_data_that_is_not_there_fails_its_case_alone(small: Callable[..., Project]) -> None:
    """A case that cannot even be looked at is a failed one, and is audited again by the next call."""
    project = small("sound")
    data = Path(project.root / "bench" / "data" / "clouds.py")
    head = "def load(context, *, noise=0.1):\n"
    data.write_text(data.read_text().replace(head, f"{head}    raise OSError('gone')\n"))

    found = audit_mine(project).cases["sound"]

    assert ("F", "failed: OSError: gone") == (found.grade, found.checks["process"].why)
