"""Reproducibility audit: what the suite's stored audit says, beside the runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.audits import write_audit
from harness.errors import ResultsError
from harness.report import Banner, Block
from tests.audit.support import APART, BROKEN, ROUNDED, make_audit, make_case, make_checks
from tests.report.support import alt, captioned, column, find_row, plots, read, section, tables, usual


def build(results: Path) -> list[Block]:
    """Return the section's blocks for a usual run set beside whatever audit there is."""
    return list(section("audit").build(read(usual(results))))


def test_each_case_has_its_grade_and_every_check(tmp_path: Path) -> None:
    """What differs says how, where and by how much; a cause that a model declares stands beside its grade."""
    audit = make_audit(
        keras=make_case(make_checks(threads=ROUNDED)),
        digits=make_case(make_checks(process=APART, resume=BROKEN), nondeterminism="atomic adds", cpu_time_per_step={}),
    )
    write_audit(tmp_path, audit)

    banner, *blocks = build(tmp_path)

    assert isinstance(banner, Banner)
    assert (banner.title, banner.tone) == ("Repeats as declared", "good")
    assert [(count.number, count.tone) for count in banner.counts] == [(1, "plain"), (1, "bad")]
    picture, table = tables(blocks)
    assert column(picture, "Grade") == ["B", "F"]
    assert column(table, "Threads") == ["within tolerance", "identical"]
    assert column(table, "Process") == ["identical", "different at step 10 (conv1.weight)"]
    assert column(table, "Resume") == ["identical", "failed"]
    assert column(picture, "Lanes") == ["1.20", "n/a"]
    keras, digits = find_row(table, "keras").cells, find_row(table, "digits").cells
    assert ("2 in place of 1, losses by 2.0e-07", ROUNDED.why) in [(cell.sub, cell.note) for cell in keras]
    assert find_row(picture, "digits").cells[1].sub == "atomic adds"
    assert digits[4].note == "failed: boom"


def test_every_check_is_a_mark(tmp_path: Path) -> None:
    """What is the same, close, other and broken has a shape of its own, and a sentence says them all."""
    write_audit(tmp_path, make_audit(keras=make_case(make_checks(process=APART, resume=BROKEN, threads=ROUNDED))))

    picture = captioned(build(tmp_path), "Training by training")

    (drawing,) = plots(picture)
    assert alt(drawing) == (
        "keras, trained again: process different, same process identical, order identical, resume failed, "
        "deterministic lane identical, threads within tolerance, instructions identical, loader workers identical."
    )
    assert [drawing.count(f'class="{cls}"') for cls in ("d", "n", "o", "x")] == [5, 1, 1, 1]


def test_a_case_that_does_not_repeat_is_named_first(tmp_path: Path) -> None:
    """Without a declared cause the banner is bad and names the case; where all repeat it says so."""
    write_audit(tmp_path, make_audit(keras=make_case(make_checks(order=APART)), digits=make_case()))
    banner, *_ = build(tmp_path)
    assert isinstance(banner, Banner)
    assert (banner.title, banner.tone) == ("Not all repeat", "bad")
    assert "2 cases audited; without a declared cause: keras." in banner.text

    write_audit(tmp_path, make_audit())
    banner, *_ = section("audit").build(read(usual(tmp_path)))
    assert isinstance(banner, Banner)
    assert (banner.title, banner.text) == ("Every training repeats", "1 case audited.")


def test_an_audit_of_other_code_or_another_machine_is_marked(tmp_path: Path) -> None:
    """An entry whose run key is none of the report's runs' says so; a case that was not run is not judged stale."""
    write_audit(tmp_path, make_audit(keras=make_case(), digits=make_case(run_key="0" * 60), absent=make_case(run_key="1" * 60)))

    table = captioned(build(tmp_path), "Training by training")

    assert [row.cells[-1].badge for row in table.rows] == ["", "other key", ""]


def test_the_section_is_left_out_without_an_audit_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    """No audit, no section; a file that cannot be read is no empty one."""
    assert build(tmp_path) == []

    write_audit(tmp_path, make_audit()).write_text("{}")
    with pytest.raises(ResultsError, match=r"demo.json: schema version None"):
        build(tmp_path)
