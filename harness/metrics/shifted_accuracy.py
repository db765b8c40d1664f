"""Accuracy on the test split after each image is moved by up to 2 pixels and noise of 0.2 standard deviations is added."""

from __future__ import annotations

from harness.metrics._analyses import accuracy_of
from harness.metrics._base import Metric
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return correct ÷ all over the shifted test samples, which are the same for every run."""
    return accuracy_of(observations, "shifted_scores", observations.test_samples)


METRIC = Metric(
    measure=measure,
    title="Shifted accuracy",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    analysis="generalisation",
    source="predictions on the shifted test split (probes/shift.py)",
    null_when="the case does not ask for the analysis generalisation; inputs that are no images",
)
