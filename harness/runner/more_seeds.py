"""Seeds drawn as the verdicts need them: a case that its seeds leave undecided gets those of its next look, within its budget.

The error is shared among the looks that a case may take (`harness.verdicts`), so that looking again does not raise it.
"""

from __future__ import annotations

from collections.abc import Collection

from harness.suite import Case, Suite


def with_next_look(suite: Suite, undecided: Collection[str]) -> Suite | None:
    """Return the suite with the next seeds of the cases named; None where none of them may draw any."""
    cases = tuple(case.at_next_look() if case.name in undecided else case for case in suite.cases)
    return suite.model_copy(update={"cases": cases}) if cases != suite.cases else None


def may_draw(suite: Suite) -> bool:
    """Whether any case has seeds left to draw."""
    return any(case.drawn_seeds < case.more_seeds for case in suite.cases)


def drawing(before: Suite, after: Suite) -> str:
    """Return in words which cases draw seeds between the two: 'lenet (look 2 of 3)'."""
    pairs = zip(before.cases, after.cases, strict=True)
    return ", ".join(f"{new.name} (look {new.look} of {len(new.looks)})" for old, new in pairs if old != new)


def taken_up(suite: Suite, held: Suite) -> Suite:
    """Return the suite with the seeds that an unfinished run set has drawn for those of its cases that are the same still."""
    before = {case.name: case for case in held.cases}
    return suite.model_copy(update={"cases": tuple(_taken_up(case, before.get(case.name)) for case in suite.cases)})


def _taken_up(case: Case, held: Case | None) -> Case:
    while held and case.drawn_seeds < min(held.drawn_seeds, case.more_seeds) and case.more_seeds == held.more_seeds:
        case = case.at_next_look()
    return case
