"""What the exact counters share."""

from __future__ import annotations

from harness.observations import Observations, Value, number


def per_step(observations: Observations, counter: str) -> Value:
    """Return the counter of that field ÷ the steps that it was taken over, which are n."""
    count: int | None = getattr(observations, counter)
    steps = observations.counted_steps
    return observations.missing(counter) if count is None or steps == 0 else number(count / steps, steps)
