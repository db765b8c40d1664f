"""Wall time of saving checkpoints, which the training time leaves out; 0 where none was due."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import doubt_of_all, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "checkpoint_seconds", doubt_of_all(observations))


METRIC = Metric(
    measure=measure,
    title="Checkpoint time",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="monotonic clock",
    null_when="in a script",
)
