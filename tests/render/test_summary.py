"""The report for GitHub: short enough for a comment, however much there is to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.render import compose, to_markdown, write_report
from harness.render._summary import LONGEST, to_summary
from tests.report.support import Trained, make_case, make_suite, read, stored, usual, values, verdict

COMMENT = 65_536
"""Characters that GitHub takes as a comment."""


def test_a_report_that_fits_is_not_touched(tmp_path: Path) -> None:
    """Nothing is left out without need."""
    document = compose(read(usual(tmp_path)))

    assert to_summary(document) == to_markdown(document)


def test_a_report_of_thousands_of_verdicts_fits_a_comment(tmp_path: Path) -> None:
    """Counts and sentence first, then the gravest rows; what is left out is counted."""
    cases = [make_case(f"case-{number}", seeds=[1]) for number in range(100)]
    verdicts = [
        verdict(
            case.name, f"metric_{number}", "worse" if (case, number) == (cases[99], 29) else "inconclusive", base=0.5, head=0.4
        )
        for case in cases
        for number in range(30)
    ]
    run_set = stored(tmp_path, make_suite(*cases), [Trained(case, 1, values(0.9)) for case in cases], verdicts)

    text = write_report(run_set, Catalog()).markdown.read_text()

    assert len(text.encode()) <= LONGEST < COMMENT
    lines = [line for line in text.splitlines() if line]
    assert lines[2] == "**1 worse · 2999 inconclusive**"
    assert lines[3].startswith(
        "**Worse.** 1 of 3,000 numbers that decide is worse or missing, most of all metric_29 of case-99."
    )
    assert "of 3,000 rows; report.html has all" in text
    first = next(line for line in lines if line.startswith("| case-"))
    assert first.startswith("| case-99 | metric_29 | **worse**")


@pytest.mark.parametrize("longest", [700, 2000, 4000])
def test_it_is_cut_at_a_line_where_nothing_else_helps(tmp_path: Path, longest: int) -> None:
    """However little room there is, the size holds and the end says that it was cut."""
    document = compose(read(usual(tmp_path)))

    text = to_summary(document, longest)

    assert len(text.encode()) <= longest
    assert text.startswith("## demo\n")
    assert text.endswith("\n")
