"""What could not be measured, and why."""

from __future__ import annotations

from pathlib import Path

from harness.report import Paragraph
from tests.report.support import Trained, make_case, make_suite, read, section, stored, tables, texts, usual


def test_nulls_are_counted_by_metric_and_reason(tmp_path: Path) -> None:
    """Each metric without a value is listed with its reason, in words and as code, and in how many runs."""
    (table,) = tables(section("nulls").build(read(usual(tmp_path))))

    assert texts(table) == [["GPU utilisation, mean", "the run used no GPU", "no_gpu", "5 of 5"]]


def test_reasons_of_one_metric_are_told_apart(tmp_path: Path) -> None:
    """One metric lacking for two reasons is two rows."""
    case = make_case(seeds=[1, 2])
    runs = [
        Trained(case, 1, {"gpu_utilization": None}, nulls={"gpu_utilization": "unsupported: MIG"}),
        Trained(case, 2, {"gpu_utilization": None}),
    ]

    (table,) = tables(section("nulls").build(read(stored(tmp_path, make_suite(case), runs))))

    assert [(row[2], row[3]) for row in texts(table)] == [("no_gpu", "1 of 2"), ("unsupported", "1 of 2")]


def test_complete_measurements_are_praised(tmp_path: Path) -> None:
    """Nothing lacking is said in a sentence."""
    case = make_case(seeds=[1])

    blocks = section("nulls").build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, {"accuracy": 0.9})])))

    assert blocks == [Paragraph("Every metric has a value in every run that succeeded.", "good")]
