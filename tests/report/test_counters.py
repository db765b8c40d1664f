"""Exact counters: one row a case, or why there is none."""

from __future__ import annotations

from pathlib import Path

from tests.report.support import Trained, find_row, make_case, make_suite, read, section, stored, tables, values


def test_counts_are_shown_in_full(tmp_path: Path) -> None:
    """A count is exact, so that every digit of it is shown."""
    case = make_case(seeds=[1])
    run = Trained(case, 1, values(0.9, aten_operations_per_step=3096.0))

    (table,) = tables(section("counters").build(read(stored(tmp_path, make_suite(case), [run]))))

    assert [cell.text for cell in find_row(table, "keras").cells] == ["keras", "16.4 MFLOP/sample", "3,096.0 operations/step"]


def test_a_suite_without_the_pass_says_so(tmp_path: Path) -> None:
    """No empty table."""
    case = make_case(seeds=[1])
    run_set = stored(tmp_path, make_suite(case), [Trained(case, 1, {"accuracy": 0.9})])

    (paragraph,) = section("counters").build(read(run_set))

    assert "no case asks for the pass" in str(paragraph)
