"""Training steps done at the first evaluation at which all of the case's targets hold."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import at_targets
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the steps done at the first evaluation that meets the targets."""
    return at_targets(observations, lambda evaluation: evaluation.step)


METRIC = Metric(
    measure=measure,
    title="Steps to target",
    unit="{step}",
    direction="lower",
    metric_class="quality",
    phase="train",
    source="evaluations: validation split, or else test",
    null_when="no targets declared, or never reached; no evaluation",
)
