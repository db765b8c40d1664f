"""Files of pytest-benchmark as run sets: made by pytest-benchmark itself, judged by our gate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.results import RunSet, find_run_set

TEST = """
import pytest

@pytest.mark.parametrize("size", [10, 20])
def test_sum(benchmark, size):
    benchmark.pedantic(sum, args=(range(size),), rounds=5)
"""


@pytest.fixture
def measured(project_folder: Path) -> Path:
    """A file that pytest-benchmark wrote just now."""
    (project_folder / "test_speed.py").write_text(TEST)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-json=made.json", "test_speed.py"]
    subprocess.run(command, cwd=project_folder, env=own, check=True, capture_output=True)
    return project_folder / "made.json"


def scaled(file: Path, name: str, factor: float, scatter: float = 0.0) -> str:
    """Return a copy of a file in which every time is another."""
    content = json.loads(file.read_text())
    for bench in content["benchmarks"]:
        for figure in ("min", "mean", "median"):
            bench["stats"][figure] = 0.1 * factor * (1 + scatter)
    path = file.with_name(name)
    path.write_text(json.dumps(content))
    return str(path)


def test_a_file_becomes_runs_with_its_own_numbers(measured: Path) -> None:
    """A benchmark is a case by its full name; its run's value is the median that pytest-benchmark computed."""
    assert main(["convert", str(measured), "--from", "pytest-benchmark", "--suite", "api"]) == 0

    run_set = find_run_set(measured.parent / "results", "api")
    medians = {bench["fullname"]: bench["stats"]["median"] for bench in json.loads(measured.read_text())["benchmarks"]}
    rows = run_set.table("runs").merge(run_set.table("measurements"), on="run_id")
    found = rows[rows["metric"] == "round_time_median"]
    assert dict(zip(found["case"], found["value"], strict=True)) == {
        "test_speed.py.test_sum[10]": medians["test_speed.py::test_sum[10]"],
        "test_speed.py.test_sum[20]": medians["test_speed.py::test_sum[20]"],
    }
    assert run_set.manifest.complete


def imported(measured: Path, name: str, factor: float) -> RunSet:
    """Import five files whose medians scatter by one per cent around a factor."""
    files = [scaled(measured, f"{name}{n}.json", factor, 0.01 * (n - 2)) for n in range(5)]
    assert main(["convert", *files, "--from", "pytest-benchmark", "--suite", "api"]) == 0
    return find_run_set(measured.parent / "results", "api")


def test_imported_runs_are_compared_and_gated(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Equal times are the same, half as much again is worse, as for any run set; baselines and the gate work too."""
    base = imported(measured, "base", 1.0)
    assert main(["baseline", "propose", "api", "--reason", "first"]) == 0
    assert main(["baseline", "promote", "api"]) == 0
    same, slow = imported(measured, "same", 1.001), imported(measured, "slow", 1.5)

    codes = [main(["compare", base.name, other.name]) for other in (same, slow)]
    codes += [main(["gate", "api", "--run-set", other.name]) for other in (same, slow)]

    assert codes == [0, 1, 0, 1], capsys.readouterr().out
    assert main(["report", "api"]) == 0


def test_another_machine_or_timer_is_incomparable(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Times of another processor, or by another clock, are not judged, and the verdict names the field."""
    base = imported(measured, "base", 1.0)
    content = json.loads(measured.read_text())
    content["machine_info"]["cpu"]["brand_raw"] = "Another CPU"
    measured.write_text(json.dumps(content))
    other = imported(measured, "other", 1.0)
    content["benchmarks"][0]["options"]["timer"] = "process_time"
    measured.write_text(json.dumps(content))
    timed = imported(measured, "timed", 1.0)
    capsys.readouterr()

    assert main(["compare", base.name, other.name, "--policy", "strict"]) == 4
    assert "Another CPU" in capsys.readouterr().out
    assert main(["compare", other.name, timed.name]) == 4
    assert "model.options.timer" in capsys.readouterr().out


def test_a_recipe_that_nobody_told_is_not_made_up(measured: Path) -> None:
    """What was imported goes out again without an optimiser, a batch or a commit that the harness never saw."""
    imported(measured, "base", 1.0)
    for form in ("wandb", "mlperf"):
        assert main(["convert", "api", "--to", form, "-o", form]) == 0

    configs = [json.loads(file.read_text()) for file in measured.parent.glob("wandb/*/config.json")]
    assert len(configs) == 10
    assert all("recipe" not in config and config["commit"] == "" for config in configs)
    assert all("opt_" not in file.read_text() for file in measured.parent.glob("mlperf/*/*.txt"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"benchmarks": []}'])
def test_what_is_no_file_of_pytest_benchmark_is_named(
    project_folder: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """Nothing is stored, and the message says which file and how to make one."""
    (project_folder / "bad.json").write_text(content)

    assert main(["convert", "bad.json", "--from", "pytest-benchmark", "--suite", "api"]) == 2
    assert "bad.json: no file of `pytest --benchmark-json=FILE`" in capsys.readouterr().err
    assert not (project_folder / "results").exists()


@pytest.mark.parametrize("name", ["mine", "baselines", "a/b", ""])
def test_a_suites_name_must_be_free(measured: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Runs from elsewhere never mix with those of a declared suite, nor leave the results folder."""
    (measured.parent / "suites" / "mine.toml").write_text("version = 1\n")

    assert main(["convert", str(measured), "--from", "pytest-benchmark", "--suite", name]) == 2
    assert "--suite: " in capsys.readouterr().err
