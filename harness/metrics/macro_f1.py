"""F1 on the test samples, averaged over classes (harmonic mean of precision and recall of each)."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_classes
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean F1 over the classes among labels or predictions; a class never met counts as 0."""
    from sklearn.metrics import f1_score

    return of_classes(observations, lambda labels, predictions: f1_score(labels, predictions, average="macro", zero_division=0))


METRIC = Metric(
    measure=measure,
    title="Macro F1",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    source="scikit-learn, on predictions on the test split",
    null_when="the task predicts no classes; in a script",
)
