"""Median time of fetching a training step's batch; on a GPU, the device's time for it."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_timed_steps
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the median over the timed steps."""
    return of_timed_steps(observations, "loader_seconds", 0.5)


METRIC = Metric(
    measure=measure,
    title="Loader time, median",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="monotonic clock; on a GPU, CUDA events",
    null_when="in a script that took no step",
)
