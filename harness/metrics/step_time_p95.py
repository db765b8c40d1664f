"""95th percentile of the time of a training step, without fetching its batch; warm-up left out."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import TAIL_READINGS, of_timed_steps
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the 95th percentile over the timed steps; too short with fewer than 20."""
    return of_timed_steps(observations, "step_seconds", 0.95, TAIL_READINGS)


METRIC = Metric(
    measure=measure,
    title="Step time, 95th percentile",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="monotonic clock; on a GPU, CUDA events",
    null_when="fewer than 20 steps after the warm-up",
)
