"""Mean over held-out items of 1 ÷ log2(1 + rank) where the item is among its user's ten recommended ones, else 0."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the score ndcg_at_10 of the test split."""
    return of_score(observations, "ndcg_at_10")


METRIC = Metric(
    measure=measure,
    title="NDCG@10",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="ndcg_at_10",
    source="task recommendation, on the test split",
    null_when="the task or the script gives no such score",
)
