"""What experiments gave: outcomes that no training has, in the same report."""

from __future__ import annotations

from pathlib import Path

from scipy import stats

from harness.report import ReportData
from harness.results import RunSet
from tests.report.support import (
    Trained,
    column,
    make_case,
    make_experiment,
    make_suite,
    read,
    section,
    stored,
    tables,
    texts,
    usual,
    values,
)

SLOPES = (-0.11, -0.12, -0.16)


def run_set(results: Path) -> RunSet:
    """Store a run set of a training and an experiment of three seeds."""
    case, training = make_experiment("c31"), make_case(seeds=[1])
    runs = [
        Trained(case, seed, {"slope_tanh": slope}, losses=(), seconds=(), progress=(), columns={"pass": "experiment"})
        for seed, slope in enumerate(SLOPES, start=1)
    ]
    return stored(results, make_suite(case, training), [*runs, Trained(training, 1, values(0.9))])


def test_each_outcome_is_a_row(tmp_path: Path) -> None:
    """Mean with scipy's interval, spread, ends and seeds."""
    (table,) = tables(section("experiments").build(read(run_set(tmp_path))))

    low, high = stats.t.interval(0.95, 2, loc=-0.13, scale=stats.sem(SLOPES))
    assert texts(table) == [["c31", "gradients_over_time", "slope_tanh", "-0.1300", "0.0265", "-0.1600", "-0.1100", "3"]]
    assert table.rows[0].cells[3].sub == f"{low:.4f} to {high:.4f}"


def test_trainings_alone_have_no_such_section(tmp_path: Path) -> None:
    """The section is left out where nothing is an experiment."""
    assert section("experiments").build(read(usual(tmp_path))) == []


def test_an_experiment_is_in_no_table_of_trainings(tmp_path: Path) -> None:
    """It has no accuracy, speed or memory to lack."""
    data: ReportData = read(run_set(tmp_path))

    for name in ("cases", "speed", "counters", "machine"):
        for table in tables(section(name).build(data)):
            assert "c31" not in column(table, "Case")


def test_its_runs_are_runs_like_others(tmp_path: Path) -> None:
    """Every run of it is listed with its status, and none is said to be missing."""
    data = read(run_set(tmp_path))

    listed = [row[:3] for row in texts(tables(section("seeds").build(data))[-1])]
    assert listed == [["c31", str(seed), "ok"] for seed in (1, 2, 3)] + [["keras", "1", "ok"]]
    assert data.seeds_ok(data.cases[0]) == 3
