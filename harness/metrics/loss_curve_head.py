"""Training losses of the first 10 steps, exact, to see where two runs part."""

from __future__ import annotations

import json

from harness.metrics._base import Metric
from harness.metrics._readings import absent
from harness.observations import Observations, Value

STEPS = 10
"""Few enough that rounding has not yet moved the weights apart: by step 20 it had, see `harness.verdicts.LOSS_RTOL`."""


def measure(observations: Observations) -> Value:
    """Return them as a JSON list; each number reads back as the same float64."""
    head = [float(loss) for loss in observations.losses[:STEPS]]
    return absent(observations, "losses") or Value(text=json.dumps(head), n=len(head))


METRIC = Metric(
    measure=measure,
    title="Loss curve, first steps",
    unit="1",
    direction="none",
    text=True,
    metric_class="exact",
    phase="train",
    scope="fingerprint",
    source="the loss of each step",
    null_when="in a script that noted no loss of some step",
)
