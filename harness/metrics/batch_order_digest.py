"""SHA-256 of the order in which samples were trained on."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import digest
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that digest."""
    return digest(observations, "batch_order")


METRIC = Metric(
    measure=measure,
    title="Batch order digest",
    unit="1",
    direction="none",
    metric_class="exact",
    phase="train",
    scope="versions",
)
