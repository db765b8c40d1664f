"""How many times nearer than noise generated images are to real ones, by Fréchet distance."""

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
)
