"""Test accuracy beyond the most frequent class's share, per floating-point operation of the whole training."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._gain import gain_over
from harness.metrics._readings import scalar
from harness.observations import Observations, Value, number


def measure(observations: Observations) -> Value:
    """Return gain ÷ (training FLOPs per sample × samples seen); evaluations and inference are not in it.

    The operations are those of the model's matrix products and convolutions, forward and backward: the same on any machine.

    Source: reporting operations rather than time follows Schwartz et al., "Green AI", CACM 63 (2020).
    """
    per_sample = scalar(observations, "train_flops_per_sample")
    if per_sample.value is None:
        return gain_over(observations, per_sample)
    return gain_over(observations, number(per_sample.value * int(observations.step_samples.sum())))


METRIC = Metric(
    measure=measure,
    title="Compute efficiency",
    unit="1/{flop}",
    direction="higher",
    metric_class="quality",
    phase="eval",
    score="accuracy",
    source="predictions, train_flops_per_sample, samples_seen",
    null_when="the task predicts no classes; train_flops_per_sample is null or 0; in a script",
)
