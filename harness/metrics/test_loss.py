"""Mean loss on the test split, each sample weighing the same (a translation: each id of the target texts)."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the loss of the test split, each sample weighing the same."""
    return of_score(observations, "loss")


METRIC = Metric(
    measure=measure,
    title="Test loss",
    unit="1",
    direction="lower",
    metric_class="quality",
    phase="eval",
    score="loss",
    source="the task's evaluation on the test split",
    null_when="the task or the script gives no such score",
)
