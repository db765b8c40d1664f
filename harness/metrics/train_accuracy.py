"""Share of the samples trained on whose class the selected weights predict right."""

from __future__ import annotations

from harness.metrics._analyses import accuracy_of
from harness.metrics._base import Metric
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return correct ÷ all over the training samples, those held out for validation not among them."""
    return accuracy_of(observations, "train_scores", observations.train_samples)


METRIC = Metric(
    measure=measure,
    title="Training accuracy",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    analysis="generalisation",
    source="predictions on the training split",
    null_when="the case does not ask for the analysis generalisation",
)
