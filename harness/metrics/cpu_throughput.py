"""Samples trained on in a CPU second of all threads: the median over the chunks of steps of the calibrated pass."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._normalised import of_chunks
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the median over the chunks; too short with fewer than 10."""
    return of_chunks(observations, normalised=False)


METRIC = Metric(
    measure=measure,
    title="Training throughput per CPU second",
    unit="{sample}/s",
    direction="higher",
    metric_class="machine",
    phase="train",
    measured_in="calibrated",
    source="process CPU clock, around each step of a chunk",
    null_when="on a GPU; an agent's episodes; fewer than 10 chunks (steps of over about 0.1 s)",
)
