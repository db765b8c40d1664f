"""Largest |operator − reference| over all values of the test samples, in the output's own unit."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the largest |operator − reference| over all values of the test split, in the output's own unit."""
    return of_score(observations, "max_error")


METRIC = Metric(
    measure=measure,
    title="Largest error",
    unit="1",
    direction="lower",
    metric_class="quality",
    phase="eval",
    score="max_error",
    source="task operator: the model's own slower reference",
    null_when="the task or the script gives no such score",
)
