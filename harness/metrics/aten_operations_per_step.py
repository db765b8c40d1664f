"""ATen operations that a training step dispatches, fetching its batch included; views count, a fused kernel is one."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._counted import per_step
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that count over the steps it was taken over."""
    return per_step(observations, "aten_operations")


METRIC = Metric(
    measure=measure,
    title="ATen operations per step",
    unit="{operation}/{step}",
    direction="lower",
    metric_class="exact",
    phase="train",
    measured_in="counters",
    scope="device",
    source="torch's dispatcher (TorchDispatchMode)",
    null_when="an agent's episodes, whose length varies; a mode that compiles",
)
