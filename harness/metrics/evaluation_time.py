"""Wall time of all evaluations during training, which the training time leaves out; the final test is not among them."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import doubt_of_all, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "evaluation_seconds", doubt_of_all(observations))


METRIC = Metric(
    measure=measure,
    title="Evaluation time",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="eval",
    source="monotonic clock",
    null_when="never",
)
