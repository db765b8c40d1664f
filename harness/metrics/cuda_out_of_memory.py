"""Allocations on CUDA that failed for lack of memory, from the start of training to its end."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import resumed, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that count."""
    return scalar(observations, "cuda_out_of_memory", resumed(observations))


METRIC = Metric(
    measure=measure,
    title="CUDA allocations failed",
    unit="1",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="torch.cuda.memory_stats: num_ooms",
    null_when="no GPU; no step was taken: a script without any, or a checkpoint that left none",
)
