"""Mean clock of the GPU's multiprocessors while training, as NVML reads it."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._gpu import gpu_mean
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean of the readings taken while training; too short with fewer than 3."""
    return gpu_mean(observations, "sm_clock_hertz")


METRIC = Metric(
    measure=measure,
    title="GPU clock, mean",
    unit="Hz",
    direction="none",
    metric_class="machine",
    phase="train",
    source="NVML: nvmlDeviceGetClockInfo",
    null_when="no GPU; no driver, or it refuses the reading; fewer than 3 readings while training",
)
