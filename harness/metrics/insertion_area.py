"""Area under the true class's probability as pixels of test images are restored, those that explain it most first."""

from __future__ import annotations

from harness.metrics._analyses import area_under
from harness.metrics._base import Metric
from harness.observations import Observations, Value


def measure(observations: Observations) -> Value:
    """Return the area under the insertion curve, 0 to 1: high where the attribution finds what suffices for the model.

    Source: Petsiuk, Das and Saenko, "RISE: randomized input sampling for explanation of black-box models", BMVC 2018.
    """
    return area_under(observations, "insertion_curve")


METRIC = Metric(
    measure=measure,
    title="Insertion area",
    unit="1",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    analysis="interpretability",
    source="gradient × input, ten steps (probes/faithfulness.py)",
    null_when="the case does not ask for the analysis interpretability; inputs that are no images",
)
