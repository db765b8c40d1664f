"""SHA-256 over the training losses of all steps, as float64."""

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
    text=True,
    metric_class="exact",
    phase="train",
    scope="fingerprint",
    source="the loss of each step",
    null_when="in a script that noted no loss of some step",
)
