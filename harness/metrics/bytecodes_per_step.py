"""Python instructions that a training step executes, the harness's own loop left out."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._counted import per_step
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that count over the steps it was taken over."""
    return per_step(observations, "bytecodes")


METRIC = Metric(
    measure=measure,
    title="Python instructions per step",
    unit="{instruction}/{step}",
    direction="lower",
    metric_class="exact",
    phase="train",
    measured_in="counters",
    scope="fingerprint",
    source="sys.monitoring (Python 3.11: sys.settrace)",
    null_when="an agent's episodes, whose length varies",
)
