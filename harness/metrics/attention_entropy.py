"""How evenly the model's attention looks, on average over queries: 0 at a single step, 1 at all that it may see alike."""

from __future__ import annotations

from harness.metrics._base import Metric
from harness.metrics._readings import real
from harness.observations import Observations, Value, null


def measure(observations: Observations) -> Value:
    """Return the mean entropy of attention weights over its largest value, from 0 to 1.

    Source: Ghader and Monz, "What does attention in neural machine translation pay attention to?", IJCNLP 2017.
    """
    if observations.attention_entropy is None:
        return null(observations.nulls.get("attention_entropy", "not_applicable"))
    return real(observations.attention_entropy, observations.attended_samples)


METRIC = Metric(
    measure=measure,
    title="Attention entropy",
    unit="1",
    direction="none",
    metric_class="quality",
    phase="eval",
    analysis="attention",
    source="the weights of forward passes over test samples (probes/attention.py)",
    null_when="the case does not ask for the analysis attention; a model without attention",
)
