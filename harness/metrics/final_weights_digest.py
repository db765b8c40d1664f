"""SHA-256 over the weights that training ended with: the last, or the best by validation where the recipe selects these."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import digest
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that digest."""
    return digest(observations, "final_weights")


METRIC = Metric(
    measure=measure,
    title="Final weights digest",
    unit="1",
    direction="none",
    text=True,
    metric_class="exact",
    phase="train",
    scope="fingerprint",
    source="the model's state dict",
    null_when="in a script that does not give its model (run.model)",
)
