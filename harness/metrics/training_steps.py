"""Training steps done: each updates the weights once, or each part of the model in its turn."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import absent
from harness.observations import Observations, Value, number


def measure(observations: Observations) -> Value:
    """Return the number of recorded steps."""
    steps = len(observations.step_samples)
    return absent(observations, "step_samples") or number(steps, steps)


METRIC = Metric(
    measure=measure,
    title="Training steps",
    unit="{step}",
    direction="none",
    metric_class="exact",
    phase="train",
    scope="any",
    source="the loop's count",
    null_when="in a script that took no step",
)
