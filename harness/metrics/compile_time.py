"""Wall time that torch.compile took up to the end of training, evaluations in between included."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import resumed, scalar
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that time."""
    return scalar(observations, "compile_seconds", resumed(observations))


METRIC = Metric(
    measure=measure,
    title="Compile time",
    unit="s",
    direction="lower",
    metric_class="machine",
    phase="build",
    source="torch's compiler (calculate_time_spent)",
    null_when="nothing is compiled (mode eager); in a script",
)
