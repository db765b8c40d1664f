"""Squared Fréchet distance, as FID is, between a fixed digit classifier's features of generated and of real test images."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the distance of as many generated as real images."""
    return of_score(observations, "frechet_distance")


METRIC = Metric(
    measure=measure,
    title="Fréchet distance",
    unit="1",
    direction="lower",
    metric_class="quality",
    phase="eval",
    score="frechet_distance",
    source="task adversarial: a fixed classifier of digits",
    null_when="the task or the script gives no such score",
)
