"""What the suite claims of its measurements, and what became of it: the ledger that `harness claims` has stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from harness.claims import DECIDED, JudgedClaim, JudgedTest, by_block, from_rows, p_words
from harness.report._base import (
    Block,
    Cell,
    Column,
    Details,
    Facts,
    Heading,
    Paragraph,
    Row,
    Section,
    Table,
)
from harness.report._cells import number_cell, signed
from harness.report._charts import Scale, Strip
from harness.report._claimed import TONES, outcome, told
from harness.report._data import ReportData
from harness.units import show

MARKS = {"supported": "a", "refuted": "x", "inconclusive": "n"}
"""Outcome -> class of its mark."""
MARGINAL = ("difference", "trend", "equivalent")
"""Kinds of tests whose effect has a margin."""

REACH = 30.0
"""Margins that the axis reaches either way; what lies beyond is an arrow."""
TICKS = (-10, -1, 0, 1, 10)

NOTE = (
    "Each test is decided by the interval over seeds and by a p-value that is adjusted for all tests of its block "
    "(Benjamini–Hochberg, .05). What then cannot be told is inconclusive. A claim is supported when all of its tests are, or "
    "any one where that is enough."
)
EFFECT = (
    "Effect over its margin, closer together outwards. Shaded: where the claim holds. Bar: interval. The estimate is above "
    "zero for the better."
)


def _build(data: ReportData) -> Sequence[Block]:
    claims = from_rows(data.claims.to_dict("records"))
    if not claims:
        return []
    # Where nothing else is judged, the first screen has said it already.
    blocks: list[Block] = [*([outcome(claims)] if data.judged else []), Paragraph(NOTE, "muted")]
    for name, found in by_block(claims).items():
        blocks += [Heading(f"{name.capitalize()}: {told(found)}"), _ledger(found)]
        if any(claim.tests for claim in found):
            blocks.append(_tests(found))
    return [*blocks, Details("Where it was measured", (_sources(data),), html_only=True)]


def _ledger(claims: Sequence[JudgedClaim]) -> Table:
    columns = (
        Column("Claim"),
        Column("Verdict", choose=True),
        Column("What is claimed"),
        Column("What was found"),
    )
    return Table(columns, tuple(Row(_cells(claim)) for claim in claims))


def _cells(claim: JudgedClaim) -> tuple[Cell, ...]:
    return (
        Cell(claim.id),
        Cell(claim.verdict, tone=TONES[claim.verdict]),
        Cell(claim.statement, sub=" · ".join(_beside(claim))),
        Cell(_found(claim), sub=claim.note),
    )


def _beside(claim: JudgedClaim) -> list[str]:
    """Return where it is claimed, and what would refute it."""
    return [*claim.source, *([f"refuted by {claim.refuted_by}"] if claim.refuted_by else [])]


def _found(claim: JudgedClaim) -> str:
    words = "; ".join(claim.told)
    return words if claim.need == "all" or len(claim.tests) <= 1 else f"any one is enough: {words}"


def _tests(claims: Sequence[JudgedClaim]) -> Table:
    """One row a test, with its effect in units of its margin where it has one."""
    tests = [(claim, test) for claim in claims for test in claim.tests]
    axis = _Axis() if any(_effect(test) for _, test in tests) else None
    columns = (
        Column("Claim"),
        Column("Outcome", choose=True),
        Column("What was asked"),
        *([axis.column] if axis else []),
        Column("Estimate", "number", "A difference for the better, a mean or a slope, and its interval"),
        Column("Margin", "number", "The least difference that counts"),
        Column("Seeds", "number", "Seeds that every series of the test has"),
        Column("p", "number", "Adjusted for all tests of the block"),
    )
    rows = tuple(Row(_test_cells(claim, test, axis), test.cases[0] if len(test.cases) == 1 else "") for claim, test in tests)
    return Table(columns, rows, "Test by test")


def _test_cells(claim: JudgedClaim, test: JudgedTest, axis: _Axis | None) -> tuple[Cell, ...]:
    return (
        Cell(claim.id),
        Cell(test.outcome, note=test.reason, tone=TONES[test.outcome]),
        Cell(test.asked, sub=test.why),
        *([axis.cell(claim, test)] if axis else []),
        _estimate(test),
        number_cell(test.margin, test.unit, "no test of this kind has one"),
        Cell(f"{test.seeds}", sort=test.seeds),
        _p(test),
    )


def _estimate(test: JudgedTest) -> Cell:
    if test.estimate is None:
        return number_cell(None, "1", test.reason or "it holds at every seed, or it does not")
    written = signed if test.kind in MARGINAL else show
    ends = [written(end, test.unit) for end in (test.low, test.high) if end is not None]
    confidence = f"{100 * (test.confidence or 0.95):.0f} % interval"
    return Cell(written(test.estimate, test.unit), sort=test.estimate, sub=" to ".join(ends), note=confidence)


def _p(test: JudgedTest) -> Cell:
    if test.p_adjusted is None:
        return number_cell(None, "1", "nothing is left to chance" if test.outcome in DECIDED else test.reason or "no numbers")
    return Cell(p_words(test.p_adjusted).removeprefix("p "), sort=test.p_adjusted, note=f"{p_words(test.p)} alone")


def _effect(test: JudgedTest) -> tuple[float, float, float] | None:
    """Return a test's estimate and interval in units of its margin; None where it has none."""
    if test.kind not in MARGINAL or not test.margin or test.estimate is None or test.low is None or test.high is None:
        return None
    return test.estimate / test.margin, test.low / test.margin, test.high / test.margin


class _Axis:
    """The axis that the effects of a table share: as asinh, which is linear within a margin and a logarithm beyond."""

    def __init__(self) -> None:
        self._strip = Strip(Scale(-math.asinh(REACH), math.asinh(REACH)), width=2400)

    @property
    def column(self) -> Column:
        """The column that effects are drawn in."""
        ticks = [(math.asinh(value), f"{value}".replace("-", "−")) for value in TICKS]
        axis = self._strip.head(f"Axis: effect over margin, from −{REACH:g} to {REACH:g}; right is better.", ticks)
        return Column("Effect ÷ margin", "plot", EFFECT, axis=axis)

    def cell(self, claim: JudgedClaim, test: JudgedTest) -> Cell:
        """Return a test's effect, drawn; or why there is none."""
        effect = _effect(test)
        if effect is None:
            return Cell("–", note="no margin, or nothing to draw", tone="muted", sort=-math.inf)
        words = [f"{value:+.3g}".replace("-", "−") for value in effect]
        alt = f"{claim.id}, {test.outcome}: {words[0]} margins, interval {words[1]} to {words[2]}."
        change, low, high = (math.asinh(value) for value in effect)
        mark = MARKS.get(test.outcome, "d")
        zone = (-1.0, 1.0) if test.kind == "equivalent" else (1.0, 2 * REACH)
        drawn = (
            self._strip.zone(*(math.asinh(end) for end in zone)),
            self._strip.lines(0.0),
            self._strip.bar(low, high, f"w {mark}w"),
            self._strip.dot(change, mark),
        )
        return Cell("", sort=effect[0], plot=self._strip.row(alt, *drawn))


def _sources(data: ReportData) -> Facts:
    named = {"Run sets": "run_sets", "Commits": "commits", "Versions": "version_keys", "Machine classes": "machine_classes"}
    return Facts(tuple((title, _each(data.claims[column]) or "none") for title, column in named.items()))


def _each(texts: Iterable[object]) -> str:
    """Return what stands in a column, each value once, in the order of the alphabet."""
    return ", ".join(sorted({part for text in texts if isinstance(text, str) for part in text.split("; ") if part}))


SECTION = Section("Claims", 12, _build, markdown="folded")
