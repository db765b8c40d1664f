"""Largest resident memory while training, without warm-up and evaluations; with child processes, of all in the whole run."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import resumed, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that peak."""
    return scalar(observations, "host_peak_bytes", resumed(observations))


METRIC = Metric(
    measure=measure,
    title="Host memory, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="VmHWM (macOS: ru_maxrss); children: PSS, every 0.25 s",
    null_when="no step was taken: a script without any, or a checkpoint that left none",
)
