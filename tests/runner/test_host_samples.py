"""What a run's rows say of the machine beside it."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.runner.execute import Ran


def test_a_run_has_samples_of_the_machine_from_its_start(
    write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """The first is at second 0, with the load and without shares of a time that was not yet; the rest follow in order."""
    write_project({"good": "seeds = 1"})
    ran = run_mine()

    assert {"ok": 1} == ran.statuses
    [run_id] = ran.run_set.table("runs")["run_id"]
    rows = ran.run_set.table("host_samples")
    assert {run_id} == set(rows["run_id"])
    assert rows["seconds"].iloc[0] == 0
    assert rows["seconds"].is_monotonic_increasing
    assert rows["load"].iloc[0] >= 0
    assert math.isnan(rows["stolen"].iloc[0])
    assert math.isnan(rows["foreign_cpus"].iloc[0])


def test_each_metric_of_the_machine_is_a_value_or_says_why(
    write_project: Callable[..., None], run_mine: Callable[..., Ran]
) -> None:
    """A training of a few milliseconds lies between two readings: too short, and not a mean of none."""
    write_project({"good": "seeds = 1"})

    rows = run_mine().run_set.table("measurements").set_index("metric")

    for name in ("host_stolen", "host_foreign_cpus", "cpu_frequency"):
        assert (rows.loc[name, "null_reason"] is None) == (not math.isnan(rows.loc[name, "value"])), name
