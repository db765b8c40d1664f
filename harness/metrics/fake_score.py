"""Mean probability of being real that the discriminator gives to generated images."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_score
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean over generated images."""
    return of_score(observations, "fake_score")


METRIC = Metric(
    measure=measure,
    title="Discriminator on generated images",
    unit="1",
    direction="none",
    metric_class="quality",
    phase="eval",
    score="fake_score",
    source="task adversarial: the model's discriminator",
    null_when="the task or the script gives no such score",
)
