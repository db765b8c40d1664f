"""Area under the true class's probability as the pixels of test images are deleted, those that explain it most first."""

from __future__ import annotations

from harness.metrics._analyses import area_under
from harness.metrics._base import Metric
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the area under the deletion curve, 0 to 1: low where the attribution finds what the model needs.

    The probability falls with the model's confidence, too: compare explanations of models that are about as accurate.

    Source: Petsiuk, Das and Saenko, "RISE: randomized input sampling for explanation of black-box models", BMVC 2018.
    """
    return area_under(observations, "deletion_curve")


METRIC = Metric(
    measure=measure,
    title="Deletion area",
    unit="1",
    direction="lower",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    analysis="interpretability",
    source="gradient × input, ten steps (probes/faithfulness.py)",
    null_when="the case does not ask for the analysis interpretability; inputs that are no images",
)
