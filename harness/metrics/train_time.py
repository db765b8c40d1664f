"""Wall time of the training's steps, warm-up included; without evaluations, checkpoints and the drawing of orders."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import doubt_of_all, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "train_seconds", doubt_of_all(observations))


METRIC = Metric(
    measure=measure,
    title="Training time",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="monotonic clock",
    null_when="never",
)
