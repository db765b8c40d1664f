"""Training time up to the first evaluation at which all of the case's targets hold; evaluating is off the clock."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import at_targets, doubt_of_all
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the training seconds up to the first evaluation that meets the targets."""
    return at_targets(observations, lambda evaluation: evaluation.train_seconds, doubt_of_all)


METRIC = Metric(
    measure=measure,
    title="Time to target",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="monotonic clock; the evaluations",
    null_when="no targets declared, or never reached; no evaluation",
)
