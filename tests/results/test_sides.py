"""What comparisons see of a run set: runs, samples, surroundings, and everything that is wrong with the rows."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.errors import ResultsError
from harness.results import RunSet, Sample, sides
from tests.support import MACHINE, Trained, Value, make_case, make_suite, record

CASE = make_case(seeds=(1, 2))
SUITE = make_suite(CASE)


def test_samples_and_runs_are_those_stored(tmp_path: Path) -> None:
    """Numbers, texts and nulls with their reasons come back by seed."""
    values: dict[str, Value] = {"accuracy": 0.9, "final_weights_digest": "a" * 64, "cuda_peak_allocated": None}

    side = sides(record(tmp_path, SUITE, [Trained(CASE, 1, values), Trained(CASE, 2, values)]))["lenet"]

    assert side.metrics["accuracy"].samples == (Sample(1, 0.9), Sample(2, 0.9))
    assert side.metrics["final_weights_digest"].by_seed == {1: ["a" * 64], 2: ["a" * 64]}
    assert side.metrics["cuda_peak_allocated"].samples[0] == Sample(1, None, "no_gpu")
    assert (side.metrics["accuracy"].unit, side.metrics["accuracy"].direction) == ("1", "higher")
    assert [(run.seed, run.status) for run in side.runs] == [(1, "ok"), (2, "ok")]
    assert (side.machine, side.suite_version, side.case_digest) == (MACHINE, 1, CASE.digest)


def test_a_failed_run_is_there_without_samples(tmp_path: Path) -> None:
    """A run that is not ok keeps its status and reason and adds no sample."""
    runs = [Trained(CASE, 1, {"accuracy": 0.9}), Trained(CASE, 2, {"accuracy": 0.1}, status="killed", reason="signal 9")]

    side = sides(record(tmp_path, SUITE, runs))["lenet"]

    assert [(run.status, run.reason) for run in side.runs] == [("ok", ""), ("killed", "signal 9")]
    assert side.metrics["accuracy"].numbers == [0.9]


def test_a_case_without_runs_has_no_side(tmp_path: Path) -> None:
    """A declared case that never ran is absent, so that its absence can be told."""
    other = make_case("other")

    assert set(sides(record(tmp_path, make_suite(CASE, other), [Trained(CASE, 1)]))) == {"lenet"}


def test_the_base_arm_of_a_comparison_is_left_out(tmp_path: Path) -> None:
    """Runs of another commit, made for comparison, are no results of this one."""
    runs = [Trained(CASE, 1, {"accuracy": 0.9}), Trained(CASE, 1, {"accuracy": 0.1}, columns={"arm": "base"})]

    side = sides(record(tmp_path, SUITE, runs))["lenet"]

    assert side.metrics["accuracy"].numbers == [0.9]
    assert side.problems == ()


def test_two_runs_of_one_name_are_a_problem(tmp_path: Path) -> None:
    """The same case, seed and repeat stored twice is reported."""
    side = sides(record(tmp_path, SUITE, [Trained(CASE, 1, {"accuracy": 0.9}), Trained(CASE, 1, {"accuracy": 0.8})]))["lenet"]

    assert side.problems == ("seed 1, repeat 1, train pass: 2 runs of one name",)


def test_repeats_are_no_duplicates(tmp_path: Path) -> None:
    """Runs that differ in their repeat are two samples of one seed."""
    runs = [Trained(CASE, 1, {"accuracy": 0.9}), Trained(CASE, 1, {"accuracy": 0.8}, repeat=2)]

    side = sides(record(tmp_path, SUITE, runs))["lenet"]

    assert side.problems == ()
    assert side.metrics["accuracy"].by_seed == {1: [0.9, 0.8]}
    assert side.metrics["accuracy"].seed_means == [pytest.approx(0.85)]


def test_two_rows_of_a_metric_for_one_run_are_a_problem(tmp_path: Path) -> None:
    """A measurement stored twice is reported with the metric."""
    run_set = record(tmp_path, SUITE, [Trained(CASE, 1, {"accuracy": 0.9})])
    path = run_set.path / "measurements.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take([0, 0]).replace_schema_metadata(table.schema.metadata), path)

    assert sides(run_set)["lenet"].metrics["accuracy"].problems == ("seed 1: 2 rows for one run",)


def test_nan_is_kept_apart_from_null(tmp_path: Path) -> None:
    """A value that is not a number is no null, and infinity stays infinite."""
    runs = [Trained(CASE, 1, {"accuracy": math.nan}), Trained(CASE, 2, {"accuracy": math.inf})]

    series = sides(record(tmp_path, SUITE, runs))["lenet"].metrics["accuracy"]

    assert math.isnan(float(series.samples[0].value or 0))
    assert series.samples[1].value == math.inf
    assert series.nulls == []
    assert series.numbers == []


def test_runs_on_two_machines_are_mixed(tmp_path: Path) -> None:
    """A case whose runs disagree on the machine says so, with the fields."""
    runs = [Trained(CASE, 1, {"accuracy": 0.9}), Trained(CASE, 2, {"accuracy": 0.9}, machine=MACHINE | {"gpu": "H100"})]

    side = sides(record(tmp_path, SUITE, runs))["lenet"]

    assert side.machine_class.startswith("mixed: ")
    assert side.machine == {"cpu": "Example CPU", "gpu": "mixed: H100, H200"}
    assert not side.numeric_fingerprint.startswith("mixed")


@pytest.mark.parametrize("table", ["runs", "measurements"])
def test_a_truncated_table_is_named(tmp_path: Path, table: str) -> None:
    """A half-written table is an error that names the file, not an empty result."""
    run_set = record(tmp_path, SUITE, [Trained(CASE, 1, {"accuracy": 0.9})])
    path = run_set.path / f"{table}.parquet"
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(ResultsError, match=f"{table}.parquet: truncated or damaged"):
        sides(RunSet(run_set.path))
