"""Samples trained on, each counted every time."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import absent
from harness.observations import Observations, Value, number


def measure(observations: Observations) -> Value:
    """Return the sum over steps."""
    steps = observations.step_samples
    return absent(observations, "step_samples") or number(int(steps.sum()), len(steps))


METRIC = Metric(
    measure=measure,
    title="Samples seen",
    unit="{sample}",
    direction="none",
    metric_class="exact",
    phase="train",
    scope="any",
    source="the length of each batch",
    null_when="in a script that took no step",
)
