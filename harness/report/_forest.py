"""Verdicts as rows of tables and as a forest: each effect with its interval, in units of its margin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from harness.report._base import Cell, Column, Row, Table, Tone
from harness.report._cells import number_cell, signed
from harness.report._charts import Scale, Strip
from harness.report._data import ReportData
from harness.verdicts import RUNS, Verdict

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

REACH = 3.0
"""Margins that the axis of a forest reaches either way; what lies beyond is an arrow."""
MARKS = {"worse": "x", "better": "a", "inconclusive": "n"}
"""Verdict -> class of its mark; any other is plain."""

FOREST = "Effect over its margin: to the right is better, −1 is as much worse as is let pass. Bar: 95 % interval."


SAMPLED = (
    Column("Change", "number", "Head minus base with its 95 % interval; relative to the base for machine metrics"),
    Column("Margin", "number", "Largest change for the worse that is let pass"),
    Column("Detectable", "number", "Smallest change for the worse that is found with 90 % power"),
)
"""What only metrics that chance plays a part in have."""


class Effect(NamedTuple):
    """A change in units of its margin, above zero for the better; infinite ends where there is no interval."""

    change: float
    low: float
    high: float


def effect_of(found: Verdict) -> Effect | None:
    """Return a verdict's effect; None for one without a margin or a change, such as an exact metric's."""
    if not found.margin or found.estimate is None:
        return None
    sign = -1 if found.direction == "lower" else 1
    low, high = (found.estimate if end is None else end for end in (found.low, found.high))
    ends = sorted(sign * end / found.margin for end in (low, high))
    return Effect(sign * found.estimate / found.margin, *ends)


def ranked(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts by level, then the gravest first, then by case and metric."""
    grave = list(TONES)
    return sorted(verdicts, key=lambda found: (LEVELS.index(found.level), grave.index(found.verdict), found.case, found.metric))


def changed_most(verdicts: Iterable[Verdict], most: int) -> list[Verdict]:
    """Return the verdicts with the largest effects, in units of their margins, those that are sure before the others.

    An effect is as sure as the end of its interval that is nearer to zero; one whose interval holds zero, or that has none, is
    not sure, however large. What did not change at all is left out.
    """
    found = [(effect, verdict) for verdict in verdicts if (effect := effect_of(verdict)) and effect.change]
    found.sort(key=lambda entry: (-_sure(*entry), -abs(entry[0].change), entry[1].case, entry[1].metric))
    return [verdict for _, verdict in found[:most]]


def _sure(effect: Effect, verdict: Verdict) -> float:
    """Return how many margins an effect is at least; 0 where it may be none."""
    if verdict.low is None or verdict.high is None or effect.low <= 0 <= effect.high:
        return 0.0
    return min(abs(effect.low), abs(effect.high))


class Forest:
    """The axis that all effects share."""

    def __init__(self) -> None:
        self._strip = Strip(Scale(-REACH, REACH), width=2400)

    @property
    def column(self) -> Column:
        """The column that effects are drawn in."""
        ticks = [(place, f"{place}".replace("-", "−")) for place in (-2, -1, 0, 1, 2)]
        axis = self._strip.head("Axis: effect over margin, from −3 to 3; right is better.", ticks)
        return Column("Effect ÷ margin", "plot", FOREST, axis=axis)

    def cell(self, data: ReportData, found: Verdict) -> Cell:
        """Return a verdict's effect, drawn; or why there is none."""
        effect = effect_of(found)
        if effect is None:
            return Cell("–", note="no margin, or no change to draw", tone="muted", sort=float("-inf"))
        change = f"{effect.change:+.2f}".replace("-", "−")
        ends = f", interval {effect.low:+.2f} to {effect.high:+.2f}".replace("-", "−") if found.low is not None else ""
        alt = f"{title_of(data, found)} of {found.case}: {change} margins{ends}."
        mark = MARKS.get(found.verdict, "d")
        pieces = [self._strip.zone(-1, 1), self._strip.lines(0)]
        pieces += [self._strip.bar(effect.low, effect.high, f"w {mark}w")] if found.low is not None else []
        return Cell("", sort=effect.change, plot=self._strip.row(alt, *pieces, self._strip.dot(effect.change, mark)))


def title_of(data: ReportData, found: Verdict) -> str:
    """Return what was judged, in words."""
    return "Runs" if found.metric == RUNS else data.title(found.metric)


def verdict_table(data: ReportData, verdicts: Sequence[Verdict], caption: str = "", drawn: bool = True) -> Table:
    """Return verdicts as a table, with a forest where any has an effect to draw; with sides and words alone where none has."""
    sampled = any(effect_of(found) for found in verdicts)
    forest = Forest() if drawn and sampled else None
    columns = (
        Column("Case"),
        Column("Metric", choose=True),
        Column("Verdict", choose=True),
        Column("Level", choose=True, hint="hard decides the exit code, warn is told, info decides nothing"),
        *([forest.column] if forest else []),
        Column("Base", "number", "Mean of the baseline or of the other commit, and from how many"),
        Column("Head", "number", "Mean of this run set, and from how many"),
        *(SAMPLED if sampled else ()),
        Column("Why"),
    )
    return Table(columns, tuple(Row(_cells(data, found, forest, sampled), found.case) for found in verdicts), caption)


def short_table(data: ReportData, verdicts: Sequence[Verdict], caption: str) -> Table:
    """Return verdicts with their effects alone: what a first screen has room for."""
    forest = Forest()
    columns = (
        Column("Case and metric"),
        forest.column,
        Column("Verdict"),
        Column("Change", "number"),
        Column("Margin", "number"),
    )
    rows = tuple(
        Row(
            (
                Cell(found.case, sub=title_of(data, found)),
                forest.cell(data, found),
                Cell(found.verdict, sub=f"level {found.level}", tone=TONES[found.verdict]),
                change_cell(found),
                _amount(found, found.margin),
            ),
            found.case,
        )
        for found in verdicts
    )
    return Table(columns, rows, caption)


def _cells(data: ReportData, found: Verdict, forest: Forest | None, sampled: bool) -> tuple[Cell, ...]:
    return (
        Cell(found.case),
        Cell(title_of(data, found)),
        Cell(found.verdict, tone="plain" if found.verdict == "same" else TONES[found.verdict]),
        Cell(found.level, sort=LEVELS.index(found.level)),
        *([forest.cell(data, found)] if forest else []),
        _side(found.base, found.n_base, found.unit),
        _side(found.head, found.n_head, found.unit),
        *((change_cell(found), _amount(found, found.margin), _amount(found, found.mde)) if sampled else ()),
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


def change_cell(found: Verdict) -> Cell:
    """Return a change in the metric's unit, or in per cent, with its interval."""
    if found.estimate is None:
        return number_cell(None, "1", "no numbers to compare")
    ends = [signed(*_scaled(found, end)) for end in (found.low, found.high) if end is not None]
    change, unit = _scaled(found, found.estimate)
    return Cell(signed(change, unit), sort=change, sub=" to ".join(ends))
