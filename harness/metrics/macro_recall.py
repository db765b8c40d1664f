"""Recall on the test samples, averaged over classes (right predictions of a class ÷ all samples of it)."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_classes
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean recall over the classes among labels or predictions; a class without a sample counts as 0."""
    from sklearn.metrics import recall_score

    return of_classes(
        observations, lambda labels, predictions: recall_score(labels, predictions, average="macro", zero_division=0)
    )


METRIC = Metric(
    measure=measure,
    title="Macro recall",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    source="scikit-learn, on predictions on the test split",
    null_when="the task predicts no classes; in a script",
)
