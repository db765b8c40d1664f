"""Verdicts in words: the cells of a table for people, and the first line that counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, get_args

from harness.units import show
from harness.verdicts._verdict import Verdict, VerdictName


class Cells(NamedTuple):
    """One verdict, formatted."""

    case: str
    metric: str
    values: str
    """Base → head."""
    change: str
    """With its sign; per cent of the base for machine metrics."""
    margin: str
    mde: str
    """Minimum detectable effect."""
    verdict: str
    """With the gate's level where that is not hard."""
    why: str


FOLDED: tuple[VerdictName, ...] = ("new", "incomparable", "missing")
"""Verdicts that are told in one row for all metrics of a case with the same reason."""
NAMED = 3
"""Metrics that such a row names."""

COLUMNS = ("case", "metric", "base → head", "change", "margin", "mde", "verdict", "why")


def cells(verdict: Verdict) -> Cells:
    """Return a verdict's cells."""
    return Cells(
        case=verdict.case,
        metric=verdict.metric,
        values=_values(verdict),
        change=_size(verdict, verdict.estimate, signed=True),
        margin=_size(verdict, verdict.margin) if verdict.metric_class in ("quality", "machine") else "",
        mde=_size(verdict, verdict.mde),
        verdict=verdict.verdict + (f" ({verdict.level})" if verdict.level != "hard" else ""),
        why=verdict.note or _reason(verdict),
    )


def fold(verdicts: Iterable[Verdict]) -> list[Cells]:
    """Return verdicts' cells; metrics of one case that could not be judged for one and the same reason are one row."""
    groups: dict[tuple[str, ...], list[Cells]] = {}
    for verdict in verdicts:
        shown = cells(verdict)
        alone = () if verdict.verdict in FOLDED else (shown.metric,)
        groups.setdefault((shown.case, shown.verdict, shown.why, *alone), []).append(shown)
    return [group[0] if len(group) == 1 else _folded(group) for group in groups.values()]


def _folded(group: list[Cells]) -> Cells:
    names = [shown.metric for shown in group]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return Cells(group[0].case, ", ".join(names[:NAMED]) + more, "", "", "", "", group[0].verdict, group[0].why)


def _values(verdict: Verdict) -> str:
    if verdict.base is None and verdict.head is None:
        return ""
    base = show(verdict.base, verdict.unit) if verdict.base is not None else "none"
    return f"{base} → {show(verdict.head, verdict.unit)}"


def _size(verdict: Verdict, value: float | None, signed: bool = False) -> str:
    if value is None or (verdict.metric_class == "exact" and not value):
        return ""
    plus = "+" if signed and value > 0 else ""
    return f"{plus}{show(100 * value, '%') if verdict.metric_class == 'machine' else show(value, verdict.unit)}"


def _reason(verdict: Verdict) -> str:
    return verdict.method if verdict.p_adjusted is None else f"{verdict.method}, p = {verdict.p_adjusted:.2g}"


def count_verdicts(verdicts: Iterable[Verdict]) -> str:
    """Return how many of each verdict there are, those at level info apart: '12 same, 1 worse; 2 at level info'."""
    judged = list(verdicts)
    counts = Counter(verdict.verdict for verdict in judged if verdict.level != "info")
    shown = ", ".join(f"{counts[name]} {name}" for name in get_args(VerdictName) if counts[name])
    info = sum(verdict.level == "info" for verdict in judged)
    return (shown or "nothing judged") + (f"; {info} at level info" if info else "")


def passes(verdict: Verdict) -> bool:
    """Whether a reader has nothing to do about it."""
    return verdict.verdict == "same" or verdict.level == "info"
