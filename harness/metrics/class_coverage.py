"""Number of classes that generated images reach."""

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
)
