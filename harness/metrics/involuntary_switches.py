"""Times a step that the system took the CPU away from a thread of the training process: all while training ÷ steps."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.observations import Observations, Value, null, number


def measure(observations: Observations) -> Value:
    """Return the switches of the process that ended the training ÷ the steps that it took."""
    if observations.involuntary_switches is None:
        return observations.missing("involuntary_switches")
    steps = len(observations.step_seconds) - observations.resumed_at_step
    return number(observations.involuntary_switches / steps, steps) if steps > 0 else null("too_short")


METRIC = Metric(
    measure=measure,
    title="Involuntary context switches per step",
    unit="{switch}/{step}",
    direction="none",
    metric_class="machine",
    phase="train",
    source="getrusage: ru_nivcsw",
    null_when="no step was taken: a script without any, or a checkpoint that left none",
)
