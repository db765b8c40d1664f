"""Samples trained on in a second of fetching batches and taking steps, the partial batches included; warm-up left out.

What the loop does between two steps (looking at the losses a few times a second) is no part of it.
"""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import absent, doubt
from harness.observations import Observations, Value, null, number


def measure(observations: Observations) -> Value:
    """Return samples ÷ seconds over the timed steps: a ratio of sums, so that slow steps weigh what they cost."""
    if missing := absent(observations, "step_seconds", "loader_seconds", "step_samples"):
        return missing
    timed = observations.timed
    samples = observations.step_samples[timed]
    seconds = float(observations.step_seconds[timed].sum() + observations.loader_seconds[timed].sum())
    if seconds <= 0:
        return null("too_short: the clock did not advance")
    return number(samples.sum() / seconds, len(samples), doubt(observations))


METRIC = Metric(
    measure=measure,
    title="Training throughput",
    unit="{sample}/s",
    direction="higher",
    metric_class="machine",
    phase="train",
    source="monotonic clock; on a GPU, CUDA events",
    null_when="in a script that took no step; the clock did not advance",
)
