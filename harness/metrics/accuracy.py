"""Share of test samples whose class is predicted right."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_classes
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return correct ÷ all over the test samples."""
    from sklearn.metrics import accuracy_score

    return of_classes(observations, accuracy_score)


METRIC = Metric(
    measure=measure,
    title="Accuracy",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    source="predictions on the test split",
    null_when="the task or the script gives no such score",
)
