"""Share of the machine's measured peak FLOP rate that training reached: FLOPs per sample × throughput ÷ peak."""

from __future__ import annotations

from dataclasses import replace

from harness.metrics import train_throughput
from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value, null


def measure(observations: Observations) -> Value:
    """Return that share, by the operations of the model itself; null where one of the three is, for its reason."""
    throughput = train_throughput.measure(observations)
    for factor in (throughput, scalar(observations, "train_flops_per_sample"), scalar(observations, "peak_flops_per_second")):
        if factor.value is None:
            return factor
    flops, peak = observations.train_flops_per_sample, observations.peak_flops_per_second
    if not (throughput.value and flops and peak):
        return null("not_applicable")  # nothing that counts as an operation, or nothing done
    return replace(throughput, value=throughput.value * flops / peak)


METRIC = Metric(
    measure=measure,
    title="Model FLOPs utilisation",
    unit="1",
    direction="higher",
    metric_class="machine",
    phase="train",
    source="train_flops_per_sample, train_throughput, peak_flops",
    null_when="one of the three is, or is 0",
)
