"""Mean loss on the test split as a probability: 1 is certain, and right."""

from __future__ import annotations

import math

from harness.metrics import Metric
from harness.observations import Observations, Value, number


def measure(observations: Observations) -> Value:
    """Return exp(−loss)."""
    return number(math.exp(-observations.scores["loss"]), observations.test_samples)


METRIC = Metric(measure=measure, title="Certainty", unit="1", direction="higher", metric_class="quality", phase="eval")
