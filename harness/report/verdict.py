"""The first screen: how it ended, how many of each verdict, and what did not pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from harness.errors import EXIT_CODES, ExitCode
from harness.report._base import Banner, Block, Cell, Column, Count, Details, Paragraph, Row, Section, Table, Tone
from harness.report._cells import number_cell, signed
from harness.report._data import ReportData
from harness.verdicts import RUNS, Verdict, exit_code, warnings

TONES: dict[str, Tone] = {
    "missing": "bad",
    "worse": "bad",
    "incomparable": "warn",
    "inconclusive": "warn",
    "void": "warn",
    "better": "good",
    "new": "muted",
    "same": "good",
}
"""Verdict -> tone, the gravest first."""

LEVELS = ("hard", "warn", "info")
FAILURES = (ExitCode.WORSE, ExitCode.MEASURING)
TITLES = {
    ExitCode.PASS: "Pass",
    ExitCode.WORSE: "Worse",
    ExitCode.INCONCLUSIVE: "Inconclusive",
    ExitCode.INCOMPARABLE: "Incomparable",
    ExitCode.MEASURING: "Missing",
    ExitCode.BETTER: "Better",
}


def _build(data: ReportData) -> Sequence[Block]:
    if not data.judged:
        return [_not_judged(data), *_notices(data)]
    verdicts = _ranked(data)
    failed = [found for found in verdicts if found.verdict != "same"]
    gated = [found for found in failed if found.level != "info"]
    blocks: list[Block] = [_outcome(data, verdicts), *_warned(verdicts), *_notices(data)]
    if gated:
        blocks.append(_table(data, gated, "What did not come out the same, gravest first"))
    if len(failed) > len(gated):
        words = f"{len(failed) - len(gated)} more at level info, which decides nothing"
        blocks.append(Details(words, (_table(data, [found for found in failed if found.level == "info"]),), html_only=True))
    return [*blocks, Details(f"All {len(verdicts)} verdicts", (_table(data, verdicts),), html_only=True)]


def _not_judged(data: ReportData) -> Banner:
    suite = data.manifest.suite.name
    return Banner("Not judged yet", f"No verdict is stored: run `harness gate {suite}`.", "muted", _run_counts(data))


def _run_counts(data: ReportData) -> tuple[Count, ...]:
    counts = Counter(str(status) for status in data.runs["status"])
    return tuple(
        Count(count, f"run{'s' if count != 1 else ''} {status}", "good" if status == "ok" else "bad")
        for status, count in sorted(counts.items(), key=lambda item: (item[0] != "ok", item[0]))
    )


def _notices(data: ReportData) -> list[Block]:
    """What a reader must know before believing the rest: runs that are not there, or did not succeed."""
    declared = sum(len(list(case.runs())) for case in data.cases)
    own = data.runs[data.runs["arm"] != "base"]
    stored, ok, absent = len(own), int((own["status"] == "ok").sum()), sum(map(data.absent_runs, data.cases))
    notices: list[Block] = []
    if not stored:
        notices.append(Paragraph(f"This run set is empty: none of its {declared} declared runs is stored.", "warn"))
    elif absent or not data.manifest.complete:
        words = f"This run set is incomplete: {declared - absent} of {declared} declared runs are stored."
        notices.append(Paragraph(f"{words} `harness run {data.manifest.suite.name}` goes on with it.", "warn"))
    if stored and not ok:
        notices.append(Paragraph("Every run failed: nothing was measured. The section Environment has the reasons.", "bad"))
    elif ok < stored:
        words = f"{stored - ok} of {stored} runs did not succeed; means are over those that did."
        notices.append(Paragraph(f"{words} The section Environment has the reasons.", "warn"))
    return notices


def _outcome(data: ReportData, verdicts: Sequence[Verdict]) -> Banner:
    """How `harness gate` ends on the stored verdicts, under its default policy and, where it differs, under strict."""
    code, strict = exit_code(verdicts, "pr"), exit_code(verdicts, "strict")
    sentences = [f"`harness gate {data.manifest.suite.name}` ends with exit code {code.value}: {EXIT_CODES[code]}."]
    if strict != code:
        sentences.append(f"Under `--policy strict` it ends with {strict.value}: {EXIT_CODES[strict]}.")
    title, tone = _title(code, strict)
    counts = Counter[str](verdict.verdict for verdict in verdicts)
    listed = tuple(Count(counts[name], name, toned) for name, toned in TONES.items() if counts[name])
    return Banner(title, " ".join(sentences), tone, listed)


def _warned(verdicts: Sequence[Verdict]) -> list[Block]:
    """What passes under the default policy, but with a warning."""
    return [Paragraph(f"{sentence[0].upper()}{sentence[1:]}.", "warn") for sentence in warnings(verdicts, "pr")]


def _title(code: ExitCode, strict: ExitCode) -> tuple[str, Tone]:
    if code in FAILURES:
        return TITLES[code], "bad"
    if code is ExitCode.PASS and strict in (ExitCode.PASS, ExitCode.BETTER):
        return TITLES[strict], "good"
    return ("Pass, with warnings" if code is ExitCode.PASS else TITLES[code]), "warn"


def _ranked(data: ReportData) -> list[Verdict]:
    """Return the verdicts by level, then the gravest first, then by case and metric."""
    grave = list(TONES)
    return sorted(
        data.judgements,
        key=lambda found: (LEVELS.index(found.level), grave.index(found.verdict), found.case, found.metric),
    )


def _table(data: ReportData, verdicts: Sequence[Verdict], caption: str = "") -> Table:
    columns = (
        Column("Case"),
        Column("Metric"),
        Column("Verdict"),
        Column("Base", "number", "Mean of the baseline or of the other commit, and from how many"),
        Column("Head", "number", "Mean of this run set, and from how many"),
        Column("Change", "number", "Head minus base with its 95 % interval; relative to the base for machine metrics"),
        Column("Margin", "number", "Largest change for the worse that is let pass"),
        Column("Detectable", "number", "Smallest change for the worse that is found with 90 % power"),
        Column("Why"),
    )
    return Table(columns, tuple(Row(_cells(data, found), found.case) for found in verdicts), caption)


def _cells(data: ReportData, found: Verdict) -> tuple[Cell, ...]:
    return (
        Cell(found.case),
        Cell("Runs" if found.metric == RUNS else data.title(found.metric)),
        Cell(found.verdict, sub=f"level {found.level}", tone=TONES[found.verdict]),
        _side(found.base, found.n_base, found.unit),
        _side(found.head, found.n_head, found.unit),
        _change(found),
        _amount(found, found.margin),
        _amount(found, found.mde),
        Cell(found.note or found.method, sub=found.method if found.note else ""),
    )


def _side(mean: float | None, n: int | None, unit: str) -> Cell:
    cell = number_cell(mean, unit, "no number on this side")
    return replace(cell, sub=f"n = {n}") if n and mean is not None else cell


def _scaled(found: Verdict, change: float) -> tuple[float, str]:
    """Return a change and its unit: per cent of the base for machine metrics, else the metric's own."""
    return (100 * change, "%") if found.metric_class == "machine" else (change, found.unit)


def _amount(found: Verdict, change: float | None) -> Cell:
    return number_cell(None, "1", "does not apply") if change is None else number_cell(*_scaled(found, change))


def _change(found: Verdict) -> Cell:
    if found.estimate is None:
        return number_cell(None, "1", "no numbers to compare")
    ends = [signed(*_scaled(found, end)) for end in (found.low, found.high) if end is not None]
    change, unit = _scaled(found, found.estimate)
    return Cell(signed(change, unit), sort=change, sub=" to ".join(ends))


SECTION = Section("Verdict", 10, _build, markdown="shown")
