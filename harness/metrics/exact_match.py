"""Share of test samples whose written text is the reference, character by character."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return exact ÷ all over the test samples."""
    return of_score(observations, "exact_match")


METRIC = Metric(
    measure=measure,
    title="Exact match",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="exact_match",
    source="task translation, on the test split",
    null_when="the task or the script gives no such score",
)
