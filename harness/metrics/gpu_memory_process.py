"""Largest GPU memory of the run's own process, as NVML reads it."""

from __future__ import annotations

import numpy as np

from harness.metrics._base import Metric
from harness.metrics._readings import of_gpu
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the largest reading."""
    return of_gpu(observations, "process_memory_bytes", np.max)


METRIC = Metric(
    measure=measure,
    title="GPU memory of the process, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
)
