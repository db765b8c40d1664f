"""Median time between two samples of the GPU, from the start of training to its end."""

from __future__ import annotations

import numpy as np

from harness.metrics._base import Metric
from harness.metrics._gpu import READINGS
from harness.metrics._readings import absent
from harness.metrics._samples import present, within
from harness.observations import Observations, Value, null, number


def measure(observations: Observations) -> Value:
    """Return the median over all pairs of neighbours; too short with fewer than 3 samples."""
    if missing := absent(observations, "gpu_samples"):
        return missing
    windows = observations.train_windows
    taken = within(observations.gpu_samples, [(windows[0][0], windows[-1][1])] if windows else [])
    times = present(taken, "monotonic")
    return null("too_short") if len(times) < READINGS else number(np.median(np.diff(times)), len(times) - 1)


METRIC = Metric(
    measure=measure,
    title="GPU sample period",
    unit="s",
    direction="none",
    metric_class="machine",
    phase="train",
    source="time of the samples",
    null_when="no GPU; no driver; fewer than 3 samples during the training",
)
