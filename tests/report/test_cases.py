"""The table of cases: quality beside what was published, cost, and one plot of all."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

from harness.report import Cell, ReportData, Table
from harness.suite import PartRef
from tests.report.support import (
    Trained,
    column,
    find_row,
    make_case,
    make_suite,
    read,
    section,
    stored,
    tables,
    usual,
    values,
)


def build(data: ReportData) -> tuple[Table, Table]:
    """Return the tables of quality and of cost."""
    quality, cost = tables(section("cases").build(data))
    return quality, cost


def cell(table: Table, case: str, title: str) -> Cell:
    """Return one cell."""
    return find_row(table, case).cells[[entry.title for entry in table.columns].index(title)]


def test_accuracy_stands_beside_what_was_published(tmp_path: Path) -> None:
    """Mean, its interval as scipy computes it, the article's value and the difference stand in one row."""
    quality, _ = build(read(usual(tmp_path)))

    low, high = stats.t.interval(0.95, 2, loc=0.991, scale=stats.sem([0.990, 0.992, 0.991]))
    found = cell(quality, "keras", "Accuracy")
    assert (found.text, found.sub) == ("0.9910", f"{low:.4f} to {high:.4f}")
    assert cell(quality, "keras", "Published").text == "0.9914"
    assert cell(quality, "keras", "Difference").text == "−0.0004"
    assert cell(quality, "keras", "Difference").sub == "in the interval"


def test_published_value_outside_the_interval_is_said(tmp_path: Path) -> None:
    """A reader need not compare digits to see whether the published value is plausible."""
    case = make_case(seeds=[1, 2])
    runs = [Trained(case, 1, values(0.90)), Trained(case, 2, values(0.901))]

    quality, _ = build(read(stored(tmp_path, make_suite(case), runs)))

    assert cell(quality, "keras", "Difference").sub == "outside the interval"


@pytest.mark.parametrize(("accuracy", "words"), [(0.98, "reached"), (0.979, "not reached")])
def test_target_is_reached_by_the_mean(accuracy: float, words: str, tmp_path: Path) -> None:
    """The declared threshold says whether the mean reaches it."""
    case = make_case(seeds=[1], targets={"accuracy": 0.98})

    quality, _ = build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(accuracy))])))

    assert cell(quality, "keras", "Target") == Cell(
        "0.9800", sort=0.98, sub=words, tone="good" if words == "reached" else "warn"
    )


def test_lower_is_better_turns_the_target_round(tmp_path: Path) -> None:
    """A target for a loss is reached from above."""
    case = make_case(seeds=[1], targets={"test_loss": 0.1}, published={"test_loss": 0.03})

    quality, _ = build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))])))

    assert cell(quality, "keras", "Test loss").sub == "published 0.0300, target 0.1000"


def test_published_score_outside_the_usual_columns_is_shown(tmp_path: Path) -> None:
    """Whatever a case says was published gets a column."""
    case = make_case(seeds=[1], published={"macro_recall": 0.97})

    quality, _ = build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))])))

    found = cell(quality, "keras", "Macro recall")
    assert (found.text, found.sub, found.note) == ("n/a", "published 0.9700", "not measured")


def test_synthetic_data_is_labelled(tmp_path: Path) -> None:
    """Generated data can never be mistaken for collected data."""
    folder = tmp_path / "bench" / "data"
    folder.mkdir(parents=True)
    (folder / "tones.py").write_text('"""Tones."""\n\nDATASET = Dataset(load=load, synthetic=True)\n')
    case = make_case(data="tones")

    quality, _ = build(read(stored(tmp_path / "results", make_suite(case)), tmp_path / "bench"))

    assert cell(quality, "keras", "Data") == Cell("tones", badge="synthetic")


def test_seeds_that_failed_are_counted(tmp_path: Path) -> None:
    """A mean over fewer seeds than declared shows it."""
    quality, _ = build(read(usual(tmp_path)))

    assert column(quality, "Seeds ok") == ["3/3", "2/3"]
    assert cell(quality, "digits", "Seeds ok").tone == "warn"


def test_cost_is_in_units_for_people(tmp_path: Path) -> None:
    """Speed, memory and size go through the one formatter of their unit."""
    _, cost = build(read(usual(tmp_path)))

    assert [found.text for found in find_row(cost, "keras").cells] == [
        "keras",
        "5.12 ksamples/s",
        "12.5 ms",
        "500 MiB",
        "3.50 s",
        "93,322",
        "16.4 MFLOP/sample",
    ]


def test_exact_value_that_differs_between_seeds_is_shown_as_such(tmp_path: Path) -> None:
    """A count that should be the same in every run and is not shows both ends and a warning."""
    case = make_case(seeds=[1, 2])
    runs = [Trained(case, seed, values(0.9, parameters=count)) for seed, count in ((1, 100.0), (2, 120.0))]

    _, cost = build(read(stored(tmp_path, make_suite(case), runs)))

    assert cell(cost, "keras", "Parameters") == Cell("100 to 120", sort=120.0, note="differs between seeds", tone="warn")


def test_values_that_some_seeds_lack_show_how_many(tmp_path: Path) -> None:
    """A mean over the seeds that reached their target does not pass for a mean over all."""
    case = make_case(seeds=[1, 2, 3])
    runs = [
        Trained(case, seed, values(0.9, train_time=seconds), nulls={"train_time": "not_reached"})
        for seed, seconds in ((1, 2.0), (2, 4.0), (3, None))
    ]

    _, cost = build(read(stored(tmp_path, make_suite(case), runs)))

    found = cell(cost, "keras", "Training time")
    assert (found.text, found.sub) == ("3.00 s", "2 of 3 seeds")
    assert found.note == "mean over 2 seeds; no value in 1: the target was not reached (censored)"


def test_doubtful_values_are_flagged(tmp_path: Path) -> None:
    """A value drawn from too few steps says so where it stands."""
    case = make_case(seeds=[1])
    run = Trained(case, 1, values(0.9), flags={"step_time_median": "few_steps"})

    _, cost = build(read(stored(tmp_path, make_suite(case), [run])))

    assert cell(cost, "keras", "Step time, median").sub == "few steps"


def test_model_stands_below_a_case_of_another_name(tmp_path: Path) -> None:
    """The model is named where the case's name does not name it."""
    cases = [make_case("a003_keras_cnn"), make_case("keras")]

    quality, _ = build(read(stored(tmp_path, make_suite(*cases))))

    assert [row.cells[0].sub for row in quality.rows] == ["", "a003_keras_cnn"]


def test_cases_scored_differently_say_by_what(tmp_path: Path) -> None:
    """Where tasks differ the column says only 'Score', and each cell which one."""
    folder = tmp_path / "bench" / "tasks"
    folder.mkdir(parents=True)
    (folder / "summary.py").write_text('"""Summarise."""\n\nTASK = Task(primary="test_loss", scores={"test_loss": "lower"})\n')
    cases = [make_case("a", seeds=[1]), make_case("b", seeds=[1], task=PartRef(name="summary"))]
    runs = [Trained(case, 1, values(0.9)) for case in cases]

    blocks = section("cases").build(read(stored(tmp_path / "results", make_suite(*cases), runs), tmp_path / "bench"))

    assert column(tables(blocks)[0], "Score") == ["0.9000", "0.0500"]
    assert column(tables(blocks)[0], "Metric") == ["Accuracy", "Test loss"]
