"""Earlier run sets of the suite: where a score or a step's time changed."""

from __future__ import annotations

from pathlib import Path

from harness.report import ReportData, Table
from harness.results import RunSet
from tests.report.support import Trained, alt, column, make_case, make_suite, plots, read, section, stored, tables, values


def sessions(results: Path, *times: float) -> list[RunSet]:
    """Store a run set for each step time, oldest first, each with three seeds."""
    case = make_case()
    return [
        stored(
            results,
            make_suite(case),
            [
                Trained(
                    case,
                    seed,
                    values(0.99, step_time_median=seconds * (1 + 0.001 * seed)),
                    columns={"started_utc": moment(day)},
                )
                for seed in case.seeds
            ],
        )
        for day, seconds in enumerate(times, start=1)
    ]


def moment(day: int) -> str:
    """Return a moment of January 2026."""
    return f"2026-01-{day:02d}T00:00:00+00:00"


def table_of(data: ReportData) -> Table:
    """Return the section's table."""
    (table,) = tables(section("history").build(data))
    return table


STEADY = (0.0100, 0.0101, 0.0099, 0.0100, 0.0101, 0.0099)
SLOWER = tuple(1.2 * seconds for seconds in STEADY)


def test_a_first_run_set_has_no_history(tmp_path: Path) -> None:
    """Without an earlier run set the section is left out."""
    (only,) = sessions(tmp_path, 0.01)

    assert section("history").build(read(only)) == []


def test_a_change_is_found_and_named(tmp_path: Path) -> None:
    """A step that takes a fifth longer from the seventh run set on is told with that run set, and drawn there."""
    stored_sets = sessions(tmp_path, *STEADY, *SLOWER)

    table = table_of(read(stored_sets[-1]))

    score, time = table.rows
    assert (score.cells[1].text, score.cells[-1].text) == ("Accuracy", "none")
    assert (time.cells[1].text, time.cells[-1].text) == (
        "Step time, median",
        f"worse by 20.0 % from {stored_sets[6].path.name}",
    )
    assert ['class="v"' in plot for plot in plots(table)] == [False, True]
    assert table.caption == "12 run sets; 1 of 2 series changed"


def test_the_drawing_is_said_in_words(tmp_path: Path) -> None:
    """From where to where, over how many, and that nothing changed."""
    table = table_of(read(sessions(tmp_path, 0.010, 0.011)[-1]))

    assert alt(plots(table)[1]) == "Step time, median of keras over 2 run sets: from 10.0 ms to 11.0 ms. No change."
    assert column(table, "Change") == ["+0.0 %", "+10.0 %"]


def test_later_run_sets_take_no_part(tmp_path: Path) -> None:
    """The report of an old run set stays as it was."""
    stored_sets = sessions(tmp_path, 0.010, 0.011, 0.050)

    assert column(table_of(read(stored_sets[1])), "Run sets") == ["2 of 2", "2 of 2"]


def test_a_run_set_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """A report outlives a damaged neighbour."""
    stored_sets = sessions(tmp_path, 0.010, 0.011, 0.012)
    (stored_sets[0].path / "runs.parquet").write_bytes(b"no table")

    assert column(table_of(read(stored_sets[-1])), "Run sets") == ["2 of 2", "2 of 2"]


def test_another_definition_of_the_case_takes_no_part(tmp_path: Path) -> None:
    """What was trained otherwise is a pale dot, and neither the first nor a change."""
    other = make_case(recipe=make_case().recipe.model_copy(update={"epochs": 9}))
    run = Trained(other, 1, values(0.5), columns={"started_utc": moment(1)})
    stored(tmp_path, make_suite(other), [run, *(Trained(other, seed, values(0.5)) for seed in (2, 3))])
    last = sessions(tmp_path, 0.010, 0.010)[-1]

    table = table_of(read(last))

    assert column(table, "Run sets") == ["2 of 3", "2 of 3"]
    assert column(table, "First") == ["0.9900", "10.0 ms"]
    assert all('class="p"' in plot for plot in plots(table))
