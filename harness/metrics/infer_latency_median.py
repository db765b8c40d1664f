"""Median wall time of inference on one test sample: a forward pass, or what else the task uses a model for."""

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
    source="monotonic clock: 100 passes or 0.5 s, after 5 to warm up",
    null_when="in a script; the task cannot infer from one sample (the error is the reason)",
)
