"""Largest GPU memory that tensors held while training, after the warm-up, evaluations left out."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import resumed, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that peak."""
    return scalar(observations, "cuda_allocated_peak_bytes", resumed(observations))


METRIC = Metric(
    measure=measure,
    title="CUDA memory allocated, peak",
    unit="By",
    direction="lower",
    metric_class="machine",
    phase="train",
    source="torch.cuda.max_memory_allocated",
    null_when="no GPU; no step was taken: a script without any, or a checkpoint that left none",
)
