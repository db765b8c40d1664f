"""SHA-256 over the orders in which the epochs took their samples."""

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
    text=True,
    metric_class="exact",
    phase="train",
    scope="versions",
    source="draws from the shuffle stream",
    null_when="in a script",
)
