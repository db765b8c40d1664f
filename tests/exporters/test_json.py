"""pytest-benchmark, github-action-benchmark and Bencher: what is written is what their own readers and schemas take."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from pytest_benchmark.storage.file import FileStorage

from tests.exporters.conftest import ACCURACY

Export = Callable[..., Path]
T_975_2 = 4.302653
"""Student's t, .975 on 2 degrees of freedom, from a table."""


def test_pytest_benchmarks_own_loader_reads_the_file(export: Export) -> None:
    """Every time is a benchmark, its rounds the runs, and the figures those of pytest-benchmark's own class."""
    file = export("pytest-benchmark")

    found = {bench["name"]: bench for bench in FileStorage(file.parent, logging.getLogger()).load_benchmarks(str(file))}

    assert set(found) == {
        f"{case}::{metric}" for case in ("keras", "digits[lr=0.1]") for metric in ("step_time_median", "train_time")
    }
    assert found["keras::train_time"]["rounds"] == 3
    assert found["keras::train_time"]["mean"] == 3.5
    assert found["keras::train_time"]["extra_info"]["seeds"] == [1, 2, 3]
    assert found["digits[lr=0.1]::train_time"]["rounds"] == 1


def test_pytest_benchmark_compares_two_files(export: Export) -> None:
    """The command line of pytest-benchmark prints its table of it."""
    file = export("pytest-benchmark", "--metric", "step_time_median")
    other = shutil.copy(file, file.with_name("other.json"))

    command = [sys.executable, "-c", "from pytest_benchmark.cli import main; main()", "compare", str(file), str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("keras::step_time_median") == 2
    assert "train_time" not in done.stdout


@pytest.mark.parametrize(
    ("form", "metrics"),
    [
        ("github-smaller-is-better", {"test_loss", "step_time_median", "host_peak_memory", "train_time"}),
        ("github-bigger-is-better", {"accuracy", "macro_f1", "train_throughput"}),
    ],
)
def test_github_action_benchmark_gets_each_direction_apart(export: Export, form: str, metrics: set[str]) -> None:
    """An array of name, unit and value, with optional texts range and extra: the action's README, custom benchmarks."""
    entries: list[dict[str, Any]] = json.loads(export(form).read_text())

    assert {entry["name"] for entry in entries} == {
        f"demo/{case}/{metric}" for case in ("keras", "digits[lr=0.1]") for metric in metrics
    }
    for entry in entries:
        assert set(entry) <= {"name", "unit", "value", "range", "extra"}
        assert isinstance(entry["value"], int | float)
        assert all(isinstance(entry[key], str) for key in ("name", "unit", "range", "extra") if key in entry)
        assert ("range" in entry) == entry["name"].startswith("demo/keras/"), "one run has no interval"


def test_bencher_gets_means_and_intervals(export: Export) -> None:
    """Benchmark -> measure -> numbers, value required (https://bencher.dev/bmf.json); the interval is that of a t table."""
    content = json.loads(export("bencher").read_text())

    assert set(content) == {"demo/keras", "demo/digits[lr=0.1]"}
    for measures in content.values():
        for metric in measures.values():
            assert {"value"} <= set(metric) <= {"value", "lower_value", "upper_value"}
            assert all(isinstance(value, int | float) for value in metric.values())
    half = T_975_2 * stdev(ACCURACY) / 3**0.5
    assert content["demo/keras"]["accuracy"] == pytest.approx(
        {"value": mean(ACCURACY), "lower_value": mean(ACCURACY) - half, "upper_value": mean(ACCURACY) + half}
    )
    assert content["demo/digits[lr=0.1]"]["train-throughput"] == {"value": 5120.0}
