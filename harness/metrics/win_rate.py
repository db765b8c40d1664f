"""Share of test episodes whose return reaches the environment's reward threshold, or is above 0 where it has none."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the score win_rate of the test split."""
    return of_score(observations, "win_rate")


METRIC = Metric(
    measure=measure,
    title="Win rate",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="win_rate",
    source="task policy_gradient: the environment's rewards",
    null_when="the task or the script gives no such score",
)
