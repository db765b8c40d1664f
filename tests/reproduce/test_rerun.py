"""Trainings done again, plain and varied, in processes whose results nobody sees."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from harness.errors import MeasuringError
from harness.project import Project
from harness.reproduce import Evidence, Rerunner, Variation, compare


def test_every_way_of_training_gives_the_same_bits(faulty: Project, recorded: Evidence) -> None:
    """In a new process, twice in one process, and killed in the middle of an epoch and taken up by another process."""
    variations = [None, Variation(times=2), Variation(cut_at=5), Variation(cut_at=11)]

    with Rerunner(faulty, "mine", 1, [recorded.case]) as rerunner:
        found = [rerunner.run(recorded.case, recorded.seed, variation) for variation in variations]

    assert ["identical"] * 4 == [compare(recorded, each).outcome for each in found]
    assert 5 == len({recorded.run_id, *(each.run_id for each in found)})


def test_threads_and_settings_are_those_of_the_process(faulty: Project, recorded: Evidence) -> None:
    """What the surroundings say before a training is what the training ran on."""
    varied = Variation(threads=2, settings={"ATEN_CPU_CAPABILITY": "default"})

    with Rerunner(faulty, "mine") as rerunner:
        before = rerunner.surroundings(recorded.case, varied)
        trained = rerunner.run(recorded.case, 1, varied)
        plain = rerunner.run(recorded.case, 1)

    assert "2" == before["numeric.flag_threads"] == trained.environment["numeric.flag_threads"]
    assert "default" == before["setting.ATEN_CPU_CAPABILITY"] == trained.environment["setting.ATEN_CPU_CAPABILITY"]
    assert recorded.run_key == plain.run_key != trained.run_key
    assert recorded.environment["numeric.flag_threads"] == plain.environment["numeric.flag_threads"]


def test_nothing_of_the_users_is_touched_and_nothing_stays(faulty: Project, recorded: Evidence) -> None:
    """The results stay as they are; processes and files of the re-run are gone at the end."""

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in faulty.root.rglob("*") if path.is_file() and path.suffix != ".pyc"}

    before = files()

    with Rerunner(faulty, "mine") as rerunner:
        assert "ok" == rerunner.run(recorded.case, 1).status
        folder = rerunner.folder

    assert before == files()
    assert not folder.exists()
    assert not [process for process in psutil.Process().children() if "harness.runner.server" in process.cmdline()]


def test_a_cut_that_is_never_reached_fails(faulty: Project, recorded: Evidence) -> None:
    """It is no proof that a training can be taken up."""
    with Rerunner(faulty, "mine") as rerunner:
        found = rerunner.run(recorded.case, 1, Variation(cut_at=99))

    assert ("failed", "it was to be killed after step 99, which it never took") == (found.status, found.reason)


def test_a_run_that_fails_is_evidence_too(faulty: Project, recorded: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its status and reason, and what it printed."""
    monkeypatch.setenv("FAULT", "dies")

    with Rerunner(faulty, "mine") as rerunner:
        found = rerunner.run(recorded.case, 1)
        assert "ValueError: boom" == rerunner.log(found.run_id)[-1]

    assert ("failed", "ValueError: boom") == (found.status, found.reason)


def test_surroundings_that_cannot_be_told_say_why(faulty: Project, recorded: Evidence) -> None:
    """A device that is not there is named."""
    execution = recorded.case.execution.model_copy(update={"device": "cuda"})
    case = recorded.case.model_copy(update={"execution": execution})

    with Rerunner(faulty, "mine") as rerunner, pytest.raises(MeasuringError, match=r"good: it cannot be trained here: .*CUDA"):
        rerunner.surroundings(case)
