"""SHA-256 over the model's weights before the first step."""

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
    text=True,
    metric_class="exact",
    phase="build",
    scope="fingerprint",
    source="the model's state dict",
    null_when="in a script that does not give its model (run.model)",
)
