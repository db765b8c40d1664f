"""Integrity: what is declared is there, once, finite and not null. The first thing asked, and never excused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from harness.results import Sample, Series, Side, absent_runs, differing
from harness.suite import Case, Level, Suite
from harness.verdicts._comparable import not_finite
from harness.verdicts._question import Question, listed
from harness.verdicts._verdict import PRESENCE, RUNS, Verdict

CENSORED = "not_reached"
"""The null reason that is itself a result: a seed that missed its target."""


def check_runs(case: Case, head: Side | None, version: int) -> Verdict | None:
    """Return *missing* for a case whose declared runs are not all there and ok, once, of the declared definition."""
    runs = head.runs if head else ()
    failed = (str(run) for run in runs if run.status != "ok")
    notes = [*absent_runs(case, runs), *failed, *(head.problems if head else ()), *_outdated(case, head, version)]
    if not notes:
        return None
    return _runs_missing(case.name, listed(notes), sum(run.status == "ok" for run in runs))


def _runs_missing(case: str, note: str, n_head: int) -> Verdict:
    return Verdict(
        case=case,
        metric=RUNS,
        n_head=n_head,
        verdict="missing",
        level="hard",
        method=PRESENCE,
        metric_class="exact",
        unit="1",
        note=note,
    )


def _outdated(case: Case, head: Side | None, version: int) -> Iterator[str]:
    """Yield how the suite was edited after it ran: its runs are then not the declared ones."""
    if head is None:
        return
    changed = differing(head.specification, case.specification)
    if head.suite_version != version:
        changed = f"suite version {head.suite_version} → {version}" + (f", {changed}" if changed else "")
    if changed:
        yield f"the suite has changed since it ran: {changed}; run it again"


def check_undeclared(
    suite: Suite, head: Mapping[str, Side], base: Mapping[str, Side], left_out: Collection[str]
) -> Iterator[Verdict]:
    """Yield *missing* for each case that the base holds and the suite neither declares nor was told to leave out."""
    declared = {case.name for case in suite.cases}
    for case in sorted(set(base) - declared - set(left_out)):
        note = "the base holds this case and the suite no longer declares it; restore it, or delete its baseline"
        yield _runs_missing(case, note, len(head[case].runs) if case in head else 0)


def check_rows(question: Question) -> Verdict | None:
    """Return a verdict when the head's rows of the metric cannot be judged; None when they can."""
    series = question.here
    if not question.head or not any(run.status == "ok" for run in question.head.runs):
        return question.answer("missing", PRESENCE, "no run of this case ended ok")
    if series is None:
        return question.answer("missing", PRESENCE, "no row in any run")
    if problems := [*series.problems, *_absent_rows(question.head, series), *not_finite(series)]:
        return question.answer("missing", PRESENCE, listed(problems), figures={"n_head": len(series.numbers)})
    return check_nulls(question, series)


def _absent_rows(head: Side, series: Series) -> Iterator[str]:
    rows = Counter(sample.seed for sample in series.samples)
    runs = Counter(run.seed for run in head.runs if run.measures in series.passes and run.status == "ok")
    for seed in sorted(runs):
        if rows[seed] < runs[seed]:
            yield f"seed {seed}: no row" if not rows[seed] else f"seed {seed}: {rows[seed]} rows for {runs[seed]} runs"


def check_nulls(question: Question, series: Series) -> Verdict | None:
    """Return a verdict for nulls: *missing* where the base has a value on the same machine class."""
    nulls = series.nulls
    if not nulls:
        return None
    held = bool(question.there and question.there.by_seed)
    why = listed(f"seed {null.seed}: null ({null.null_reason})" for null in nulls)
    if held and not _censored(question, nulls):
        if question.same_machine:
            return question.answer(
                "missing", PRESENCE, f"{why}, where the base holds a value", figures={"n_head": len(series.by_seed)}
            )
        # A reading that this machine does not offer is no fault of the code; a score that is gone may be one.
        level: Level | None = "info" if question.metric_class == "machine" else None
        return question.answer("incomparable", PRESENCE, f"{why}; the base ran on another machine class", level)
    if not held and not series.by_seed:
        return question.answer("incomparable", PRESENCE, why, "info")
    return None


def _censored(question: Question, nulls: list[Sample]) -> bool:
    """Whether all nulls are seeds that missed their target, which the quality and machine rules judge."""
    return question.metric_class != "exact" and all(null.null_reason.startswith(CENSORED) for null in nulls)
