"""`harness profile`: a stored run's steps under torch's profiler, and nothing else of its run set touched."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.cli import main
from harness.results import RunSet
from harness.runner.execute import Ran


@pytest.fixture
def run_set(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> RunSet:
    """A run set of one case, two seeds."""
    write_project({"good": "passes = []"})
    return run_mine().run_set


def tables(run_set: RunSet) -> dict[str, bytes]:
    """Return every file of a run set but its lock and its traces."""
    files = [
        path for path in run_set.path.rglob("*") if path.is_file() and path.name != ".lock" and path.parent.name != "traces"
    ]
    return {str(path.relative_to(run_set.path)): path.read_bytes() for path in files}


def test_a_run_is_profiled_and_its_tables_stay_as_they_are(run_set: RunSet, capsys: pytest.CaptureFixture[str]) -> None:
    """The table counts what a step does, as the model and its optimiser have it; the trace holds the steps asked for."""
    before, (first, second) = tables(run_set), sorted(run_set.run_ids())

    assert 0 == main(["profile", second, "--steps", "3", "--top", "1000"])
    out, err = capsys.readouterr()
    head, *rows, trace = out.splitlines()
    found = {row.split("\t")[-1]: dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows}
    assert "1" == found["aten::addmm"]["calls/step"]  # one linear layer
    assert "1" == found["Optimizer.step#Adam.step"]["calls/step"]
    assert 90 < sum(float(row["share"].split()[0]) for row in found.values()) < 110
    assert "good, seed 2, profile pass: ok" in err
    assert "perfetto" in err
    assert run_set.path / "traces" / f"{second}.json.gz" == Path(trace)
    events = json.loads(gzip.decompress(Path(trace).read_bytes()))["traceEvents"]
    steps = {event["name"] for event in events if str(event.get("name")).startswith("ProfilerStep") and event.get("ph") == "X"}
    assert 3 == len(steps)
    assert before == tables(run_set)
    assert not list(run_set.path.glob(".work-*"))
    assert first not in trace


def test_a_run_is_found_by_the_head_of_its_id_or_by_suite_and_case(run_set: RunSet, capsys: pytest.CaptureFixture[str]) -> None:
    """What names no run, or several, says what to do."""
    capsys.readouterr()
    assert 2 == main(["profile", "good-s"])
    assert "begins 2 runs: good-s1-" in capsys.readouterr().err
    assert 2 == main(["profile", "godo-s1"])
    assert "no run 'godo-s1'" in capsys.readouterr().err
    assert 2 == main(["profile", "mine"])
    assert "name a case too: harness profile mine CASE" in capsys.readouterr().err
    assert 2 == main(["profile", "mine", "god"])
    assert "no such case, did you mean 'good'?; held: good" in capsys.readouterr().err
    assert 2 == main(["profile", "nothing", "good"])
    assert "no run set 'nothing'" in capsys.readouterr().err
    assert not (run_set.path / "traces").exists()

    assert 0 == main(["profile", "mine", "good", "--steps", "1"])
    assert ["good-s1"] == [path.name[:7] for path in (run_set.path / "traces").iterdir()]


def test_traces_that_cannot_be_written_are_an_error(run_set: RunSet, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where the folder of traces would be is told in one line."""
    (run_set.path / "traces").write_text("")

    assert 5 == main(["profile", "good-s1", "--steps", "1"])
    assert f"error: {run_set.path / 'traces'}: cannot be written: File exists" in capsys.readouterr().err


def test_a_run_of_other_code_is_refused(run_set: RunSet, project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edited model would be another training; one that is gone cannot be trained."""
    model = project_folder / "bench" / "models" / "good.py"
    model.write_text(model.read_text() + "\n# edited\n")

    assert 2 == main(["profile", "good-s1"])
    assert "have changed since it ran" in capsys.readouterr().err
    assert not (run_set.path / "traces").exists()


def test_a_scripts_run_is_refused(project_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the script itself can train it again."""
    with harness.measure("script", device="cpu"):
        pass

    assert 2 == main(["profile", "script-s1"])
    assert "use torch.profiler in the script" in capsys.readouterr().err


def test_a_run_set_in_use_is_left_alone(run_set: RunSet, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever holds it is not disturbed."""
    with run_set.lock():
        assert 2 == main(["profile", "good-s1"])

    assert "in use by another harness" in capsys.readouterr().err
