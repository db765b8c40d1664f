"""Largest resident memory of the training process over three steps of the memory pass, its tracking included."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that peak."""
    return scalar(observations, "process_peak_bytes")


METRIC = Metric(
    measure=measure,
    title="Process memory, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
    measured_in="memory",
    source="VmHWM (macOS: ru_maxrss, of the whole process)",
    null_when="an agent's episodes, whose length varies",
)
