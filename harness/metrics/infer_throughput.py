"""Samples a second in inference on a training batch of test samples: their number ÷ the median wall time."""

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
    source="monotonic clock: 100 passes or 0.5 s, after 5 to warm up",
    null_when="in a script; the task cannot infer from a batch (the error is the reason)",
)
