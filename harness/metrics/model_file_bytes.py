"""Size of the file that the model's weights take as torch.save writes them from the CPU."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that size."""
    return scalar(observations, "model_file_bytes")


METRIC = Metric(
    measure=measure,
    title="Model file size",
    unit="By",
    direction="none",
    metric_class="exact",
    phase="infer",
    scope="versions",
    source="the file's size",
    null_when="in a script; weights that torch.save refuses",
)
