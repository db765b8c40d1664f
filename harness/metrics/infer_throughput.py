"""Samples a second in forward passes of a whole batch."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import of_passes
from harness.observations import Observations, Value, null, number


def measure(observations: Observations) -> Value:
    """Return batch size ÷ median time of a pass."""
    seconds = of_passes(observations, "infer_batch_seconds", 0.5)
    if seconds.value is None:
        return seconds
    if observations.infer_batch_size == 0:
        return observations.missing("infer_batch_size")
    if seconds.value <= 0:
        return null("too_short: the clock did not advance")
    return number(observations.infer_batch_size / seconds.value, seconds.n, seconds.quality_flag)


METRIC = Metric(
    measure=measure,
    title="Inference throughput",
    unit="{sample}/s",
    direction="higher",
    metric_class="machine",
    phase="infer",
)
