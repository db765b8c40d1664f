"""Metrics of agents and of recommenders: read from the task's scores, and reached targets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.observations import Evaluation, Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
NAMES = ("mean_return", "win_rate", "recall_at_10", "ndcg_at_10")


@pytest.mark.parametrize("name", NAMES)
def test_reads_the_score_of_its_name(measure: Measure, name: str) -> None:
    """The value is the task's score, drawn from the test samples."""
    scores = {each: 0.5 + place for place, each in enumerate(NAMES)}

    assert number(scores[name], 100) == measure(name, Observations(scores=scores, test_samples=100))


@pytest.mark.parametrize("name", NAMES)
def test_does_not_apply_to_other_tasks(measure: Measure, name: str) -> None:
    """A run that scores something else has no such value; one that ended before scoring was not measured."""
    assert null("not_applicable") == measure(name, Observations(scores={"accuracy": 0.9}, test_samples=100))
    assert measure(name, Observations()).value is None


def test_steps_to_a_mean_return(measure: Measure) -> None:
    """A target on the mean return is reached at the first evaluation at or above it, and censored where none is."""
    evaluations = [
        Evaluation(epoch, 20 * epoch, 1.5 * epoch, "validation", {"mean_return": value, "win_rate": 0.0})
        for epoch, value in ((1, 120.0), (2, 475.0), (3, 200.0))
    ]
    reached = Observations(evaluations=evaluations, targets={"mean_return": 475.0}, directions={"mean_return": "higher"})
    missed = Observations(evaluations=evaluations, targets={"mean_return": 475.5}, directions={"mean_return": "higher"})

    assert number(40.0, 2) == measure("steps_to_target", reached)
    assert number(3.0, 2) == measure("time_to_target", reached)
    assert null("not_reached") == measure("steps_to_target", missed)
