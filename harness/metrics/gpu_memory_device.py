"""Largest memory in use on the GPU by all processes, from the start of training to its end, evaluations included."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._gpu import gpu_peak
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the largest reading from the start of training to its end."""
    return gpu_peak(observations, "memory_used_bytes")


METRIC = Metric(
    measure=measure,
    title="GPU memory of the device, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="NVML: nvmlDeviceGetMemoryInfo",
    null_when="no GPU; no driver, or it refuses the reading; no reading during the training",
)
