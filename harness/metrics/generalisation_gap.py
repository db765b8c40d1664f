"""Accuracy on the samples trained on − accuracy on the test split: what was learned of the samples alone."""

from __future__ import annotations

from dataclasses import replace

from harness.metrics import accuracy, train_accuracy
from harness.metrics._base import Metric
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return train accuracy − test accuracy, drawn from the test samples; null where one of them is, for its reason."""
    trained, tested = train_accuracy.measure(observations), accuracy.measure(observations)
    if trained.value is None or tested.value is None:
        return trained if trained.value is None else tested
    return replace(trained, value=trained.value - tested.value, n=tested.n)


METRIC = Metric(
    measure=measure,
    title="Generalisation gap",
    unit="1",
    direction="lower",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    analysis="generalisation",
    source="train_accuracy, accuracy",
    null_when="the case does not ask for the analysis generalisation",
)
