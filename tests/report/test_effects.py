"""The forest: each effect in units of its margin, drawn on one axis, and every verdict once."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.report import Block, Details
from harness.report._forest import REACH, changed_most, effect_of
from harness.verdicts import Verdict
from tests.report.support import (
    Trained,
    alt,
    column,
    make_case,
    make_suite,
    plots,
    read,
    section,
    stored,
    tables,
    usual,
    values,
    verdict,
)


def build(tmp_path: Path, *verdicts: dict[str, object]) -> list[Block]:
    """Return the section's blocks on a run set with these verdicts."""
    case = make_case(seeds=[1])
    return list(section("effects").build(read(stored(tmp_path, make_suite(case), [Trained(case, 1, values(0.9))], verdicts))))


def judged(**given: object) -> Verdict:
    """Return a verdict with numbers."""
    usual = {"case": "keras", "metric": "accuracy", "verdict": "same", "level": "hard", "method": "t prediction bound"}
    return Verdict(**(usual | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("direction", "effect"),
    [("higher", (0.5, -0.5, 1.5)), ("lower", (-0.5, -1.5, 0.5)), ("none", (0.5, -0.5, 1.5))],
)
def test_effect_is_above_zero_for_the_better(direction: str, effect: tuple[float, float, float]) -> None:
    """A change of one hundredth with a margin of two is half a margin, to the side that is better."""
    found = judged(direction=direction, estimate=0.01, low=-0.01, high=0.03, margin=0.02)

    assert effect_of(found) == pytest.approx(effect)


@pytest.mark.parametrize(
    "given", [{"estimate": None, "margin": 0.1}, {"estimate": 0.1, "margin": 0.0}, {"estimate": 0.1, "margin": None}]
)
def test_without_a_margin_or_a_change_there_is_no_effect(given: dict[str, float | None]) -> None:
    """An exact metric has no margin to measure by, and nothing is made up for it."""
    assert effect_of(judged(**given)) is None


def test_what_is_sure_comes_before_what_is_large() -> None:
    """A change that may be none ranks below one that is at least something; among those that are sure the surest is first."""
    given = {"margin": 1.0, "direction": "higher"}
    noisy = judged(metric="noisy", estimate=9.0, low=-5.0, high=23.0, **given)
    lone = judged(metric="lone", estimate=8.0, **given)
    sure = judged(metric="sure", estimate=-1.0, low=-1.5, high=-0.5, **given)
    surer = judged(metric="surer", estimate=0.9, low=0.8, high=1.0, **given)
    none = judged(metric="none", estimate=0.0, low=0.0, high=0.0, **given)

    found = changed_most([noisy, none, lone, sure, surer], 4)

    assert [verdict.metric for verdict in found] == ["surer", "sure", "noisy", "lone"]


def test_every_verdict_is_a_row_once(tmp_path: Path) -> None:
    """Quality, machine and what has no effect stand in tables of their own, and none is lost or told twice."""
    numbers = {"estimate": 0.01, "low": 0.0, "high": 0.02, "margin": 0.02}
    rows = [
        verdict(**numbers),
        verdict(metric="macro_f1", level="info", **numbers),
        verdict(metric="step_time_median", level="info", **numbers, **{"class": "machine"}),
        verdict(metric="parameters", estimate=0.0, margin=0.0, **{"class": "exact"}),
        verdict(metric="runs", name="missing", **{"class": "exact"}),
    ]

    blocks = build(tmp_path, *rows)

    quality, machine, rest = tables(blocks)
    assert column(quality, "Metric") == ["Accuracy", "Macro F1"]
    assert column(machine, "Metric") == ["Step time, median"]
    assert sorted(column(rest, "Metric")) == ["Parameters", "Runs"]
    assert isinstance(blocks[-1], Details)
    assert blocks[-1].summary.startswith("Without an effect to draw: 2 verdicts")


def test_marks_stand_where_the_numbers_are(tmp_path: Path) -> None:
    """On the axis from −3 to 3 margins, a change of −1 margin stands a third of the way, zero in the middle."""
    rows = [
        verdict(metric=name, estimate=change, low=change, high=change, margin=0.02)
        for name, change in (("a", -0.02), ("b", 0.0), ("c", 0.06))
    ]

    (table,) = tables(build(tmp_path, *rows))

    drawings = [ElementTree.fromstring(plot) for plot in plots(table)]
    width = float(drawings[0].attrib["viewBox"].split()[2])
    left, middle, right = (float(next(drawing.iter("circle")).attrib["cx"]) for drawing in drawings)
    assert middle == width / 2
    assert (left - middle) / (right - middle) == pytest.approx(-1 / REACH, abs=0.01)


def test_what_lies_beyond_the_axis_is_an_arrow(tmp_path: Path) -> None:
    """A huge effect neither flattens the others nor looks like a small one."""
    near = verdict(metric="a", estimate=0.01, low=0.0, high=0.02, margin=0.02)
    far = verdict(metric="b", estimate=2.0, low=1.0, high=3.0, margin=0.02)

    (table,) = tables(build(tmp_path, near, far))

    assert ['class="y"' in plot for plot in plots(table)] == [False, True]
    assert alt(plots(table)[1]) == "b of keras: +100.00 margins, interval +50.00 to +150.00."


def test_without_an_interval_there_is_no_bar(tmp_path: Path) -> None:
    """One seed gives a dot alone."""
    (table,) = tables(build(tmp_path, verdict(estimate=0.01, margin=0.02)))

    assert 'class="w' not in plots(table)[0]
    assert alt(plots(table)[0]) == "Accuracy of keras: +0.50 margins."


def test_an_unjudged_run_set_has_no_effects(tmp_path: Path) -> None:
    """The section is left out until there are verdicts."""
    assert section("effects").build(read(usual(tmp_path))) == []
