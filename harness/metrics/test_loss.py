"""Mean loss over the test samples."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import loss_value
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the loss of the test split, each sample weighing the same."""
    if observations.test_loss is None:
        return observations.missing("test_loss")
    return loss_value(observations.test_loss, max(len(observations.labels), 1))


METRIC = Metric(
    measure=measure,
    title="Test loss",
    unit="1",
    direction="lower",
    metric_class="quality",
    phase="eval",
)
