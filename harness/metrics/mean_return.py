"""Mean undiscounted return of the test episodes."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the score mean_return of the test split."""
    return of_score(observations, "mean_return")


METRIC = Metric(
    measure=measure,
    title="Mean return",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="mean_return",
    source="task policy_gradient: the environment's rewards",
    null_when="the task or the script gives no such score",
)
