"""SHA-256 of the model's state before training."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import digest
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that digest."""
    return digest(observations, "initial_weights")


METRIC = Metric(
    measure=measure,
    title="Initial weights digest",
    unit="1",
    direction="none",
    metric_class="exact",
    phase="build",
    scope="fingerprint",
)
