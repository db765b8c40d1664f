"""Whatever a run does, the suite goes on, and the run's row says what happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.runner.execute import Ran

FAULTS = {
    "segfault": ("", "failed", "SIGSEGV"),
    "kill": ("", "killed", "SIGKILL"),
    "realtime": ("", "killed", "signal 40"),
    "hang": ("timeout_seconds = 1.5", "timeout", "not done after 1.5 s"),
    "nan": ("", "diverged", "training loss was nan at step 1"),
    "exception": ("", "failed", "ValueError: boom"),
    "exit": ("", "failed", "exit code 3"),
    "leave": ("", "failed", "SystemExit: done early"),
    "memory_error": ("", "oom", "allocate memory"),
    "greedy": ("memory_limit_bytes = 1_200_000_000", "oom", "over the limit of 1144 MiB"),
}


def test_every_fault_becomes_a_row_with_its_status_and_the_suite_goes_on(
    write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """Ten faults and a good case: each ends with its own status and reason, and the good runs are measured."""
    write_project({name: lines for name, (lines, _, _) in FAULTS.items()} | {"good": ""})

    ran = run_mine(seeds=(1,))

    runs = ran.run_set.table("runs").set_index("case")
    assert {name: status for name, (_, status, _) in FAULTS.items()} | {"good": "ok"} == runs["status"].to_dict()
    for name, (_, _, reason) in FAULTS.items():
        assert reason in runs.loc[name, "reason"], name
    measured = ran.run_set.table("measurements")["run_id"].unique().tolist()
    assert [runs.loc["good", "run_id"]] == measured
    assert ran.run_set.manifest.complete
    assert ran.failed


def test_a_failed_run_says_what_it_ran_on(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """A run that died before it could describe its machine carries the description taken before it."""
    write_project({"kill": "", "good": ""})

    runs = run_mine(seeds=(1,)).run_set.table("runs").set_index("case")

    for column in ("machine_class", "numeric_fingerprint", "version_key", "environment_digest"):
        assert runs.loc["kill", column] == runs.loc["good", column] != ""


@pytest.mark.parametrize("model", ["orphan"])
def test_no_process_outlives_its_run(model: str, write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """A process that a run leaves behind, even in a session of its own, is ended with the run."""
    write_project({model: ""})

    assert run_mine(seeds=(1,)).statuses == {"ok": 1}

    left = [process for process in psutil.process_iter(["cmdline"]) if "600.125" in (process.info["cmdline"] or [])]
    assert left == []


def test_what_a_failed_run_printed_is_kept(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """The traceback of a failed run lies in the run set under the run's name."""
    write_project({"exception": ""})

    run_set = run_mine(seeds=(1,)).run_set

    [run_id] = run_set.run_ids()
    log = (run_set.path / "logs" / f"{run_id}.txt").read_text()
    assert "ValueError: boom" in log
    assert "bench/models/exception.py" in log


def test_a_metric_that_raises_fails_the_run(
    project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """A user's broken metric is a failed run that names it, not a missing number."""
    write_project({"good": ""})
    (project_folder / "bench" / "metrics").mkdir()
    (project_folder / "bench" / "metrics" / "broken.py").write_text(
        '"""Divides by nothing."""\nfrom harness.metrics import Metric\n'
        "def measure(seen):\n    return 1 / 0\n"
        'METRIC = Metric(measure=measure, title="Broken", unit="1", direction="higher", metric_class="quality", phase="eval")\n'
    )

    ran = run_mine(seeds=(1,))

    assert ran.statuses == {"failed": 1}
    assert "metric 'broken' failed: ZeroDivisionError" in ran.run_set.table("runs")["reason"][0]


@pytest.mark.parametrize(("returned", "told"), [("1.0", "returned float 1.0"), ("seen.losses.sort()", "read-only")])
def test_a_metric_that_gives_no_value_or_changes_what_it_reads_fails_the_run(
    returned: str, told: str, project_folder: Path, write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """A bare number, and sorting the run's own losses, are told as what they are."""
    write_project({"good": ""})
    (project_folder / "bench" / "metrics").mkdir()
    (project_folder / "bench" / "metrics" / "broken.py").write_text(
        '"""Careless."""\nfrom harness.metrics import Metric\n'
        f"def measure(seen):\n    return {returned}\n"
        'METRIC = Metric(measure=measure, title="Broken", unit="1", direction="higher", metric_class="quality", phase="eval")\n'
    )

    ran = run_mine(seeds=(1,))

    assert ran.statuses == {"failed": 1}
    assert told in ran.run_set.table("runs")["reason"][0]


def test_code_edited_while_the_suite_runs_is_noticed(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """A run whose model was edited after its key was made does not pass for a run of that key."""
    write_project({"vandal": ""})

    ran = run_mine(seeds=(1,))

    assert "its source code was edited while the suite ran" in ran.run_set.table("runs")["reason"][0]
