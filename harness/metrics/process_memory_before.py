"""Resident memory of the memory pass's process after its imports, before data and model: the floor under its peak."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that size."""
    return scalar(observations, "process_before_bytes")


METRIC = Metric(
    measure=measure,
    title="Process memory before training",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="build",
    measured_in="memory",
    source="the system's resident set size",
    null_when="never",
)
