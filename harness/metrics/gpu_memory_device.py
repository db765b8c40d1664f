"""Largest memory in use on the GPU by all processes, as NVML reads it."""

from __future__ import annotations

import numpy as np

from harness.metrics._base import Metric
from harness.metrics._readings import of_gpu
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the largest reading."""
    return of_gpu(observations, "memory_used_bytes", np.max)


METRIC = Metric(
    measure=measure,
    title="GPU memory of the device, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
)
