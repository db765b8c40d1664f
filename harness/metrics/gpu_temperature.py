"""Highest temperature of the GPU from the start of training to its end, as NVML reads it."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._gpu import gpu_peak
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the largest reading from the start of training to its end."""
    return gpu_peak(observations, "temperature_celsius")


METRIC = Metric(
    measure=measure,
    title="GPU temperature, peak",
    unit="Cel",
    direction="none",
    metric_class="machine",
    phase="train",
    source="NVML: nvmlDeviceGetTemperature",
    null_when="no GPU; no driver, or it refuses the reading; no reading during the training",
)
