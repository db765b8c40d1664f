"""SHA-256 of the training losses of all steps."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import digest
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that digest."""
    return digest(observations, "loss_curve")


METRIC = Metric(
    measure=measure,
    title="Loss curve digest",
    unit="1",
    direction="none",
    metric_class="exact",
    phase="train",
    scope="fingerprint",
)
