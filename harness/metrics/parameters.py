"""Trainable parameters of the model; a shared one counts once."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that count."""
    return scalar(observations, "parameters")


METRIC = Metric(
    measure=measure,
    title="Parameters",
    unit="{parameter}",
    direction="none",
    metric_class="exact",
    phase="build",
    scope="any",
    source="the model",
    null_when="in a script that does not give its model (run.model)",
)
