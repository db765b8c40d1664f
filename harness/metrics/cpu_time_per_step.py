"""Median CPU time of a training step over all threads, without fetching its batch; on a GPU, that of issuing the step."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_timed_steps
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the median over the timed steps."""
    return of_timed_steps(observations, "step_cpu_seconds", 0.5)


METRIC = Metric(
    measure=measure,
    title="CPU time per step, median",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="process CPU clock",
    null_when="in a script that took no step",
)
