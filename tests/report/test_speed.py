"""Speed: the distribution of step times, and the numbers drawn from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.report.support import (
    Trained,
    alt,
    captioned,
    find_row,
    make_case,
    make_suite,
    plots,
    points_of,
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
    """Median and 95th percentile are NumPy's over all steps, and the numbers stand beside the drawing."""
    case = make_case(seeds=[1])
    seconds = [0.010] * 100 + [0.020] * 99 + [1.0]
    run = Trained(case, 1, values(0.9), losses=[1.0] * 200, seconds=seconds)

    table = captioned(section("speed").build(read(stored(tmp_path, make_suite(case), [run]))), "Step times of all runs")

    median = float(np.median(seconds)) * 1000
    assert [alt(plot) for plot in plots(table)] == [
        f"Step times of keras: half took at most {median:.1f} ms, 19 of 20 at most 20.0 ms."
    ]
    assert [row[2:] for row in texts(table)] == [["10.0 ms", "15.0 ms", "20.0 ms", "1.00 s", "200"]]


def test_hill_is_highest_where_most_steps_are(tmp_path: Path) -> None:
    """Steps of two paces make two hills: NumPy's histogram over the same ratios has its peaks at the same places."""
    case = make_case(seeds=[1])
    seconds = [0.010] * 60 + [0.018] * 40
    run = Trained(case, 1, values(0.9), losses=[1.0] * 100, seconds=seconds)

    table = captioned(section("speed").build(read(stored(tmp_path, make_suite(case), [run]))), "Step times of all runs")

    hill = points_of(plots(table)[0], "rl")
    heights = {x: 200 - y for x, y in hill}
    high, low = sorted(heights, key=lambda x: -heights[x])[:2]
    assert high < low
    assert heights[low] / heights[high] == pytest.approx(40 / 60, abs=0.15)


def test_each_runs_median_is_a_stroke(tmp_path: Path) -> None:
    """Runs of different pace are seen apart, though their steps are drawn together."""
    case = make_case(seeds=[1, 2])
    runs = [Trained(case, seed, values(0.9), losses=[1.0] * 20, seconds=[pace] * 20) for seed, pace in ((1, 0.010), (2, 0.012))]

    table = captioned(section("speed").build(read(stored(tmp_path, make_suite(case), runs))), "Step times of all runs")

    assert plots(table)[0].count('class="q"') == 2


def test_failed_run_with_steps_is_drawn(tmp_path: Path) -> None:
    """Steps that were taken before a run failed are evidence too."""
    case = make_case(seeds=[1])
    run = Trained(case, 1, status="timeout", reason="600 s are over")

    table = captioned(section("speed").build(read(stored(tmp_path, make_suite(case), [run]))), "Step times of all runs")

    assert len(plots(table)) == 1
