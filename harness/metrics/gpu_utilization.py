"""Mean share of time in which a kernel ran on the GPU, as NVML reads it."""

from __future__ import annotations

import numpy as np

from harness.metrics._base import Metric
from harness.metrics._readings import of_gpu
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean of the readings; too short with fewer than 3."""
    return of_gpu(observations, "utilization", np.mean, least=3)


METRIC = Metric(
    measure=measure,
    title="GPU utilisation, mean",
    unit="%",
    direction="none",
    metric_class="machine",
    phase="train",
)
