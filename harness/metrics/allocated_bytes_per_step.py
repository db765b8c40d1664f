"""Bytes of all allocations of a training step by torch's allocator on the run's device, freed or not."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._counted import per_step
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return that count over the steps it was taken over."""
    return per_step(observations, "allocated_bytes")


METRIC = Metric(
    measure=measure,
    title="Bytes allocated per step",
    unit="By/{step}",
    direction="lower",
    metric_class="exact",
    phase="train",
    measured_in="counters",
    scope="fingerprint",
    source="torch's profiler; on a GPU, its caching allocator",
    null_when="an agent's episodes, whose length varies",
)
