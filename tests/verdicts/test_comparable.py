"""Comparability: another definition, unit or machine is incomparable and named, never the same."""

from __future__ import annotations

from typing import Any

import pytest

from harness.results import Side
from harness.suite import Case, Gate
from harness.verdicts import Verdict, judge
from tests.support import MACHINE, NUMERIC, make_case, make_series, make_side, make_suite

SEEDS = (1, 2, 3)
GATES = {"accuracy": Gate(margin=0.05), "step_time_median": Gate(margin=0.1), "parameters": Gate()}


@pytest.fixture
def case() -> Case:
    """A case with a gate of each class."""
    return make_case(gates=GATES)


def side(case: Case, **changed: Any) -> Side:
    """Return a side with the three gated metrics."""
    return make_side(
        case,
        make_series("accuracy", dict(zip(SEEDS, (0.9, 0.91, 0.92), strict=True))),
        make_series("step_time_median", dict(zip(SEEDS, (0.010, 0.011, 0.012), strict=True))),
        make_series("parameters", dict.fromkeys(SEEDS, 61706)),
        **changed,
    )


def judged(case: Case, head: Side, base: Side | None, version: int = 1) -> dict[str, Verdict]:
    """Return the verdicts on one case by metric."""
    suite = make_suite(case, version=version)
    return {verdict.metric: verdict for verdict in judge(suite, {case.name: head}, {case.name: base} if base else {})}


def test_a_case_without_a_baseline_is_new(case: Case) -> None:
    """Each gated metric of a case without a baseline is new, at its own level, with the head's mean."""
    verdicts = judged(case, side(case), None)

    assert {verdict.verdict for verdict in verdicts.values()} == {"new"}
    assert verdicts["accuracy"].head == pytest.approx(0.91)
    assert verdicts["accuracy"].level == "hard"


def test_a_metric_that_was_taken_out_of_the_baseline_is_new(case: Case) -> None:
    """Deleting a row of a baseline does not make its metric pass."""
    base = side(case, metrics={"accuracy": make_series("accuracy", {1: 0.9, 2: 0.91, 3: 0.92})})

    verdicts = judged(case, side(case), base)

    assert (verdicts["parameters"].verdict, verdicts["step_time_median"].verdict) == ("new", "new")
    assert verdicts["accuracy"].verdict != "new"


def test_a_metric_of_which_the_base_holds_only_nulls_is_new(case: Case) -> None:
    """A number that the base could not measure has nothing to be judged against."""
    base = make_side(case, make_series("accuracy", dict.fromkeys(SEEDS, "null: not_measured")))

    assert judged(case, side(case), base)["accuracy"].note == "the base holds only nulls (not_measured)"


def test_a_reading_that_only_this_machine_offers_is_incomparable() -> None:
    """GPU memory against a base from a machine without a GPU is incomparable, not new."""
    case = make_case(gates={"cuda_peak_allocated": Gate(margin=0.05)})
    base = make_side(case, make_series("cuda_peak_allocated", dict.fromkeys(SEEDS, "null: no_gpu")), machine={"gpu": "none"})

    verdict = judged(case, make_side(case, make_series("cuda_peak_allocated", dict.fromkeys(SEEDS, 5e8))), base)

    assert verdict["cuda_peak_allocated"].note == "another machine class: cpu absent → Example CPU, gpu none → H200"


def test_a_changed_case_is_incomparable_and_its_fields_are_named(case: Case) -> None:
    """A new definition is never compared with the old one's baseline."""
    changed = make_case(gates=GATES, recipe={"epochs": 2, "optimizer": {"name": "sgd"}})

    verdicts = judged(changed, side(changed), side(case))

    assert {verdict.verdict for verdict in verdicts.values()} == {"incomparable"}
    assert verdicts["accuracy"].note == "the case has changed: recipe.epochs 1 → 2, recipe.optimizer.name adam → sgd"


def test_another_suite_version_is_incomparable(case: Case) -> None:
    """Raising the suite's version retires its baselines."""
    verdicts = judged(case, side(case, version=2), side(case), version=2)

    assert {verdict.note for verdict in verdicts.values()} == {"suite version 1 → 2"}


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"unit": "ms"}, "the metric has changed: unit ms → s"),
        ({"direction": "higher"}, "the metric has changed: direction higher → lower"),
        ({"metric_class": "quality"}, "the metric has changed: class quality → machine"),
    ],
)
def test_a_changed_metric_is_incomparable(case: Case, changed: dict[str, Any], note: str) -> None:
    """Milliseconds are not judged against seconds, nor an inverted direction against the old one."""
    old = make_series("step_time_median", {1: 10.0, 2: 11.0, 3: 12.0}, **changed)
    base = side(case)
    base = side(case, metrics={**base.metrics, "step_time_median": old})

    verdict = judged(case, side(case), base)["step_time_median"]

    assert (verdict.verdict, verdict.note) == ("incomparable", note)


def test_another_gpu_makes_only_machine_metrics_incomparable(case: Case) -> None:
    """Two GPU models under one name are told apart; accuracy and parameters are judged all the same."""
    verdicts = judged(case, side(case, machine=MACHINE | {"gpu": "H200 NVL"}), side(case))

    assert verdicts["step_time_median"].verdict == "incomparable"
    assert verdicts["step_time_median"].note == "another machine class: gpu H200 → H200 NVL"
    assert verdicts["parameters"].verdict == "same"
    assert verdicts["accuracy"].method == "t prediction bound"


def test_runs_of_two_machines_in_one_set_equal_no_machine(case: Case) -> None:
    """A run set that moved to another machine halfway is comparable with nothing, not even with itself."""
    mixed = side(case, machine_class="mixed: aaa, bbb", machine=MACHINE | {"gpu": "mixed: H100, H200"})

    assert judged(case, mixed, mixed)["step_time_median"].verdict == "incomparable"


def test_exact_counters_are_keyed_by_versions() -> None:
    """FLOPs are equal under the same Python and torch, and incomparable under others."""
    case = make_case(gates={"train_flops_per_sample": Gate()})
    series = make_series("train_flops_per_sample", dict.fromkeys(SEEDS, 1000))
    base = make_side(case, series)

    same = judged(case, make_side(case, series, numeric=NUMERIC | {"device": "A100"}), base)
    other = judged(case, make_side(case, series, version_key="python 3.12 torch 2.14.0"), base)

    assert same["train_flops_per_sample"].verdict == "same"
    assert other["train_flops_per_sample"].verdict == "incomparable"
    assert other["train_flops_per_sample"].note == "versions python 3.11 torch 2.13.0 → python 3.12 torch 2.14.0"
