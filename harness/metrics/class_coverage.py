"""Classes that generated images reach: at least a tenth of their share of the real test images falls into each."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the number of classes with at least a tenth of their real share of samples."""
    return of_score(observations, "class_coverage")


METRIC = Metric(
    measure=measure,
    title="Classes covered",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="class_coverage",
    source="task adversarial: a fixed classifier of digits",
    null_when="the task or the script gives no such score",
)
