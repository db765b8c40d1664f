"""Mean training loss over the samples of the last epoch, each as its step saw it."""

from __future__ import annotations

import numpy as np

from harness.metrics._base import Metric
from harness.metrics._readings import absent, real
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the mean of the last epoch's losses, each step weighing as many samples as it took."""
    if missing := absent(observations, "losses", "step_epochs", "step_samples"):
        return missing
    last = observations.step_epochs == observations.step_epochs[-1]
    mean = np.average(observations.losses[last], weights=observations.step_samples[last])
    return real(float(mean), int(last.sum()))


METRIC = Metric(
    measure=measure,
    title="Final training loss",
    unit="1",
    direction="lower",
    metric_class="quality",
    phase="train",
    source="the loss of each step",
    null_when="in a script that noted no loss of some step",
)
