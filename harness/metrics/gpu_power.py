"""Mean power drawn by the GPU, as NVML reads it."""

from __future__ import annotations

import numpy as np

from harness.metrics._base import Metric
from harness.metrics._readings import of_gpu
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean of the readings."""
    return of_gpu(observations, "power_watts", np.mean)


METRIC = Metric(
    measure=measure,
    title="GPU power, mean",
    unit="W",
    direction="none",
    metric_class="machine",
    phase="train",
)
