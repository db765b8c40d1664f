"""Bytes of all tensors in the model's state dict, buffers included; one with two names counts twice."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that size."""
    return scalar(observations, "model_bytes")


METRIC = Metric(
    measure=measure,
    title="Model size",
    unit="By",
    direction="none",
    metric_class="exact",
    phase="build",
    scope="any",
    source="the model's state dict",
    null_when="in a script that does not give its model (run.model)",
)
