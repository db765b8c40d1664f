"""Wall time from the file of the weights, in the system's cache, to the model ready on its device: median of three."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "load_seconds")


METRIC = Metric(
    measure=measure,
    title="Load time",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="infer",
    source="monotonic clock",
    null_when="in a script; weights that torch.save refuses",
)
