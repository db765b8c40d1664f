"""Wall time from the start of building the model to the end of the first training step, compiling included."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import doubt_of_all, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "first_step_seconds", doubt_of_all(observations))


METRIC = Metric(
    measure=measure,
    title="Time to first step",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="warmup",
    source="monotonic clock",
    null_when="in a script",
)
