"""Share of the GPU's samples while training in which power or heat held the clocks down, the usual power cap included."""

from __future__ import annotations

import numpy as np

from harness.metrics._base import Metric
from harness.metrics._gpu import READINGS, of_gpu
from harness.observations import Array, Observations, Throttle, Value

SLOWING = sum(Throttle)


def measure(observations: Observations) -> Value:
    """Return the share of readings with a reason in `Throttle`, the usual power cap included; too short with fewer than 3."""
    return of_gpu(observations, "throttle_reasons", observations.train_windows, _share, READINGS)


def _share(reasons: Array) -> float:
    return 100 * float(np.mean([int(bits) & SLOWING != 0 for bits in reasons]))


METRIC = Metric(
    measure=measure,
    title="GPU throttled, share of samples",
    unit="%",
    direction="none",
    metric_class="machine",
    phase="train",
    source="NVML: nvmlDeviceGetCurrentClocksEventReasons",
    null_when="no GPU; no driver, or it refuses the reading; fewer than 3 readings while training",
)
