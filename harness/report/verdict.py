"""The first screen: how it ended, how many of each verdict, and what did not pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.claims import from_rows
from harness.errors import EXIT_CODES, ExitCode
from harness.report._base import Banner, Block, Count, Paragraph, Section, Tone
from harness.report._claimed import outcome
from harness.report._data import ReportData
from harness.report._forest import TONES, change_cell, changed_most, effect_of, ranked, short_table, title_of, verdict_table
from harness.report._published import furthest
from harness.verdicts import Verdict, exit_code, warnings

MOST = 6
"""Changes that the first screen shows."""
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
        apart = furthest(data, MOST)
        return [_unjudged(data), *_notices(data), *([apart] if apart else [])]
    verdicts = ranked(data.judgements)
    gated = [found for found in verdicts if found.verdict != "same" and found.level != "info"]
    changed = changed_most(verdicts, MOST)
    blocks: list[Block] = [_outcome(data, verdicts), *_warned(verdicts), *_notices(data)]
    if changed:
        blocks.append(short_table(data, changed, f"What changed most, of {_drawable(verdicts)} numbers with a margin"))
    if gated:
        blocks.append(verdict_table(data, gated, "What did not come out the same, gravest first", drawn=False))
    return blocks


def _drawable(verdicts: Sequence[Verdict]) -> str:
    return f"{sum(effect_of(found) is not None for found in verdicts):,}"


def _unjudged(data: ReportData) -> Banner:
    """What became of the suite's claims, which are what it is run for; else what there is to do."""
    suite = data.manifest.suite
    if len(data.claims):
        return outcome(from_rows(data.claims.to_dict("records")))
    todo = f"No claim is judged: run `harness claims {suite.name}`." if suite.claims else ""
    return Banner(
        "Not judged yet", todo or f"No verdict is stored: run `harness gate {suite.name}`.", "muted", _run_counts(data)
    )


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
    sentences = [
        _sentence(data, verdicts),
        f"`harness gate {data.manifest.suite.name}` ends with exit code {code.value}: {EXIT_CODES[code]}.",
    ]
    if strict != code:
        sentences.append(f"Under `--policy strict` it ends with {strict.value}: {EXIT_CODES[strict]}.")
    title, tone = _title(code, strict)
    counts = Counter[str](verdict.verdict for verdict in verdicts)
    listed = tuple(Count(counts[name], name, toned) for name, toned in TONES.items() if counts[name])
    return Banner(title, " ".join(sentences), tone, listed)


def _sentence(data: ReportData, verdicts: Sequence[Verdict]) -> str:
    """Say in one sentence what became of the numbers that decide."""
    gated = [found for found in verdicts if found.level == "hard"]
    if not gated:
        return "No number is gated at level hard, so nothing decides."
    worst = [found for found in gated if found.verdict in ("worse", "missing")]
    if worst:
        first = (changed_most(worst, 1) or worst)[0]
        size = f" ({change_cell(first).text})" if first.estimate is not None else ""
        words = f"{len(worst):,} of {_deciding(len(gated))} {'is' if len(worst) == 1 else 'are'} worse or missing"
        return f"{words}, most of all {title_of(data, first)} of {first.case}{size}."
    unsure = sum(found.verdict not in ("same", "better") for found in gated)
    if unsure == len(gated):
        return f"Of {_deciding(len(gated))} none can be told."
    told = f"; {unsure:,} cannot be told" if unsure else ""
    return f"None of {_deciding(len(gated))} is worse than its baseline{told}.{_beside(verdicts)}"


def _beside(verdicts: Sequence[Verdict]) -> str:
    """Say how many of the numbers that decide nothing are worse, so that no count stands unexplained."""
    info = [found for found in verdicts if found.level == "info"]
    worse = sum(found.verdict == "worse" for found in info)
    return (
        f" Of {len(info):,} at level info, which decide nothing, {worse:,} {'is' if worse == 1 else 'are'} worse."
        if worse
        else ""
    )


def _deciding(count: int) -> str:
    return f"{count:,} number{'s' if count != 1 else ''} that decide{'s' if count == 1 else ''}"


def _warned(verdicts: Sequence[Verdict]) -> list[Block]:
    """What passes under the default policy, but with a warning."""
    return [Paragraph(f"{sentence[0].upper()}{sentence[1:]}.", "warn") for sentence in warnings(verdicts, "pr")]


def _title(code: ExitCode, strict: ExitCode) -> tuple[str, Tone]:
    if code in FAILURES:
        return TITLES[code], "bad"
    if code is ExitCode.PASS and strict in (ExitCode.PASS, ExitCode.BETTER):
        return TITLES[strict], "good"
    return ("Pass, with warnings" if code is ExitCode.PASS else TITLES[code]), "warn"


SECTION = Section("Verdict", 10, _build, markdown="shown")
