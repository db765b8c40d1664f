"""Wall time of building the model and placing it on its device."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "build_seconds")


METRIC = Metric(
    measure=measure,
    title="Build time",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="build",
    source="monotonic clock",
    null_when="in a script",
)
