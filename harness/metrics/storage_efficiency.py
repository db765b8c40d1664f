"""Test accuracy beyond the most frequent class's share, per byte of the file that the model's weights take."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._gain import gain_over
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return gain ÷ model file size."""
    return gain_over(observations, scalar(observations, "model_file_bytes"))


METRIC = Metric(
    measure=measure,
    title="Storage efficiency",
    unit="1/By",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    source="predictions, model_file_bytes",
    null_when="the task predicts no classes; model_file_bytes is null; in a script",
)
