"""Median time of a forward pass of one sample."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_passes
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the median over the passes."""
    return of_passes(observations, "infer_latency_seconds", 0.5)


METRIC = Metric(
    measure=measure,
    title="Inference latency, median",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="infer",
)
