"""Largest GPU memory of the run's own processes, from the start of training to its end, evaluations included."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._gpu import gpu_peak
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the largest reading from the start of training to its end."""
    return gpu_peak(observations, "process_memory_bytes")


METRIC = Metric(
    measure=measure,
    title="GPU memory of the process, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="NVML: the processes on the GPU",
    null_when="no GPU; no driver, or it hides the processes or their memory (containers); no reading during the training",
)
