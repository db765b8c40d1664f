"""Integrity: whatever is declared and not there, once and finite, is missing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.results import Side
from harness.suite import Case, Gate
from harness.verdicts import Verdict, judge
from tests.support import make_case, make_run, make_series, make_side, make_suite

ACCURACY = {1: 0.9, 2: 0.91, 3: 0.92}
GATES = {"accuracy": Gate(margin=0.05)}


def judged(case: Case, head: Side | None, base: Side | None = None) -> list[Verdict]:
    """Return the verdicts on one case."""
    return judge(make_suite(case), {case.name: head} if head else {}, {case.name: base} if base else {})


def of(verdicts: list[Verdict], metric: str) -> Verdict:
    """Return the one verdict on a metric."""
    [verdict] = [verdict for verdict in verdicts if verdict.metric == metric]
    return verdict


@pytest.fixture
def case() -> Case:
    """A case with one gated metric."""
    return make_case(gates=GATES)


@pytest.fixture
def good(case: Case) -> Side:
    """A side that holds all that is declared."""
    return make_side(case, make_series("accuracy", ACCURACY))


def test_runs_as_declared_get_no_verdict(case: Case, good: Side) -> None:
    """Nothing is said of runs that are all there."""
    assert [verdict.metric for verdict in judged(case, good, good)] == ["accuracy"]


def test_a_case_without_runs_is_missing(case: Case, good: Side) -> None:
    """A declared case that never ran fails, and so does its gated metric."""
    verdicts = judged(case, None, good)

    assert [(verdict.metric, verdict.verdict, verdict.level) for verdict in verdicts] == [
        ("runs", "missing", "hard"),
        ("accuracy", "missing", "hard"),
    ]
    assert verdicts[0].note == "no run of seed 1, 2, 3"


def test_an_absent_seed_is_missing_and_named(case: Case, good: Side) -> None:
    """A declared seed without a run fails, whatever the other seeds say."""
    head = replace(good, runs=good.runs[:1] + good.runs[2:])

    assert of(judged(case, head, good), "runs").note == "no run of seed 2"


def test_an_absent_repeat_is_missing_and_named(good: Side) -> None:
    """Every declared repeat of a seed is counted."""
    case = make_case(gates=GATES, repeats=2)
    head = replace(make_side(case, make_series("accuracy", ACCURACY)), runs=(*good.runs, make_run(1, 2), make_run(3, 2)))

    assert of(judged(case, head, good), "runs").note == "seed 2: 1 of 2 repeats"


def test_an_absent_pass_is_missing_and_named(good: Side) -> None:
    """Every declared pass has a run, of the first seed or of each; one that failed is named with its pass."""
    case = make_case(gates=GATES, passes=("memory", "calibrated"))
    runs = (*good.runs, make_run(1, measures="calibrated"), make_run(3, status="oom", measures="calibrated"))
    head = replace(make_side(case, make_series("accuracy", ACCURACY)), runs=runs)

    expected = "no memory pass of seed 1; no calibrated pass of seed 2; seed 3, calibrated pass: oom"
    assert of(judged(case, head, good), "runs").note == expected


@pytest.mark.parametrize("status", ["failed", "timeout", "oom", "killed", "diverged", "skipped", "tainted"])
def test_a_run_that_is_not_ok_is_missing(case: Case, good: Side, status: str) -> None:
    """A run that ended otherwise than ok fails, with its reason."""
    head = replace(good, runs=(make_run(1), make_run(2), make_run(3, status=status, reason="signal 9")))

    verdict = of(judged(case, head, good), "runs")

    assert (verdict.verdict, verdict.level, verdict.note) == ("missing", "hard", f"seed 3: {status} (signal 9)")


def test_runs_without_an_ok_one_miss_every_gated_metric(case: Case, good: Side) -> None:
    """If all runs failed, the gated metric is missing too."""
    head = replace(good, runs=tuple(make_run(seed, status="oom") for seed in (1, 2, 3)), metrics={})

    assert of(judged(case, head, good), "accuracy").note == "no run of this case ended ok"


def test_duplicate_runs_are_missing(case: Case, good: Side) -> None:
    """Two runs of one name are an error, not more data."""
    head = replace(good, problems=("seed 1, repeat 1: 2 runs of one name",))

    assert of(judged(case, head, good), "runs").note == "seed 1, repeat 1: 2 runs of one name"


def test_a_suite_edited_after_it_ran_is_missing(case: Case, good: Side) -> None:
    """Runs of an earlier definition are not the declared ones; the fields are named."""
    edited = make_case(gates=GATES, recipe={"epochs": 3})

    note = of(judged(edited, good, good), "runs").note

    assert note == "the suite has changed since it ran: recipe.epochs 1 → 3; run it again"


def test_a_gated_metric_without_rows_is_missing(case: Case, good: Side) -> None:
    """A gated metric that no run measured fails."""
    assert of(judged(case, replace(good, metrics={}), good), "accuracy").note == "no row in any run"


def test_a_metric_without_a_row_of_one_run_is_missing(case: Case, good: Side) -> None:
    """One absent row fails, although the others are there."""
    head = make_side(case, make_series("accuracy", {1: 0.9, 3: 0.92}))

    verdict = of(judged(case, head, good), "accuracy")

    assert (verdict.verdict, verdict.note) == ("missing", "seed 2: no row")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_missing(case: Case, good: Side, value: float) -> None:
    """NaN and infinity never pass, not even as "not significant"."""
    head = make_side(case, make_series("accuracy", {1: 0.9, 2: value, 3: 0.92}))

    verdict = of(judged(case, head, good), "accuracy")

    assert (verdict.verdict, verdict.note) == ("missing", f"seed 2: not finite ({value})")


def test_a_number_that_is_not_finite_fails_a_new_case_too(case: Case) -> None:
    """Integrity comes before comparability: without a baseline NaN is still missing."""
    head = make_side(case, make_series("accuracy", {1: math.nan, 2: 0.9, 3: 0.9}))

    assert of(judged(case, head), "accuracy").verdict == "missing"


def test_duplicate_rows_are_missing(case: Case, good: Side) -> None:
    """Two rows of one metric for one run are an error."""
    head = make_side(case, make_series("accuracy", ACCURACY, problems=("seed 1: 2 rows for one run",)))

    verdict = of(judged(case, head, good), "accuracy")

    assert (verdict.verdict, verdict.note) == ("missing", "seed 1: 2 rows for one run")


def test_null_where_the_base_holds_a_number_is_missing(case: Case, good: Side) -> None:
    """A value that the same machine class could measure before must be measured now."""
    head = make_side(case, make_series("accuracy", {1: 0.9, 2: "null: too_short", 3: 0.92}))

    verdict = of(judged(case, head, good), "accuracy")

    assert (verdict.verdict, verdict.level) == ("missing", "hard")
    assert verdict.note == "seed 2: null (too_short), where the base holds a value"


def test_null_on_both_sides_is_reported_only() -> None:
    """What neither side can measure is incomparable at level info, with the reason."""
    case = make_case(gates={"cuda_peak_allocated": Gate(margin=0.05)}, seeds=(1,))
    side = make_side(case, make_series("cuda_peak_allocated", {1: "null: no_gpu"}))

    verdict = of(judged(case, side, side), "cuda_peak_allocated")

    assert (verdict.verdict, verdict.level, verdict.note) == ("incomparable", "info", "seed 1: null (no_gpu)")


def test_null_on_another_machine_is_reported_only() -> None:
    """A GPU reading that a machine without a GPU lacks is no fault of the code."""
    case = make_case(gates={"cuda_peak_allocated": Gate(margin=0.05)}, seeds=(1,))
    base = make_side(case, make_series("cuda_peak_allocated", {1: 5e8}))
    head = make_side(case, make_series("cuda_peak_allocated", {1: "null: no_gpu"}), machine={"gpu": "none"})

    verdict = of(judged(case, head, base), "cuda_peak_allocated")

    assert (verdict.verdict, verdict.level) == ("incomparable", "info")


def test_a_score_that_is_null_on_another_machine_keeps_its_level(case: Case, good: Side) -> None:
    """A score does not depend on the machine: losing it is never waved through."""
    head = make_side(case, make_series("accuracy", dict.fromkeys((1, 2, 3), "null: not_measured")), machine={"gpu": "none"})

    verdict = of(judged(case, head, good), "accuracy")

    assert (verdict.verdict, verdict.level) == ("incomparable", "hard")


def test_a_deleted_case_is_missing(case: Case, good: Side) -> None:
    """A baseline whose case the suite no longer declares fails until somebody decides."""
    verdicts = judge(make_suite(case), {"lenet": good}, {"lenet": good, "gone": good})

    gone = [verdict for verdict in verdicts if verdict.case == "gone"]
    assert [(verdict.metric, verdict.verdict, verdict.level) for verdict in gone] == [("runs", "missing", "hard")]


def test_a_case_left_out_on_purpose_is_not_missed(case: Case, good: Side) -> None:
    """Narrowing a suite with -k does not make the other cases missing."""
    verdicts = judge(make_suite(case), {"lenet": good}, {"lenet": good, "other": good}, left_out=["other"])

    assert {verdict.case for verdict in verdicts} == {"lenet"}


def test_a_renamed_case_is_both_new_and_missing(good: Side) -> None:
    """Under a new name there is no baseline, and the old name's baseline has no case."""
    renamed = make_case("lenet5", GATES)
    head = make_side(renamed, make_series("accuracy", ACCURACY))

    verdicts = judge(make_suite(renamed), {"lenet5": head}, {"lenet": good})

    assert {(verdict.case, verdict.verdict) for verdict in verdicts} == {("lenet5", "new"), ("lenet", "missing")}
