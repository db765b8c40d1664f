"""Floating-point operations of one forward and backward pass of one sample (multiply and add count as 2)."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that count."""
    return scalar(observations, "train_flops_per_sample")


METRIC = Metric(
    measure=measure,
    title="Training FLOPs per sample",
    unit="{flop}/{sample}",
    direction="none",
    metric_class="exact",
    phase="train",
    scope="versions",
)
