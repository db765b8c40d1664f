"""Most FLOP a second that the machine reached in a matrix product, with the run's device, threads and precision."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that rate."""
    return scalar(observations, "peak_flops_per_second")


METRIC = Metric(
    measure=measure,
    title="Peak FLOP rate, measured",
    unit="{flop}/s",
    direction="none",
    metric_class="machine",
    phase="train",
    source="the fastest matrix product in 0.5 s, once a session",
    null_when="in a script; its measuring failed",
)
