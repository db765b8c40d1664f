"""Wall time of the training loop, evaluations left out."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._host import disturbed
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "train_seconds", disturbed(observations))


METRIC = Metric(
    measure=measure,
    title="Training time",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="train",
)
