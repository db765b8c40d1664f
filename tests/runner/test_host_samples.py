"""What a run's rows say of the machine beside it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable

from harness.runner.execute import Ran

HOG = "while True: sum(range(10000))"


def test_a_run_has_samples_of_the_machine_from_its_start(
    write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """The first is at second 0, with the load and without shares of a time that was not yet; the metrics are values or say why.

    (A training of a few milliseconds may lie between two readings.)
    """
    write_project({"good": "seeds = 1"})
    ran = run_mine()

    assert {"ok": 1} == ran.statuses
    [run_id] = ran.run_set.table("runs")["run_id"]
    rows, measured = ran.run_set.table("host_samples"), ran.run_set.table("measurements").set_index("metric")
    assert {run_id} == set(rows["run_id"])
    assert rows["seconds"].iloc[0] == 0
    assert rows["seconds"].is_monotonic_increasing
    assert rows["load"].iloc[0] >= 0
    assert math.isnan(rows["stolen"].iloc[0])
    assert math.isnan(rows["foreign_cpus"].iloc[0])
    for name in ("host_stolen", "host_foreign_cpus", "cpu_frequency"):
        assert measured["null_reason"].isna()[name] != measured["value"].isna()[name], name


def test_a_hog_beside_a_run_marks_its_speed(write_project: Callable[..., None], run_mine: Callable[..., Ran]) -> None:
    """A run that wants every CPU, with a busy process beside it: others' use is measured, and what is timed says so."""
    usable = len(os.sched_getaffinity(0))
    write_project({"good": "seeds = 1\nrecipe = { epochs = 500, evaluate_epochs = 500 }"})  # of some seconds
    with subprocess.Popen([sys.executable, "-c", HOG]) as hog:
        try:
            ran = run_mine(threads=usable)
        finally:
            hog.kill()

    assert {"ok": 1} == ran.statuses
    rows = ran.run_set.table("measurements").set_index("metric")
    assert (rows["value"] > 0.05 * usable)["host_foreign_cpus"]
    assert "contended" == rows.loc["train_time", "quality_flag"]
    assert rows["quality_flag"].isna()["accuracy"]
