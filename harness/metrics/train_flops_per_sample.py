"""Operations of the matrix products and convolutions in a sample's forward and backward pass; multiply and add count 2."""

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
    source="torch's FlopCounterMode, fused kernels off",
    null_when="in a script; an agent's episodes; no operation that counts, or none of them runs with fused kernels off",
)
