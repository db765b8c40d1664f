"""Every verdict as a row, quality and machine metrics with their effect in units of its margin."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report._base import Block, Details, Paragraph, Section
from harness.report._data import ReportData
from harness.report._forest import FOREST, effect_of, ranked, verdict_table
from harness.verdicts import Verdict

KINDS = {
    "quality": "Quality: differences of means over seeds",
    "machine": "Speed and memory: relative differences, within one machine class",
}


def _build(data: ReportData) -> Sequence[Block]:
    if not data.judged:
        return []
    verdicts = ranked(data.judgements)
    drawn = {kind: [found for found in verdicts if found.metric_class == kind and effect_of(found)] for kind in KINDS}
    held = {id(found) for found in (*drawn["quality"], *drawn["machine"])}
    rest = [found for found in verdicts if id(found) not in held]
    blocks: list[Block] = [Paragraph(FOREST, "muted")] if held else []
    blocks += [verdict_table(data, drawn[kind], caption) for kind, caption in KINDS.items() if drawn[kind]]
    if rest:
        blocks.append(_rest(data, rest, bool(held)))
    return blocks


def _rest(data: ReportData, verdicts: Sequence[Verdict], folded: bool) -> Block:
    """What has no effect to draw: exact metrics, which are equal or not, and what could not be compared."""
    words = f"Without an effect to draw: {len(verdicts):,} verdicts, on exact metrics and on what could not be compared"
    table = verdict_table(data, verdicts, "" if folded else words)
    return Details(words, (table,)) if folded else table


SECTION = Section("Effects", 15, _build, markdown="left out")
