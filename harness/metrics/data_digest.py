"""SHA-256 over the inputs and labels of the training, test and validation split, as the data set gives them."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import digest
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that digest."""
    return digest(observations, "data")


METRIC = Metric(
    measure=measure,
    title="Data digest",
    unit="1",
    direction="none",
    text=True,
    metric_class="exact",
    phase="build",
    scope="any",
    source="the loaded tensors",
    null_when="in a script",
)
