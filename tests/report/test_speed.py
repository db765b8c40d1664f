"""Speed: the distribution of step times, and the numbers drawn from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.report.support import (
    Trained,
    figures,
    find_row,
    make_case,
    make_suite,
    read,
    section,
    stored,
    tables,
    texts,
    values,
)


def test_table_has_every_case(tmp_path: Path) -> None:
    """Numbers in units for people; a metric that one case has and another has not says so, one that none has has no column."""
    one, other = make_case("one", seeds=[1]), make_case("other", seeds=[1])
    runs = [Trained(one, 1, values(0.9, load_time=0.002)), Trained(other, 1, values(0.9))]

    (table, *_) = tables(section("speed").build(read(stored(tmp_path, make_suite(one, other), runs))))

    assert [column.title for column in table.columns] == ["Case", "Training throughput", "Step time, median", "Load time"]
    assert [cell.text for cell in find_row(table, "one").cells] == ["one", "5.12 ksamples/s", "12.5 ms", "2.00 ms"]
    cells = find_row(table, "other").cells
    assert [cell.text for cell in cells] == ["other", "5.12 ksamples/s", "12.5 ms", "n/a"]
    assert cells[-1].note == "not measured"


def test_distribution_is_said_in_words(tmp_path: Path) -> None:
    """Median and 95th percentile are NumPy's over all steps, and steps beyond the axis are counted."""
    case = make_case(seeds=[1])
    seconds = [0.010] * 100 + [0.020] * 99 + [1.0]
    run = Trained(case, 1, values(0.9), losses=[1.0] * 200, seconds=seconds)

    (figure,) = figures(section("speed").build(read(stored(tmp_path, make_suite(case), [run]))))

    median = float(np.median(seconds)) * 1000
    assert figure.caption == (
        f"Half of the steps took at most {median:.1f} ms, 19 of 20 at most 20.0 ms. 1 of 200 are slower than the axis shows."
    )
    assert texts(figure.table) == [["1", "10.0 ms", "15.0 ms", "20.0 ms", "1.00 s", "200 steps"]]


def test_failed_run_with_steps_is_drawn(tmp_path: Path) -> None:
    """Steps that were taken before a run failed are evidence too."""
    case = make_case(seeds=[1])
    run = Trained(case, 1, status="timeout", reason="600 s are over")

    (figure,) = figures(section("speed").build(read(stored(tmp_path, make_suite(case), [run]))))

    assert len(figure.table.rows) == 1
