"""Share of the test split's held-out items that are among the ten recommended to their user."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the score recall_at_10 of the test split."""
    return of_score(observations, "recall_at_10")


METRIC = Metric(
    measure=measure,
    title="Recall@10",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="recall_at_10",
    source="task recommendation, on the test split",
    null_when="the task or the script gives no such score",
)
