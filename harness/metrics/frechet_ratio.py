"""Fréchet distance of noise ÷ that of generated images: how many times nearer to real ones they are."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return noise ÷ distance."""
    return of_score(observations, "frechet_ratio")


METRIC = Metric(
    measure=measure,
    title="Fréchet distance of noise ÷ of samples",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="frechet_ratio",
    source="task adversarial: a fixed classifier of digits",
    null_when="the task or the script gives no such score",
)
