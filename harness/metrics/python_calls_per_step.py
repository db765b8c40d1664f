"""Python functions that a training step enters, the harness's own loop left out; functions in C do not count."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._counted import per_step
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that count over the steps it was taken over."""
    return per_step(observations, "python_calls")


METRIC = Metric(
    measure=measure,
    title="Python calls per step",
    unit="{call}/{step}",
    direction="lower",
    metric_class="exact",
    phase="train",
    measured_in="counters",
    scope="fingerprint",
    source="sys.monitoring (Python 3.11: sys.settrace)",
    null_when="an agent's episodes, whose length varies",
)
