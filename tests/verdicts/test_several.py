"""Any number of sides beside one another: values, differences from the first, the best, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.results import RunState, Side
from harness.suite import Execution, Gate
from harness.verdicts import Entry, Holder, Line, all_cases, beside, difference_text, interval_text, judge, label, value_text
from tests.support import MACHINE, make_case, make_run, make_series, make_side, make_suite

CASE = make_case()


def holder(name: str, *sides: Side, case: str = "lenet", suite: str = "demo") -> Holder:
    """What one run set holds: a side of one case, or of none."""
    return Holder(name, suite, sides[0].suite_version if sides else 1, dict.fromkeys([case], sides[0]) if sides else {})


def side(metric: str, values: dict[int, object], **changed: object) -> Side:
    """A side with one metric."""
    return make_side(CASE, make_series(metric, values), **changed)  # type: ignore[arg-type]


def line(metric: str, *sides: Side | None) -> Line:
    """The one line of a metric over several sides; None holds no case."""
    holders = [holder(str(place), *([found] if found else [])) for place, found in enumerate(sides)]
    (found,) = beside(holders, {"lenet": [metric]})
    return found


def seeds(*values: object) -> dict[int, object]:
    """Values by seed, from seed 1."""
    return dict(enumerate(values, start=1))


def test_a_value_is_the_mean_over_seeds_with_its_t_interval() -> None:
    """As SciPy computes them; a seed that ran twice is one piece of evidence, and one seed has no interval."""
    values = [0.9, 0.93, 0.87]
    one = line("accuracy", side("accuracy", seeds(0.9, [0.92, 0.94], 0.87)), side("accuracy", seeds(0.5)))

    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    first, second = one.entries
    assert (first.mean, first.n) == (pytest.approx(0.9), 3)
    assert (first.low, first.high) == (pytest.approx(low), pytest.approx(high))
    assert (second.mean, second.low, second.high, second.n) == (0.5, None, None, 1)


@pytest.mark.parametrize("metric", ["accuracy", "test_loss", "step_time_median", "train_throughput"])
def test_differences_are_those_of_a_verdict(metric: str) -> None:
    """Of scores in their unit, of times relative: the change and the interval that judging the two would print; of scores,
    where the seeds are others."""
    draw = np.random.default_rng(5)
    base, *others = (
        side(metric, dict(zip(range(first, first + 5), draw.uniform(1, 2, 5).tolist(), strict=True))) for first in (1, 4, 2, 9)
    )

    found = line(metric, base, *others)

    assert found.entries[0].difference is None
    for entry, other in zip(found.entries[1:], others, strict=True):
        suite = make_suite(make_case(gates={metric: Gate(margin=0.1)}, seeds=list(other.metrics[metric].by_seed)))
        verdicts = judge(suite, {"lenet": replace(other, runs=runs(suite.cases[0].seeds))}, {"lenet": replace(base, runs=())})
        (verdict,) = (each for each in verdicts if each.metric == metric)
        expected = [verdict.estimate, verdict.low, verdict.high]
        assert [entry.difference, entry.difference_low, entry.difference_high] == expected
        assert None not in expected


def test_scores_of_the_same_seeds_are_compared_seed_by_seed() -> None:
    """The interval is that of SciPy's paired t test; where each seed gives what it gave, it is 0 and nothing else."""
    old, new = [0.9, 0.7, 0.8, 0.95], [0.92, 0.71, 0.83, 0.955]
    found = line("accuracy", side("accuracy", seeds(*old)), side("accuracy", seeds(*new)), side("accuracy", seeds(*old)))

    expected = stats.ttest_rel(new, old)
    interval = expected.confidence_interval(0.95)
    _, moved, same = found.entries
    assert moved.difference == pytest.approx(np.mean(np.subtract(new, old)))
    assert (moved.difference_low, moved.difference_high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert (same.difference, same.difference_low, same.difference_high) == (0.0, 0.0, 0.0)


def runs(seeds: Sequence[int]) -> tuple[RunState, ...]:
    """A run of each seed."""
    return tuple(make_run(seed) for seed in seeds)


def test_one_seed_has_a_difference_without_an_interval() -> None:
    """Where the first's spread is not known, its distance is told, and nothing of what it may be by chance."""
    found = line("accuracy", side("accuracy", seeds(0.5)), side("accuracy", seeds(0.75, 0.85, 0.65)))

    assert found.entries[1].difference == pytest.approx(0.25)
    assert found.entries[1].difference_low is None


@pytest.mark.parametrize(
    ("metric", "means", "best"),
    [
        ("accuracy", (0.9, 0.95, 0.85), [False, True, False]),
        ("test_loss", (0.9, 0.95, 0.85), [False, False, True]),
        ("accuracy", (0.9, 0.95, 0.95), [False, True, True]),
        ("accuracy", (0.9, 0.9, 0.9), [False, False, False]),
        ("gpu_utilization", (40.0, 50.0, 60.0), [False, False, False]),
    ],
)
def test_the_best_is_marked(metric: str, means: tuple[float, ...], best: list[bool]) -> None:
    """By the metric's direction; equal ones alike; none where all are equal or no direction is better."""
    found = line(metric, *(side(metric, seeds(mean, mean + 0.01, mean - 0.01)) for mean in means))

    assert best == [entry.best for entry in found.entries]


def test_what_cannot_be_compared_is_shown_and_says_why() -> None:
    """Its value stands there, without a difference, and it takes no part in being best: of another machine, version or
    definition, of the seeds that survived, or with nulls."""
    base = side("train_throughput", seeds(100.0, 110.0, 105.0))
    faster = seeds(900.0, 910.0, 905.0)
    other_machine = side("train_throughput", faster, machine={**MACHINE, "cpu": "Another CPU"})
    other_version = side("train_throughput", faster, version=2)
    compiled = make_case(execution=Execution(mode="compile"))
    other_case = make_side(compiled, make_series("train_throughput", faster))  # type: ignore[arg-type]
    failed = side("train_throughput", {1: 900.0, 2: 910.0}, runs=(make_run(1), make_run(2), make_run(3, status="oom")))
    nulls = side("train_throughput", seeds(900.0, "null: too_short", 905.0))

    found = line("train_throughput", base, other_machine, other_version, other_case, failed, nulls)

    assert [entry.reason for entry in found.entries] == [
        "",
        "another machine class: cpu Example CPU → Another CPU",
        "suite version 1 → 2",
        "the case has changed: execution.mode eager → compile",
        "seed 3: oom",
        "seed 2: null (too_short)",
    ]
    assert {entry.difference for entry in found.entries} == {None}
    assert [entry.mean for entry in found.entries[1:4]] == [905.0] * 3
    assert not any(entry.best for entry in found.entries)


def test_what_is_not_there_says_so() -> None:
    """No such case, no such metric, only nulls, no number, and nothing to compare with."""
    held = side("accuracy", seeds(0.9, 0.91, 0.92))
    without = side("test_loss", seeds(0.1))
    broken = make_side(CASE, runs=(make_run(1, status="failed", reason="boom"),))
    only_nulls = side("accuracy", seeds("null: not_applicable"))
    undefined = side("accuracy", seeds(float("nan")))

    found = line("accuracy", held, None, without, broken, only_nulls, undefined)
    after = line("accuracy", None, held)

    assert [entry.reason for entry in found.entries[1:]] == [
        "no such case",
        "not measured",
        "seed 1: failed (boom)",
        "seed 1: null (not_applicable)",
        "seed 1: not finite (nan)",
    ]
    assert not any(entry.held for entry in found.entries[1:])
    assert after.entries[1].reason == "the first has no value (no such case)"
    assert after.entries[1].mean == pytest.approx(0.91)


def test_bits_are_the_same_or_differ_where_they_can_be_compared() -> None:
    """Digests seed by seed within one numeric fingerprint; counts with their difference."""
    base = side("final_weights_digest", seeds("a" * 64, "b" * 64))
    same, other = (
        side("final_weights_digest", seeds("a" * 64, "b" * 64)),
        side("final_weights_digest", seeds("a" * 64, "c" * 64)),
    )
    elsewhere = side("final_weights_digest", seeds("a" * 64, "b" * 64), numeric={"torch": "9.9"})
    counts = line("aten_operations_per_step", *(side("aten_operations_per_step", seeds(value)) for value in (800, 790, 800)))

    found = line("final_weights_digest", base, same, other, elsewhere)

    assert [entry.relation for entry in found.entries] == ["", "same", "differs", ""]
    assert found.entries[2].reason == "seed 2: bbbbbbbbbbbb… → cccccccccccc…"
    assert found.entries[3].reason.startswith("another numeric fingerprint: ")
    assert [(entry.relation, entry.difference, entry.best) for entry in counts.entries] == [
        ("", None, False),
        ("differs", -10.0, True),
        ("same", 0.0, False),
    ]


def test_of_another_suite_the_definition_decides() -> None:
    """Versions count within one suite: a case that is defined alike in two suites is compared."""
    values = seeds(0.8, 0.82, 0.81)
    first, second = holder("a", side("accuracy", values)), holder("b", side("accuracy", values, version=7), suite="other")

    (found,) = beside([first, second], {"lenet": ["accuracy"]})

    assert (found.entries[1].difference, found.entries[1].reason) == (0.0, "")


def test_cases_keep_their_order_and_lines_that_nobody_measured_are_left_out() -> None:
    """The first's cases come first, then what the others have besides."""
    one = Holder("a", "demo", 1, {"z": side("accuracy", seeds(1.0)), "a": side("accuracy", seeds(1.0))})
    two = Holder("b", "demo", 1, {"m": side("accuracy", seeds(1.0)), "a": side("accuracy", seeds(1.0))})
    wanted = {case: ["accuracy", "train_time"] for case in all_cases([one, two])}

    assert [(each.case, each.metric) for each in beside([one, two], wanted)] == [
        ("z", "accuracy"),
        ("a", "accuracy"),
        ("m", "accuracy"),
    ]


def test_in_words() -> None:
    """A value with its mark and its interval; a difference with its sign and interval, per cent where it is relative."""
    quality = Line("c", "m", "1", "higher", "quality", ())
    machine = Line("c", "m", "s", "lower", "machine", ())
    better = Entry(0.91, 0.9, 0.92, 3, difference=0.01, difference_low=-0.005, difference_high=0.025, best=True)
    slower = Entry(0.0123, None, None, 1, difference=0.031)

    assert value_text(quality, better) == "0.9100 *"
    assert interval_text(quality, better) == "0.9000 to 0.9200"
    assert difference_text(quality, better) == "+0.0100 [-0.0050, +0.0250]"
    assert value_text(machine, slower) == "12.3 ms"
    assert interval_text(machine, slower) == ""
    assert difference_text(machine, slower) == "+3.10 %"
    assert difference_text(quality, Entry(0.5, reason="another machine class")) == "not comparable"
    assert difference_text(quality, Entry(text="abc", relation="differs")) == "differs"
    assert (value_text(quality, Entry(reason="no such case")), difference_text(quality, Entry(reason="no such case"))) == (
        "n/a",
        "",
    )


def test_sets_are_called_by_letters() -> None:
    """A to Z, and then AA, AB, … as in a spreadsheet."""
    assert [label(index) for index in (0, 1, 25, 26, 27, 51, 52)] == ["A", "B", "Z", "AA", "AB", "AZ", "BA"]
