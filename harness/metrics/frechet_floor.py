"""Squared Fréchet distance between real training and real test images: about what a perfect generator reaches."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the distance that belongs to the data; no generator takes part."""
    return of_score(observations, "frechet_floor")


METRIC = Metric(
    measure=measure,
    title="Fréchet distance of real training images",
    unit="1",
    direction="none",
    metric_class="quality",
    phase="eval",
    score="frechet_floor",
    source="task adversarial: a fixed classifier of digits",
    null_when="the task or the script gives no such score",
)
