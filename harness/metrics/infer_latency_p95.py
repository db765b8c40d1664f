"""95th percentile of the wall time of inference on one test sample."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import TAIL_READINGS, of_passes
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the 95th percentile over the passes; too short with fewer than 20."""
    return of_passes(observations, "infer_latency_seconds", 0.95, TAIL_READINGS)


METRIC = Metric(
    measure=measure,
    title="Inference latency, 95th percentile",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="infer",
    source="monotonic clock: 100 passes or 0.5 s, after 5 to warm up",
    null_when="in a script; the task cannot infer from one sample (the error is the reason); fewer than 20 passes",
)
