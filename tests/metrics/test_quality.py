"""Quality metrics against scikit-learn and closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import classification_report

from harness.observations import Evaluation, Observations, Value, null, number

Measure = Callable[[str, Observations], Value]
About = Callable[[float, int], Value]


def test_scores_of_a_worked_example(measure: Measure, about: About) -> None:
    """Labels 0 0 0 1 1, predictions 0 0 1 1 2: counted by hand, class 2 (never a label) included."""
    seen = Observations(labels=np.array([0, 0, 0, 1, 1]), predictions=np.array([0, 0, 1, 1, 2]))

    expected = {
        "accuracy": 3 / 5,
        "macro_precision": (2 / 2 + 1 / 2 + 0 / 1) / 3,
        "macro_recall": (2 / 3 + 1 / 2 + 0) / 3,
        "macro_f1": (4 / 5 + 2 / 4 + 0) / 3,
    }
    for name, value in expected.items():
        assert measure(name, seen) == about(value, 5)


def test_scores_equal_sklearns_report(measure: Measure, about: About, observed: Observations) -> None:
    """On 200 random samples the scores are those of scikit-learn's report; class 4 is predicted but never true."""
    report = classification_report(observed.labels, observed.predictions, output_dict=True, zero_division=0)
    average = report["macro avg"]

    assert measure("accuracy", observed) == about(report["accuracy"], 200)
    for name, column in (("macro_precision", "precision"), ("macro_recall", "recall"), ("macro_f1", "f1-score")):
        assert measure(name, observed) == about(average[column], 200)


@pytest.mark.parametrize("name", ["accuracy", "macro_precision", "macro_recall", "macro_f1"])
def test_scores_need_predicted_classes(name: str, measure: Measure) -> None:
    """Without predictions a score does not apply; a recorded reason, such as an early end, comes first."""
    assert measure(name, Observations()) == null("not_applicable")
    assert measure(name, Observations(nulls={"predictions": "not_measured"})) == null("not_measured")


def test_test_loss_counts_its_samples(measure: Measure, observed: Observations) -> None:
    """The test loss is taken as it is, drawn from the test samples."""
    assert measure("test_loss", observed) == number(0.61, 200)


@pytest.mark.parametrize("loss", [math.inf, math.nan])
def test_a_loss_that_is_no_number_is_flagged(loss: float, measure: Measure, observed: Observations) -> None:
    """An overflown loss is reported as measured, with a flag, and is no null."""
    value = measure("test_loss", replace(observed, scores={"loss": loss}))

    assert (value.n, value.quality_flag, value.null_reason) == (200, "not_finite", None)
    assert str(loss) == str(value.value)


def test_final_train_loss_weighs_samples(measure: Measure) -> None:
    """Epoch 2 holds losses 1 (30 samples) and 4 (10 samples): their mean over samples is 1.75, not 2.5."""
    seen = Observations(
        losses=np.array([9.0, 9.0, 1.0, 4.0]),
        step_epochs=np.array([1, 1, 2, 2]),
        step_samples=np.array([30, 10, 30, 10]),
    )

    assert measure("final_train_loss", seen) == number(1.75, 2)


def test_final_train_loss_of_a_whole_run(measure: Measure, about: About, observed: Observations) -> None:
    """Fourteen full batches and a small one end each epoch."""
    losses = observed.losses[-15:]
    expected = (losses[:14].sum() * 64 + losses[14] * 16) / (14 * 64 + 16)

    assert measure("final_train_loss", observed) == about(expected, 15)


@pytest.mark.parametrize(
    ("targets", "steps", "seconds", "evaluations"),
    [
        ({"accuracy": 0.5}, 15, 2.5, 1),
        ({"accuracy": 0.75}, 30, 5.0, 2),
        ({"loss": 0.6}, 30, 5.0, 2),
        ({"loss": 1.2, "accuracy": 0.9}, 45, 7.5, 3),
    ],
)
def test_target_is_met_at_the_first_evaluation_where_all_hold(
    targets: dict[str, float], steps: int, seconds: float, evaluations: int, measure: Measure, observed: Observations
) -> None:
    """A score must rise to its target, a loss must fall to it, all at one evaluation; equal is met."""
    seen = replace(observed, targets=targets)

    assert measure("steps_to_target", seen) == number(steps, evaluations)
    assert measure("time_to_target", seen) == number(seconds, evaluations)


@pytest.mark.parametrize("name", ["steps_to_target", "time_to_target"])
@pytest.mark.parametrize("targets", [{"accuracy": 0.95}, {"accuracy": 0.9, "loss": 0.6}, {"recall": 0.0}])
def test_a_missed_target_is_censored(name: str, targets: dict[str, float], measure: Measure, observed: Observations) -> None:
    """Out of reach, held only one after the other, or never scored: null with its reason, never the run's length."""
    assert measure(name, replace(observed, targets=targets)) == null("not_reached")


@pytest.mark.parametrize("name", ["steps_to_target", "time_to_target"])
def test_targets_that_cannot_be_judged(name: str, measure: Measure, observed: Observations) -> None:
    """No target: not applicable. No evaluation: not measured. A score that is no number meets nothing."""
    undefined = Evaluation(1, 15, 2.5, "test", {"accuracy": math.nan, "loss": math.nan})

    assert measure(name, replace(observed, targets={})) == null("not_applicable")
    assert measure(name, replace(observed, evaluations=[])) == null("not_measured")
    assert measure(name, replace(observed, evaluations=[undefined])) == null("not_reached")
    assert measure(name, replace(observed, evaluations=[undefined], targets={"loss": 1.0})) == null("not_reached")
