"""Largest resident memory of the run's processes up to the end of training."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that peak."""
    return scalar(observations, "host_peak_bytes")


METRIC = Metric(
    measure=measure,
    title="Host memory, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
)
